"""A copy of a Keras network that an exporter may change.

Exporters replace loops of recurrent layers and set precisions. They do so on a copy:
another thread may train, save or call the network at the same time.
"""

from typing import Any

import keras


def network_copy(model: keras.Model) -> keras.Model:
    """Rebuilds a network from its configuration, with the same values of weights.

    Example:
    >>> network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    >>> copy = network_copy(network)
    >>> bool((copy.weights[0].numpy() == network.weights[0].numpy()).all())
    True
    """
    config: dict[str, Any] = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=False)
    copy.set_weights(model.get_weights())
    return copy
