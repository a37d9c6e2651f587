"""Corpus-level scores from sufficient statistics of each row, and their bootstrap.

BLEU is not a mean over sentences: matches are summed over the rows first, and the score
follows from the sums. So each row is counted once, and a bootstrap sample is scored by
summing the counts of its rows: 1,000 samples of 1,000 rows take 0.06 s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tfnlp.scores import intervals
from tfnlp.scores.figures import Table
from tfnlp.scores.intervals import Difference, Draw

Scores = dict[str, float]


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of each row, and the scores that follow from their sums.

    Args:
        rows: the counts, float64 [N, K].
        score: from the sums, float64 [K], to scores; those that the sums cannot
            define are left out.
        signatures: score → how it was counted, as sacrebleu's signatures say it.
    """

    rows: np.ndarray
    score: Callable[[np.ndarray], Scores]
    signatures: Mapping[str, str] = field(default_factory=dict)


def corpus_scores(statistics: Sequence[Statistics]) -> Scores:
    """The scores of all rows; nothing without rows.

    Example:
    >>> counts = np.array([[1.0], [0.0]])
    >>> right = Statistics(counts, lambda sums: {"right": float(sums[0])})
    >>> corpus_scores([right])
    {'right': 1.0}
    """
    scores: Scores = {}
    for each in statistics:
        if len(each.rows):
            scores |= each.score(each.rows.sum(axis=0))
    return scores


def bootstrap(statistics: Sequence[Statistics]) -> Draw:
    """Scores of bootstrap samples: a function from row numbers to scores.

    Example:
    >>> counts = np.array([[1.0], [0.0]])
    >>> right = Statistics(counts, lambda sums: {"right": float(sums[0])})
    >>> bootstrap([right])(np.array([0, 0]))
    {'right': 2.0}
    """

    def draw(numbers: np.ndarray) -> Scores:
        scores: Scores = {}
        for each in statistics:
            weights = np.bincount(numbers, minlength=len(each.rows)).astype(float)
            scores |= each.score(weights @ each.rows)
        return scores

    return draw


def paired(
    first: Sequence[Statistics],
    second: Sequence[Statistics],
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Difference]:
    """Paired bootstrap test of two systems; see `tfnlp.scores.intervals`.

    Args:
        first: statistics of the first system's answers.
        second: those of the second system's, in the same order of rows.
        repeats: number of bootstrap samples.
        seed: of the samples.
        level: confidence level of the interval.

    Raises:
        ValueError: the systems have answered different numbers of rows.

    Example:
    >>> score = lambda sums: {"right": float(sums[0] / sums[1])}
    >>> one, other = (Statistics(np.array([[n, 1.0]] * 9), score) for n in (0.0, 1.0))
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
        bootstrap(first),
        bootstrap(second),
        next(iter(sizes), 0),
        repeats=repeats,
        seed=seed,
        level=level,
    )


def signatures(statistics: Sequence[Statistics]) -> Table:
    """How the scores were counted, as a table of the report.

    Example:
    >>> counted = Statistics(np.zeros((0, 1)), lambda sums: {}, {"bleu": "tok:13a"})
    >>> signatures([counted]).rows
    (('bleu', 'tok:13a'),)
    """
    rows = tuple(pair for each in statistics for pair in each.signatures.items())
    return Table("Signatures of scores", ("score", "signature"), rows)
