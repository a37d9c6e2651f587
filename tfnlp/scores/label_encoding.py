"""Label encoding: labels as numbers, for all classification metrics.

A gold label that the task never saw gets a number behind those of the task, so
that it counts as an error and never as a crash.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MEMORY = 100_000
"""Size of the cache of split labels."""


class Counts(NamedTuple):
    """How often each class is gold, is answered, and is both: int64 [C] each."""

    names: tuple[str, ...]
    gold: np.ndarray
    answered: np.ndarray
    right: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """Which classes occur in gold or answered labels, bool [C]."""
        return self.gold + self.answered > 0

    @property
    def precision(self) -> np.ndarray:
        """Right answers among the answers of each class, float64 [C]."""
        return self.right / np.maximum(self.answered, 1)

    @property
    def recall(self) -> np.ndarray:
        """Right answers among the gold rows of each class, float64 [C]."""
        return self.right / np.maximum(self.gold, 1)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of precision and recall, float64 [C]."""
        return 2 * self.right / np.maximum(self.gold + self.answered, 1)


class Codes(NamedTuple):
    """Gold and answered labels as numbers, int64 [N] each, and their names."""

    gold: np.ndarray
    answered: np.ndarray
    names: tuple[str, ...]

    @property
    def hits(self) -> np.ndarray:
        """Which answers are right, bool [N]."""
        return self.gold == self.answered

    def counts(self) -> Counts:
        """Counts each class."""
        size = len(self.names)
        return Counts(
            self.names,
            np.bincount(self.gold, minlength=size),
            np.bincount(self.answered, minlength=size),
            np.bincount(self.gold[self.hits], minlength=size),
        )


class Members(NamedTuple):
    """Gold and answered sets of labels, bool [N, C] each, and the names [C]."""

    gold: np.ndarray
    answered: np.ndarray
    names: tuple[str, ...]

    @property
    def hits(self) -> np.ndarray:
        """Which answers are right as a whole set, bool [N]."""
        return (self.gold == self.answered).all(axis=1)

    def counts(self) -> Counts:
        """Counts each class."""
        return Counts(
            self.names,
            self.gold.sum(axis=0),
            self.answered.sum(axis=0),
            (self.gold & self.answered).sum(axis=0),
        )


def codes(gold: np.ndarray, answered: np.ndarray, labels: Sequence[str]) -> Codes:
    """Encodes single labels; a number is a position in `labels` where possible.

    Example:
    >>> gold, answered = np.array(["b", "z"], object), np.array(["b", "a"], object)
    >>> codes(gold, answered, ["a", "b"]).gold
    array([1, 2])
    """
    names = _names(labels, {*gold, *answered})
    place = {name: number for number, name in enumerate(names)}
    return Codes(_numbers(gold, place), _numbers(answered, place), names)


def members(
    gold: np.ndarray, answered: np.ndarray, labels: Sequence[str], *, separator: str
) -> Members:
    """Multi-hot encoding of joined labels: one column per class.

    Spaces around a label are dropped; an empty text is the empty set.

    Example:
    >>> gold, answered = np.array(["a|b", ""], object), np.array(["b", "a"], object)
    >>> members(gold, answered, ["a", "b"], separator="|").gold.astype(int)
    array([[1, 1],
           [0, 0]])
    """
    parts = {each: split(each, separator) for each in {*gold, *answered}}
    trimmed = [label.strip() for label in labels]
    names = _names(trimmed, {name for each in parts.values() for name in each})
    row = {each: number for number, each in enumerate(parts)}
    table = _table(list(parts.values()), names)
    return Members(
        table[_numbers(gold, row)],
        table[_numbers(answered, row)],
        names,
    )


@functools.lru_cache(maxsize=MEMORY)
def split(joined: str, separator: str) -> tuple[str, ...]:
    """Splits one joined label, spaces and empty parts dropped.

    Example:
    >>> split("joy, love,", ",")
    ('joy', 'love')
    """
    return tuple(filter(None, map(str.strip, joined.split(separator))))


def _names(labels: Sequence[str], found: set[str]) -> tuple[str, ...]:
    return (*labels, *sorted(found.difference(labels)))


def _numbers(values: np.ndarray, place: dict[str, int]) -> np.ndarray:
    return np.fromiter(map(place.__getitem__, values.tolist()), np.int64, len(values))


def _table(parts: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(parts), len(names)), bool)
    rows = [row for row, each in enumerate(parts) for _ in each]
    table[rows, [place[name] for each in parts for name in each]] = True
    return table
