"""Naive Bayes log-count ratios of terms, as initial weights of a linear layer.

A linear layer that starts from them begins where a good baseline ends (NBSVM; Wang &
Manning, 2012). This module knows no text: terms are ids.
"""

from collections.abc import Iterable

import numpy as np

LARGEST = 50_000_000
"""The largest matrix, in numbers: 200 MB."""


def log_ratios(
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    vocabulary_size: int,
    classes: int,
    smoothing: float = 1.0,
) -> np.ndarray | None:
    """Naive Bayes log-count ratio of each term and class: this class against the rest.

    A term counts once in a row. Padding (id 0) and unknown (id 1) get zeros.

    Args:
        batches: pairs of token ids int [B, T] and classes, int [B] or 0/1 [B, C].
        vocabulary_size: number of ids.
        classes: number of classes.
        smoothing: added to every count (Laplace smoothing).

    Returns:
        float32 [V, C], or None if that would have more than `LARGEST` numbers.

    Example:
    >>> ids, classes = np.array([[2, 3], [2, 0]]), np.array([0, 1])
    >>> ratios = log_ratios([(ids, classes)], vocabulary_size=4, classes=2)
    >>> ratios[3].round(1).tolist() == [0.5, -0.5]
    True
    """
    if vocabulary_size * classes > LARGEST:
        return None
    counts = np.zeros([vocabulary_size, classes], "float32")
    for ids, y in batches:
        rows, labels = (np.arange(len(y)), y) if y.ndim == 1 else np.nonzero(y)
        ordered = np.sort(ids, axis=1)[rows].astype(np.int64)
        once = np.diff(ordered, axis=1, prepend=-1) > 0  # the first of equal ones
        met, times = np.unique(
            (ordered * classes + labels[:, None])[once], return_counts=True
        )
        counts.ravel()[met] += times
    counts[:2] = 0.0
    inside = counts + smoothing
    outside = counts.sum(axis=1, keepdims=True) - counts + smoothing
    ratios = np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0))
    ratios[:2] = 0.0
    return ratios
