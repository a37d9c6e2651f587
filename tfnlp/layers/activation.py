"""Activations by name, including those that learn a slope."""

import keras

from tfnlp.layers.validation import check_choice

FUNCTIONS = (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "swish",
    "tanh",
)
"""Activations without weights: these also fit inside a recurrent cell."""

NAMES = tuple(sorted((*FUNCTIONS, "prelu")))


def activation(name: str, *, per_token: bool = False) -> keras.layers.Layer:
    """A new activation layer by name.

    Args:
        name: one of `NAMES`; `swish` and `silu` are the same function.
        per_token: the input is `[B, T, D]`, not `[B, D]`. Then the slopes that
            `prelu` learns are shared by all tokens, one slope for each of D.

    Raises:
        UsageError: there is no such activation.

    Example:
    >>> import numpy as np
    >>> activation("relu")(np.array([[-1.0, 2.0]])).numpy().tolist()
    [[0.0, 2.0]]
    >>> activation("rellu")
    Traceback (most recent call last):
    tfnlp.errors.UsageError: Option activation must be one of ...
    """
    check_choice("activation", name, NAMES)
    if name == "prelu":
        return keras.layers.PReLU(shared_axes=[1] if per_token else None)
    return keras.layers.Activation(name)
