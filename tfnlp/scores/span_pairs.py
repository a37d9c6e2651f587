"""Alignment of answered spans with gold spans, and kinds of errors.

Each gold span is paired with at most one answered span of its sentence: first with
one of the same ends, then with the one that shares most words, of the right type if
several share as many. What is left over is missed or spurious.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfnlp.scores.tagging import Found, Spans, split

KINDS = ("exact", "type", "ends", "both", "missed", "spurious")
"""Right; wrong type; wrong ends; wrong type and ends; not found; not there."""


class Pair(NamedTuple):
    """A gold span and its answered span; either may be missing."""

    row: int
    gold: Found | None
    answered: Found | None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.gold is None:
            return "spurious"
        if self.answered is None:
            return "missed"
        same_type = self.gold[0] == self.answered[0]
        if self.gold[1:] == self.answered[1:]:
            return "exact" if same_type else "type"
        return "ends" if same_type else "both"


def pairs(gold: np.ndarray, answered: np.ndarray, *, spans: Spans) -> list[Pair]:
    """Pairs the spans of all rows.

    Args:
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence.

    Example:
    >>> gold, answered = np.array(["A O"], object), np.array(["B A"], object)
    >>> bare = lambda tags: [(t, n, n + 1) for n, t in enumerate(tags) if t != "O"]
    >>> [pair.kind for pair in pairs(gold, answered, spans=bare)]
    ['type', 'spurious']
    """
    both = enumerate(zip(gold, answered, strict=True))
    return [
        Pair(row, *pair)
        for row, (a, b) in both
        for pair in _paired(spans(split(a)), spans(split(b)))
    ]


def partial(paired: Iterable[Pair]) -> dict[str, int]:
    """The number of pairs of each kind.

    Example:
    >>> partial([Pair(0, ("A", 0, 2), ("A", 0, 1))])["ends"]
    1
    """
    counts = Counter(pair.kind for pair in paired)
    return {kind: counts[kind] for kind in KINDS}


def _paired(
    gold: Sequence[Found], answered: Sequence[Found]
) -> Iterator[tuple[Found | None, Found | None]]:
    left = {span[1:]: span for span in answered}
    rest = []
    for span in gold:
        if (same := left.pop(span[1:], None)) is not None:
            yield span, same
        else:
            rest.append(span)
    for span in rest:
        other = max(left.values(), key=lambda each: _likeness(span, each), default=None)
        if other is not None and _likeness(span, other)[0] > 0:
            yield span, left.pop(other[1:])
        else:
            yield span, None
    for other in left.values():
        yield None, other


def _likeness(gold: Found, answered: Found) -> tuple[int, bool]:
    shared = min(gold[2], answered[2]) - max(gold[1], answered[1])
    return shared, gold[0] == answered[0]
