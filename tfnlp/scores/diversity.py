"""Scores without references: perplexity, distinct n-grams, repetition."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tfnlp.scores.corpus_statistics import Scores, Statistics
from tfnlp.scores.error_rates import Unit

LARGEST = 700.0
"""Nats per token at which a perplexity is cut: e to the 700 is still finite."""


def perplexity(
    log_probabilities: np.ndarray,
    tokens: np.ndarray,
    *,
    characters: np.ndarray | None = None,
) -> Statistics:
    """Perplexity, nats per token and bits per character.

    Args:
        log_probabilities: natural logarithms, summed over each row, float [N].
        tokens: how many were predicted in each row, end marks included, int [N].
        characters: of each row, its line feed included, int [N].

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> counted = perplexity(np.log([0.5, 0.25]), np.array([1, 2]))
    >>> {name: round(value, 4) for name, value in corpus_scores([counted]).items()}
    {'perplexity': 2.0, 'nats_per_token': 0.6931}
    """
    sizes = np.zeros(len(tokens)) if characters is None else characters
    rows = np.stack([log_probabilities, tokens, sizes], axis=1).astype(np.float64)

    def score(sums: np.ndarray) -> Scores:
        nats = float(-sums[0] / max(sums[1], 1.0))
        scores = {"perplexity": math.exp(min(nats, LARGEST)), "nats_per_token": nats}
        if sums[2]:
            scores["bits_per_character"] = float(-sums[0] / sums[2] / math.log(2))
        return scores

    return Statistics(rows, score)


def distinct(
    texts: np.ndarray | Sequence[str],
    *,
    sizes: Sequence[int] = (1, 2, 3),
    unit: Unit = "words",
) -> Scores:
    """The share of n-grams of all texts that are different ones, for each size.

    It falls with the number of texts, so compare samples of equal size only. A
    bootstrap would underestimate it, so it has no interval.

    Li et al.: A Diversity-Promoting Objective Function for Neural Conversation
    Models (NAACL 2016).

    Example:
    >>> distinct(["a b a", "a b"], sizes=(1, 2))
    {'distinct_1': 0.4, 'distinct_2': 0.6666666666666666}
    """
    scores = {}
    for size in sizes:
        every = [gram for text in texts for gram in _grams(text, size, unit)]
        scores[f"distinct_{size}"] = len(set(every)) / max(len(every), 1)
    return scores


def repetition(
    texts: np.ndarray | Sequence[str], *, size: int = 4, unit: Unit = "words"
) -> Statistics:
    """The mean share of repeated n-grams of a text; 0 is none.

    Texts without an n-gram of that size are left out. Welleck et al.: Neural Text
    Generation with Unlikelihood Training (ICLR 2020), there seq-rep-4.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([repetition(["a b a b a b", "a b c d"], size=2)])
    {'repetition_2': 0.3}
    """
    counts = []
    for text in texts:
        grams = list(_grams(text, size, unit))
        again = 1 - len(set(grams)) / len(grams) if grams else 0.0
        counts.append([again, float(bool(grams))])

    def score(sums: np.ndarray) -> Scores:
        return {f"repetition_{size}": float(sums[0] / max(sums[1], 1.0))}

    return Statistics(np.array(counts, np.float64).reshape(-1, 2), score)


def _grams(text: str, size: int, unit: Unit) -> Iterator[tuple[str, ...]]:
    items = text.split() if unit == "words" else list(text)
    return zip(*(items[start:] for start in range(size)), strict=False)
