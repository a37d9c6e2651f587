"""Naive Bayes as start values: what one look at the rows says about each term.

A linear layer that starts from these log-ratios begins where a good baseline ends
(NBSVM; Wang & Manning, 2012). Nothing here knows a text: terms are ids.
"""

from collections.abc import Iterable

import numpy as np

LARGEST = 50_000_000
"""Numbers of a table that are worth their memory: 200 MB."""


def log_ratios(
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    vocabulary_size: int,
    classes: int,
    smoothing: float = 1.0,
) -> np.ndarray | None:
    """How much likelier each term is in rows of a class than in all others, as log.

    A term counts once a row. Padding (id 0) and unknown (id 1) get zeros.

    Args:
        batches: pairs of token ids int [B, T] and classes, int [B] or 0/1 [B, C].
        vocabulary_size: number of ids.
        classes: number of classes.
        smoothing: added to every count.

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
