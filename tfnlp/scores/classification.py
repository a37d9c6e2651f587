"""Classification metrics: accuracy, F1, ROC-AUC, log loss, calibration error.

Adapters over scikit-learn that take columns of strings and give numbers with
fixed names. With a `separator` a label is a set of labels, joined by it. Nothing
here knows a task or a network.

Macro averages go over the classes that occur in gold or answered labels, which is
what scikit-learn does by default. A score that a column cannot define, such as
ROC-AUC where all gold labels are the same, is left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn import metrics

from tfnlp.scores import label_encoding

BINS = 15
"""Bins of the calibration error, as many as Guo et al. use."""
AVERAGES = ("macro", "micro", "weighted")

Scores = dict[str, float]


class Parts(NamedTuple):
    """Probabilities by class, and those of the targets and of the answers."""

    gold: np.ndarray
    """bool [N, K]: whether each class is true, of the classes that have an area."""
    sure: np.ndarray
    """float [N, K]: the probability of each of them."""
    own: np.ndarray
    """float [N], or [N, C] for sets: the probability of the target."""
    confidence: np.ndarray
    """float [N] or [N, C]: the confidence of each answer."""
    hits: np.ndarray
    """bool [N] or [N, C]: whether it is right."""


def score(
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    labels: Sequence[str],
    probabilities: np.ndarray | None = None,
    separator: str | None = None,
) -> Scores:
    """Every score of single labels, or of sets of labels joined by `separator`.

    Args:
        gold: the true labels, str [N].
        answered: the labels that were answered, str [N].
        labels: the classes of the task, in the order of the probabilities.
        probabilities: float [N, C]; without them, scores of labels only.
        separator: what joins the labels of a row that has several.

    Returns:
        accuracy (of the whole set, for sets); precision, recall and f1, each
        `_macro`, `_micro` and `_weighted`; for two classes also plain `precision`,
        `recall` and `f1` of the positive class (see `positive`); hamming_loss for
        sets. With probabilities also roc_auc, pr_auc, log_loss, calibration_error.

    Example:
    >>> gold, answered = np.array(["a", "b"], object), np.array(["a", "a"], object)
    >>> score(gold, answered, labels=("a", "b"))["accuracy"]
    0.5
    """
    coded = numbered(gold, answered, labels, separator)
    scores = {"accuracy": _mean(coded.hits)}
    if isinstance(coded, label_encoding.Codes):
        scores |= _averages(coded.gold, coded.answered)
    else:
        scores |= _of_members(coded)
        scores["hamming_loss"] = _mean(coded.gold != coded.answered)
    if separator is None and len(labels) == 2:
        scores |= _of_positive(coded.counts(), positive(labels))
    if probabilities is None or not len(gold):
        return scores
    known = parts(coded, labels, finite(probabilities))
    return {
        **scores,
        **_areas(known.gold, known.sure),
        "log_loss": float(losses(known.own).mean()),
        "calibration_error": calibration_error(
            known.confidence.ravel(), known.hits.ravel()
        ),
    }


def positive(labels: Sequence[str]) -> str:
    """Which of two labels is the positive one: the later in sorted order.

    The same rule as in scikit-learn; `1` of 0 and 1, `spam` of ham and spam.

    Example:
    >>> positive(("spam", "ham"))
    'spam'
    """
    return max(labels)


def calibration(confidence: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Confidence, accuracy and count of each confidence bin.

    Args:
        confidence: the probability of each answer, float [N].
        hits: whether each answer was right, bool [N].

    Returns:
        float [3, bins], for each bin that has rows its mean confidence, its share
        of right answers and its number of rows.

    Example:
    >>> calibration(np.array([0.9, 0.9]), np.array([True, False])).tolist()
    [[0.9], [0.5], [2.0]]
    """
    places = bins(confidence)
    count = np.bincount(places, minlength=BINS)
    sure = np.bincount(places, weights=confidence, minlength=BINS)
    right = np.bincount(places, weights=hits, minlength=BINS)
    used = count > 0
    return np.stack([sure[used] / count[used], right[used] / count[used], count[used]])


