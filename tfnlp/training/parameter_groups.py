"""Parameter groups: learning rate multipliers by layer, and decoupled weight decay."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfnlp.errors import UsageError, nearest
from tfnlp.training.optimizers import Gradient, ScheduleFree


def learning_rate_multipliers(
    words: Sequence[str], network: keras.Model
) -> list[float]:
    """Learning rate multipliers by layer, from words such as `embedding=0.1`.

    Discriminative fine-tuning (Howard & Ruder 2018) keeps pretrained layers nearer to
    where they were; a multiplier of 0 freezes a layer.

    Args:
        words: `name=multiplier`; a name of a layer at any depth of the network, or its
            beginning with a star. The last word that matches counts.
        network: has the layers.

    Returns:
        The multiplier of each trainable weight; 1 where no word matches.

    Raises:
        UsageError: a word has no multiplier, or there is no such layer.

    Example:
    >>> inputs = keras.Input([2])
    >>> network = keras.Model(inputs, keras.layers.Dense(1, name="head")(inputs))
    >>> learning_rate_multipliers(["head=0.5"], network)
    [0.5, 0.5]
    """
    layers = [weight.path.split("/")[:-1] for weight in network.trainable_variables]
    multipliers = [1.0] * len(layers)
    for word in words:
        name, _, number = word.partition("=")
        found = [n for n, path in enumerate(layers) if _is_in(name, path)]
        if not found:
            names = sorted({part for path in layers for part in path})
            raise UsageError(
                f"learning_rate_multipliers name a layer, one of {', '.join(names)}. "
                f"Received: {word!r}.{nearest(name, names)}"
            )
        for n in found:
            multipliers[n] = _multiplier(word, number)
    return multipliers


def grouped(
    optimizer: keras.optimizers.Optimizer,
    multipliers: Sequence[float],
    *,
    weight_decay: float,
) -> None:
    """Applies learning rate multipliers, and weight decay to matrices and tables only.

    Biases and normalisations are not decayed (Loshchilov & Hutter 2019 leave it open;
    every recipe since BERT's excludes them). Decay is multiplied by the learning rate
    of the weight, so that a frozen weight does not shrink.

    Args:
        optimizer: without weight decay of its own.
        multipliers: of the learning rate, one for each weight of the optimizer.
        weight_decay: share of itself that a weight loses at a learning rate of 1.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    update = inner.update_step
    is_average = isinstance(inner, ScheduleFree)

    @functools.wraps(update)
    def update_step(gradient: Gradient, variable: tf.Variable, rate: Any) -> None:
        place = inner._get_variable_index(variable)
        if not multipliers[place]:
            return
        rate = tf.cast(rate, variable.dtype) * multipliers[place]
        if weight_decay and len(variable.shape) > 1:
            going = inner._momentums[place] if is_average else variable
            inner.assign_sub(going, variable * (rate * weight_decay))
        update(gradient, variable, rate)

    inner.update_step = update_step


def _is_in(name: str, layers: Sequence[str]) -> bool:
    """Whether a layer on the path of a weight has that name."""
    if name.endswith("*"):
        return any(layer.startswith(name[:-1]) for layer in layers)
    return name in layers


def _multiplier(word: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise UsageError(
            "A multiplier must be a number, 0 or more, as in embedding=0.1. "
            f"Received: {word!r}."
        )
    return value
