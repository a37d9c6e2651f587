"""A copy of a Keras network that an exporter may change.

Exporters set precisions, and loops of Keras' own recurrent layers, on a copy only:
another thread may train, save or call the network at the same time.
"""

from typing import Any

import keras

_CLASS = "network"


def network_copy(model: keras.Model) -> keras.Model:
    """Rebuilds a network from its configuration, with the same values of weights.

    Example:
    >>> network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    >>> copy = network_copy(network)
    >>> bool((copy.weights[0].numpy() == network.weights[0].numpy()).all())
    True
    """
    config = {
        "module": None,
        "class_name": _CLASS,
        "registered_name": _CLASS,
        "config": _seeded(model.get_config()),
        "build_config": model.get_build_config(),
    }
    # Not by `serialize_keras_object`: loss and optimizer are not copied.
    classes = {_CLASS: type(model)}
    copy = keras.saving.deserialize_keras_object(config, classes, safe_mode=False)
    copy.set_weights(model.get_weights())
    return copy


def _seeded(config: Any) -> Any:
    """A configuration with seeds: without, layers draw some from Python's `random`.

    That would change the numbers of a training in another thread.
    """
    if isinstance(config, dict):
        return {
            name: 0 if name == "seed" and value is None else _seeded(value)
            for name, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(map(_seeded, config))
    return config
