"""Splits strings of several references; see `tfnlp.specs.REFERENCES`."""

from collections.abc import Sequence

import numpy as np

from tfnlp.specs import REFERENCES


def apart(gold: np.ndarray | Sequence[str]) -> list[list[str]]:
    """The references of each row, at least one.

    Example:
    >>> apart(["one\\x1ein", "two", ""])
    [['one', 'in'], ['two'], ['']]
    """
    return [text.split(REFERENCES) for text in gold]


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """The first references of all rows, the second and so on; None where is none.

    Example:
    >>> streams([["one", "in"], ["two"]])
    [['one', 'two'], ['in', None]]
    """
    most = max(map(len, references), default=1)
    return [
        [each[place] if place < len(each) else None for each in references]
        for place in range(most)
    ]
