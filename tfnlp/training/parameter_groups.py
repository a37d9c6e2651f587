"""Rates and weight decay that differ from weight to weight."""

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
    """Reads `name=share` words: the share of the rate that a layer learns at.

    Discriminative rates (Howard & Ruder 2018) leave what was pretrained nearer to
    where it was; a share of 0 leaves it there.

    Args:
        words: names of layers, wherever they are in the network, or the beginning
            of such a name and a star; the last word that fits counts.
        network: has the layers.

    Returns:
        The share of each trainable weight; 1 where no word fits.

    Raises:
        UsageError: a word is no `name=share`, or there is no such layer.

    Example:
    >>> inputs = keras.Input([2])
    >>> network = keras.Model(inputs, keras.layers.Dense(1, name="head")(inputs))
    >>> learning_rate_multipliers(["head=0.5"], network)
    [0.5, 0.5]
    """
    layers = [weight.path.split("/")[:-1] for weight in network.trainable_variables]
    shares = [1.0] * len(layers)
    for word in words:
        name, _, number = word.partition("=")
        found = [n for n, path in enumerate(layers) if _is_in(name, path)]
        if not found:
            names = sorted({part for path in layers for part in path})
            raise UsageError(
                f"A rate is set for a layer, one of {', '.join(names)}. "
                f"Received: {word!r}.{nearest(name, names)}"
            )
        for n in found:
            shares[n] = _share(word, number)
    return shares


def grouped(
    optimizer: keras.optimizers.Optimizer,
    shares: Sequence[float],
    *,
    weight_decay: float,
) -> None:
    """Gives each weight its rate, and decay to matrices and tables only.

    Biases and normalisations have nothing that decay could keep small (Loshchilov &
    Hutter 2019 leave it open; every recipe since BERT's spares them). Decay follows
    the rate of the weight, so a weight that stays does not shrink.

    Args:
        optimizer: without weight decay of its own.
        shares: of the rate, one for each weight of the optimizer.
        weight_decay: what a weight loses at a rate of 1, as a share of itself.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    update = inner.update_step
    is_average = isinstance(inner, ScheduleFree)

    @functools.wraps(update)
    def update_step(gradient: Gradient, variable: tf.Variable, rate: Any) -> None:
        place = inner._get_variable_index(variable)
        if not shares[place]:
            return
        rate = tf.cast(rate, variable.dtype) * shares[place]
        if weight_decay and len(variable.shape) > 1:
            going = inner._momentums[place] if is_average else variable
            inner.assign_sub(going, variable * (rate * weight_decay))
        update(gradient, variable, rate)

    inner.update_step = update_step


def _is_in(name: str, layers: Sequence[str]) -> bool:
    """Whether one of the layers that a weight is in has that name."""
    if name.endswith("*"):
        return any(layer.startswith(name[:-1]) for layer in layers)
    return name in layers


def _share(word: str, number: str) -> float:
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if not 0.0 <= share < float("inf"):
        raise UsageError(
            "A layer's rate is a share of the rate, 0 or more, as in embedding=0.1. "
            f"Received: {word!r}."
        )
    return share
