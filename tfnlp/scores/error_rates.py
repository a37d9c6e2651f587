"""Exact match, and word, phone and character error rates by edit distance.

A phone error rate is a word error rate of phones. Gold strings may hold several
references, such as the pronunciations of a word; the nearest counts.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tfnlp.scores import references
from tfnlp.scores.corpus_statistics import Scores, Statistics

Unit = Literal["words", "characters"]


def exact_match(
    gold: np.ndarray | Sequence[str], answered: np.ndarray | Sequence[str]
) -> Statistics:
    """The share of answers that are a reference, but for spaces at both ends.

    Args:
        gold: the references, str [N].
        answered: str [N].

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> gold = ["L IH V\\x1eL AY V", "K AE T"]
    >>> corpus_scores([exact_match(gold, ["L AY V", "K AE"])])
    {'exact_match': 0.5}
    """
    right = [
        text.strip() in {reference.strip() for reference in known}
        for text, known in zip(answered, references.apart(gold), strict=True)
    ]

    def score(sums: np.ndarray) -> Scores:
        return {"exact_match": float(sums[0] / sums[1])}

    return Statistics(np.array([[each, 1.0] for each in right]).reshape(-1, 2), score)


def error_rate(
    gold: np.ndarray | Sequence[str],
    answered: np.ndarray | Sequence[str],
    *,
    name: str = "word_error",
    unit: Unit = "words",
) -> Statistics:
    """Word error rate: words to insert, delete or replace, by words of the references.

    0 is perfect; answers that are too long may have more than 1. Of several
    references that with the lowest rate counts.

    Args:
        gold: the references, str [N].
        answered: str [N].
        name: of the score: `word_error`, `phone_error`, `character_error`.
        unit: words between spaces, or characters.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([error_rate(["K AE T S"], ["K AH T"], name="phone_error")])
    {'phone_error': 0.5}
    """
    counts = [
        _nearest(_items(text, unit), [_items(each, unit) for each in known])
        for text, known in zip(answered, references.apart(gold), strict=True)
    ]

    def score(sums: np.ndarray) -> Scores:
        return {name: float(sums[0] / max(sums[1], 1.0))}

    return Statistics(np.array(counts, np.float64).reshape(-1, 2), score)


def distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Levenshtein distance: items to insert, delete or replace.

    Levenshtein: Binary codes capable of correcting deletions, insertions, and
    reversals (1966).

    Example:
    >>> distance("kitten", "sitting")
    3
    """
    if not first or not second:
        return len(first) + len(second)
    known = {item: number for number, item in enumerate(dict.fromkeys(second))}
    numbers = np.array([known[item] for item in second])
    steps = np.arange(len(second) + 1)
    costs = steps
    for item in first:
        replaced = costs[:-1] + (numbers != known.get(item, -1))
        best = np.minimum(costs + 1, np.concatenate([[costs[0] + 1], replaced]))
        costs = np.minimum.accumulate(best - steps) + steps  # and insertions
    return int(costs[-1])


def _items(text: str, unit: Unit) -> list[str]:
    return text.split() if unit == "words" else list(text.strip())


def _nearest(text: list[str], known: list[list[str]]) -> tuple[int, int]:
    """The edit distance to the nearest reference, and its length."""
    found = [(distance(text, each), len(each)) for each in known]
    return min(found, key=lambda pair: (pair[0] / max(pair[1], 1), pair[0]))
