"""Argument validation of layers and networks: errors name the argument."""

from collections.abc import Iterable
from typing import Any

import keras

from tfnlp.errors import UsageError, nearest

Shape = tuple[Any, ...]
"""Of a tensor; None for a dimension that is known only at run time."""


def check_choice(option: str, name: str, choices: Iterable[str]) -> None:
    """Makes sure that an option names one of its choices.

    Raises:
        UsageError: it names something else; the message suggests the nearest.

    Example:
    >>> check_choice("pooling", "mean", ["max", "mean"])
    """
    names = list(choices)
    if name not in names:
        raise UsageError(
            f"Option {option} must be one of {', '.join(names)}. "
            f"Received: {name!r}.{nearest(str(name), names)} "
            f"Pass {option}={names[0]!r}, for example."
        )


def check_rate(option: str, rate: float) -> None:
    """Makes sure that a dropout rate is at least 0 and below 1.

    Raises:
        UsageError: it is not.
    """
    if not _is_number(rate) or not 0.0 <= rate < 1.0:
        raise UsageError(
            f"Option {option} must be at least 0 and below 1. Received: {rate!r}. "
            f"Pass {option}=0.0 for none."
        )


def check_size(option: str, size: int | None, *, least: int = 1) -> None:
    """Makes sure that a size is a whole number of at least `least`.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(size, int) or size < least:
        raise UsageError(
            f"Option {option} must be a whole number of at least {least}. "
            f"Received: {size!r}. Pass a larger {option}."
        )


def penalty(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """The L1/L2 regularizer of a kernel, or None where both factors are 0.

    Raises:
        UsageError: a factor is negative, or no number.

    Example:
    >>> penalty(0.0, 0.0) is None
    True
    >>> penalty(0.0, 0.5).get_config()["l2"]
    0.5
    """
    for option, factor in (("l1", l1), ("l2", l2)):
        if not _is_number(factor) or not 0.0 <= factor < float("inf"):
            raise UsageError(
                f"Option {option} must be a number, 0 or more. Received: {factor!r}. "
                f"Pass {option}=0.0 for no penalty."
            )
    return keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
