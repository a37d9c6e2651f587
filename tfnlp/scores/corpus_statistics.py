"""Scores of a whole set that are made of sums over its rows.

BLEU is no mean of sentences: matches are added up over the rows first, and the score
is made of the sums. So a set is counted once, row by row, and rows drawn anew are
scored by adding their counts again: 1,000 draws of 1,000 rows take 0.06 s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tfnlp.scores import intervals
from tfnlp.scores.figures import Table
from tfnlp.scores.intervals import Difference, Draw

Scores = dict[str, float]


@dataclass(frozen=True)
class Sums:
    """What is counted of each row, and what the sums of that score.

    Args:
        rows: the counts, float64 [N, K].
        score: from the sums, float64 [K], to scores; those that the sums cannot
            define are left out.
        signatures: score → how it was counted, for whoever wants to compare it.
    """

    rows: np.ndarray
    score: Callable[[np.ndarray], Scores]
    signatures: Mapping[str, str] = field(default_factory=dict)


def whole(measured: Sequence[Sums]) -> Scores:
    """The scores of all rows; nothing without rows.

    Example:
    >>> right = Sums(np.array([[1.0], [0.0]]), lambda sums: {"right": float(sums[0])})
    >>> whole([right])
    {'right': 1.0}
    """
    scores: Scores = {}
    for each in measured:
        if len(each.rows):
            scores |= each.score(each.rows.sum(axis=0))
    return scores


def redrawn(measured: Sequence[Sums]) -> Draw:
    """Prepares the scores for rows drawn anew: from row numbers to scores.

    Example:
    >>> right = Sums(np.array([[1.0], [0.0]]), lambda sums: {"right": float(sums[0])})
    >>> redrawn([right])(np.array([0, 0]))
    {'right': 2.0}
    """

    def draw(numbers: np.ndarray) -> Scores:
        scores: Scores = {}
        for each in measured:
            weights = np.bincount(numbers, minlength=len(each.rows)).astype(float)
            scores |= each.score(weights @ each.rows)
        return scores

    return draw


def paired(
    first: Sequence[Sums],
    second: Sequence[Sums],
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Difference]:
    """How a second system differs from a first one; see `tfnlp.scores.intervals`.

    Args:
        first: what was counted of the first system's answers.
        second: the same of the second system's, in the same order of rows.
        repeats: how often as many rows are drawn, with replacement.
        seed: what decides the draws.
        level: the share of draws that the interval holds.

    Raises:
        ValueError: the systems have not answered as many rows.

    Example:
    >>> score = lambda sums: {"right": float(sums[0] / sums[1])}
    >>> one, other = (Sums(np.array([[n, 1.0]] * 9), score) for n in (0.0, 1.0))
    >>> paired([one], [other], repeats=9)["right"].value
    1.0
    """
    sizes = {len(each.rows) for each in (*first, *second)}
    if len(sizes) > 1:
        raise ValueError(
            "Both systems answer the same rows, in the same order. "
            f"Received: {' and '.join(map(str, sorted(sizes)))} rows. Answer all."
        )
    return intervals.paired_draws(
        redrawn(first),
        redrawn(second),
        next(iter(sizes), 0),
        repeats=repeats,
        seed=seed,
        level=level,
    )


def signatures(measured: Sequence[Sums]) -> Table:
    """How the scores were counted, as a table of the report.

    Example:
    >>> counted = Sums(np.zeros((0, 1)), lambda sums: {}, {"bleu": "tok:13a"})
    >>> signatures([counted]).rows
    (('bleu', 'tok:13a'),)
    """
    rows = tuple(pair for each in measured for pair in each.signatures.items())
    return Table("Signatures of scores", ("score", "signature"), rows)
