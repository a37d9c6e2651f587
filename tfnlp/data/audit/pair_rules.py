"""What is wrong with one pair of texts, against what is usual for the pairs of a set.

A pair is a source and a target, such as a sentence and its translation. What is
usual is learnt from rows: how long one side is against the other, and the script of
each. Rules look at one pair; what they find in a whole set is an audit's work.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from tfnlp.data import unicode_scripts
from tfnlp.data.audit.texts import Unit
from tfnlp.data.rows import column_batches
from tfnlp.errors import UsageError
from tfnlp.specs import REFERENCES, Rows

Flaw = Literal["empty", "identical", "length", "script"]
FLAWS: tuple[Flaw, ...] = ("empty", "identical", "length", "script")
"""A side is empty; both sides are the same; one is too long against the other; a
side is written in another script than usual."""

SIDES = ("source", "target")
RATIO = 3.0
"""How many times the usual ratio of lengths is too much, if nothing else is said."""
SMOOTHING = {"words": 3, "characters": 15}
"""Added to both lengths, so that short texts may differ: `Hi!` and `Guten Tag!`."""
USUAL = 0.8
"""Share of the texts of a side from which on their script is the usual one."""
LOOKED_AT = 200_000
"""Pairs that are looked at to learn what is usual."""


@dataclass(frozen=True)
class PairRules:
    """What a pair of a set should be like.

    Args:
        usual: the median ratio of lengths, source by target.
        ratio: how many times more or less than usual is too much.
        unit: what lengths are counted in.
        scripts: the usual script of source and target; empty if there is none.

    Raises:
        UsageError: the ratio is not above one.

    Example:
    >>> rules = PairRules(scripts=("LATIN", "CYRILLIC"))
    >>> rules.flaws("A dog barks.", "Лает собака."), rules.flaws("A dog.", "A dog.")
    ((), ('identical', 'script'))
    """

    usual: float = 1.0
    ratio: float = RATIO
    unit: Unit = "characters"
    scripts: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if not self.ratio > 1:
            raise UsageError(
                "A ratio of lengths that is too much is above 1. "
                f"Received: ratio={self.ratio}. Give for example {RATIO:g}."
            )

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        fields: tuple[str, str] = SIDES,
        ratio: float = RATIO,
        unit: Unit = "characters",
    ) -> "PairRules":
        """Learns what is usual for the pairs of these rows, the first of them.

        Raises:
            DataError: a record of a file cannot be read.
            UsageError: the ratio is not above one.

        Example:
        >>> from tfnlp.data.rows import from_list
        >>> PairRules.from_rows(from_list([{"source": "dog", "target": "пёс"}])).scripts
        ('LATIN', 'CYRILLIC')
        """
        ratios: list[float] = []
        found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for pair in islice(pairs(rows, fields), LOOKED_AT):
            if all(pair):
                ratios.append(_ratio(*pair, unit))
            for text, counts in zip(pair, found, strict=True):
                counts[unicode_scripts.majority(text)] += 1
        usual = float(np.median(ratios)) if ratios else 1.0
        return cls(usual, ratio, unit, (_usual(found[0]), _usual(found[1])))

    def flaws(self, source: str, target: str) -> tuple[Flaw, ...]:
        """What is wrong with a pair; of an empty one, only that.

        Args:
            source: stripped of spaces at both ends.
            target: the same; of several references, the first.
        """
        if not source or not target:
            return ("empty",)
        times = _ratio(source, target, self.unit) / self.usual
        found = {
            "identical": source == target,
            "length": not 1 / self.ratio <= times <= self.ratio,
            "script": self.is_strange(source, 0) or self.is_strange(target, 1),
        }
        return tuple(flaw for flaw in FLAWS if found.get(flaw))

    def is_strange(self, text: str, side: int) -> bool:
        """Whether a text of a side, 0 or 1, is in another script than usual."""
        script = unicode_scripts.majority(text) if self.scripts[side] else ""
        return script not in ("", self.scripts[side])


def pairs(rows: Rows, fields: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Source and first reference of each row as strings, stripped.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"source": " a dog", "target": "ein Hund\\x1eder Hund"}])
    >>> list(pairs(rows, ("source", "target")))
    [('a dog', 'ein Hund')]
    """
    for batch in column_batches(rows):
        for source, target in zip(*(batch[name] for name in fields), strict=True):
            first, _, _ = _text(target).partition(REFERENCES)
            yield _text(source).strip(), first.strip()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _ratio(source: str, target: str, unit: Unit) -> float:
    one, other = (
        SMOOTHING[unit] + len(text.split() if unit == "words" else text)
        for text in (source, target)
    )
    return one / other


def _usual(counts: Counter[str]) -> str:
    written: Sequence[tuple[str, int]] = [
        (name, count) for name, count in counts.most_common() if name
    ]
    total = sum(count for _, count in written)
    return written[0][0] if written and written[0][1] >= USUAL * total else ""
