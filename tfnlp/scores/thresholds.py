"""Decision thresholds of multi-label classification, tuned on validation rows."""

from collections.abc import Sequence

import numpy as np

from tfnlp.scores import label_encoding


def best_thresholds(
    gold: np.ndarray,
    probabilities: np.ndarray,
    *,
    labels: Sequence[str],
    separator: str,
    default: float = 0.5,
) -> list[float]:
    """The probability from which each class is best answered, by its F1.

    A threshold lies halfway between two probabilities that occurred, so that it
    holds for rows that were not seen. Classes without a gold row keep the default.

    Args:
        gold: true labels, joined by the separator, str [N].
        probabilities: float [N, C].
        labels: the classes, in the order of the probabilities.

    Example:
    >>> gold = np.array(["a", "a", ""], object)
    >>> sure = np.array([[0.4], [0.3], [0.1]])
    >>> best_thresholds(gold, sure, labels=["a"], separator=",")
    [0.2]
    """
    empty = np.full(len(gold), "", object)
    members = label_encoding.members(gold, empty, labels, separator=separator)
    return [
        _best(members.gold[:, k], probabilities[:, k].astype("float64"), default)
        for k in range(len(labels))
    ]


def _best(gold: np.ndarray, probabilities: np.ndarray, default: float) -> float:
    if not gold.any():
        return default
    order = np.argsort(-probabilities, kind="stable")
    sure = probabilities[order]
    right = np.cumsum(gold[order])
    f1 = 2 * right / (np.arange(1, len(gold) + 1) + gold.sum())
    below = np.append(sure[1:], 0.0)
    f1[sure == below] = -1.0  # no threshold lies between equal probabilities
    best = int(np.argmax(f1))
    return round(float((sure[best] + below[best]) / 2), 6)