def bins(confidence: np.ndarray) -> np.ndarray:
    """The bin of each probability, from 0 to `BINS` - 1."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def calibration_error(confidence: np.ndarray, hits: np.ndarray) -> float:
    """Expected calibration error over 15 bins of equal width.

    Guo, Pleiss, Sun and Weinberger: On Calibration of Modern Neural Networks
    (ICML 2017).

    Example:
    >>> calibration_error(np.array([0.75, 0.75]), np.array([True, False]))
    0.25
    """
    sure, right, count = calibration(confidence, hits)
    return float(np.sum(np.abs(sure - right) * count) / max(count.sum(), 1))


def confidences(codes: label_encoding.Codes, probabilities: np.ndarray) -> np.ndarray:
    """The probability of each answered label, float [N].

    An answer that is no class of the task has the confidence of the likeliest.
    """
    size = probabilities.shape[1]
    own = probabilities[np.arange(len(codes.answered)), codes.answered % size]
    return np.where(codes.answered < size, own, probabilities.max(axis=1))


def finite(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as float64, zero where a diverged network gives NaN.

    Example:
    >>> finite(np.array([[np.nan, 1.0]]))
    array([[0., 1.]])
    """
    return np.nan_to_num(np.asarray(probabilities, np.float64), posinf=1.0, neginf=0.0)


def numbered(
    gold: np.ndarray, answered: np.ndarray, labels: Sequence[str], separator: str | None
) -> label_encoding.Codes | label_encoding.Members:
    """Labels as numbers, or sets of labels as a table."""
    if separator is None:
        return label_encoding.codes(gold, answered, labels)
    return label_encoding.members(gold, answered, labels, separator=separator)


def parts(
    coded: label_encoding.Codes | label_encoding.Members,
    labels: Sequence[str],
    probabilities: np.ndarray,
) -> Parts:
    """Finite probabilities [N, C] by class, target and answer."""
    size = probabilities.shape[1]
    if isinstance(coded, label_encoding.Members):
        gold = coded.gold[:, :size]
        own = np.where(gold, probabilities, 1 - probabilities)
        return Parts(gold, probabilities, own, probabilities, gold)
    two = size == 2
    classes = [labels.index(positive(labels))] if two else np.unique(coded.gold)
    classes = [number for number in classes if number < size]
    own = probabilities[np.arange(len(coded.gold)), coded.gold % size]
    return Parts(
        gold=coded.gold[:, None] == np.array(classes, int),
        sure=probabilities[:, classes],
        own=np.where(coded.gold < size, own, 0.0),
        confidence=confidences(coded, probabilities),
        hits=coded.hits,
    )


def losses(own: np.ndarray) -> np.ndarray:
    """The log loss of each row, from the probability of its target."""
    smallest = np.finfo(np.float32).eps  # what scikit-learn clips float32 to
    return -np.log(np.clip(own, smallest, 1.0))


def _of_members(coded: label_encoding.Members) -> Scores:
    """Averages over the classes that occur; to scikit-learn one column is no table."""
    used = np.flatnonzero(coded.counts().used)
    gold, answered = (
        np.pad(table[:, used], ((0, 0), (0, 1)))
        for table in (coded.gold, coded.answered)
    )
    return _averages(gold, answered, labels=range(len(used)))


def _averages(
    gold: np.ndarray, answered: np.ndarray, labels: Sequence[int] | None = None
) -> Scores:
    names = ("precision", "recall", "f1")
    if not answered.size or (labels is not None and not labels):
        return {f"{name}_{average}": 0.0 for name in names for average in AVERAGES}
    values = {
        average: metrics.precision_recall_fscore_support(
            gold, answered, labels=labels, average=average, zero_division=0
        )
        for average in AVERAGES
    }
    return {
        f"{name}_{average}": float(values[average][place])
        for place, name in enumerate(names)
        for average in AVERAGES
    }


def _of_positive(counts: label_encoding.Counts, label: str) -> Scores:
    number = counts.names.index(label)
    return {
        "precision": float(counts.precision[number]),
        "recall": float(counts.recall[number]),
        "f1": float(counts.f1[number]),
    }


def _areas(gold: np.ndarray, probabilities: np.ndarray) -> Scores:
    """Macro ROC-AUC and average precision over classes with both values."""
    both = [n for n, column in enumerate(gold.T) if 0 < column.sum() < len(column)]
    if not both:
        return {}
    pairs = [(gold[:, number], probabilities[:, number]) for number in both]
    return {
        "roc_auc": _mean([metrics.roc_auc_score(*pair) for pair in pairs]),
        "pr_auc": _mean([metrics.average_precision_score(*pair) for pair in pairs]),
    }


def _mean(values: np.ndarray | Sequence[float]) -> float:
    return float(np.mean(values)) if np.size(values) else 0.0
