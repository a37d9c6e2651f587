"""Fast bootstrap of classification metrics: a thousand samples of the rows.

What does not depend on the sample is done once: labels become numbers, rows are sorted
by probability. A sample is then a weight per row, the times it was drawn. The
numbers equal those of `tfnlp.scores.classification` on the drawn rows.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tfnlp.scores import classification, label_encoding

LARGEST = 250_000
"""Rows times classes up to which areas and calibration get an interval: seconds."""

Scores = dict[str, float]
Draw = Callable[[np.ndarray], Scores]
"""From row numbers to scores."""
Weighted = Callable[[np.ndarray], Scores]
"""From a weight per row, float64 [N], to the scores that it defines."""


def headline(
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    labels: Sequence[str],
    probabilities: np.ndarray | None = None,
    separator: str | None = None,
) -> Draw:
    """Prepares the scores that have a confidence interval.

    Args:
        gold: the true labels, str [N].
        answered: the labels that were answered, str [N].
        labels: the classes of the task, in the order of the probabilities.
        probabilities: float [N, C]; without them, scores of labels only.
        separator: what joins the labels of a row that has several.

    Returns:
        a function from row numbers int [N] to accuracy, f1_macro, f1_micro,
        f1_weighted, f1 for two classes, and with probabilities log_loss,
        calibration_error, roc_auc and pr_auc, the last three only up to `LARGEST`.
        Drawing adds noise that the calibration error counts as miscalibration:
        its interval lies high where the error is small.

    Example:
    >>> gold, answered = np.array(["a", "b"], object), np.array(["a", "a"], object)
    >>> draw = headline(gold, answered, labels=("a", "b"))
    >>> draw(np.array([0, 0]))["accuracy"], draw(np.array([0, 1]))["accuracy"]
    (1.0, 0.5)
    """
    coded = classification.numbered(gold, answered, labels, separator)
    count, hits = _counter(coded), coded.hits.astype(float)
    metrics = _metrics(coded, labels, probabilities)
    two = separator is None and len(labels) == 2
    positive = classification.positive(labels) if two else None

    def draw(numbers: np.ndarray) -> Scores:
        weights = np.bincount(numbers, minlength=len(hits)).astype(float)
        scores = {"accuracy": _dot(hits, weights) / max(len(numbers), 1)}
        scores |= _f1(count(weights), positive)
        for metric in metrics:
            scores |= metric(weights)
        return scores

    return draw


def _counter(
    coded: label_encoding.Codes | label_encoding.Members,
) -> Callable[[np.ndarray], label_encoding.Counts]:
    """Counts each class with a weight a row."""
    if isinstance(coded, label_encoding.Codes):
        numbers, hits = np.arange(len(coded.gold)), np.flatnonzero(coded.hits)
        places = [(numbers, coded.gold), (numbers, coded.answered)]
        places.append((hits, coded.gold[hits]))
    else:
        both = coded.gold & coded.answered
        tables = (coded.gold, coded.answered, both)
        places = [(found[0], found[1]) for found in map(np.nonzero, tables)]

    def count(weights: np.ndarray) -> label_encoding.Counts:
        size = len(coded.names)
        counts = (np.bincount(c, weights[rows], minlength=size) for rows, c in places)
        return label_encoding.Counts(coded.names, *counts)

    return count


def _f1(counts: label_encoding.Counts, positive: str | None) -> Scores:
    f1, total = counts.f1, (counts.gold + counts.answered).sum()
    scores = {
        "f1_macro": float(np.mean(f1[counts.used])) if counts.used.any() else 0.0,
        "f1_micro": float(2 * counts.right.sum() / max(total, 1)),
        "f1_weighted": float(f1 @ counts.gold / max(counts.gold.sum(), 1)),
    }
    if positive is not None:
        scores["f1"] = float(f1[counts.names.index(positive)])
    return scores


def _metrics(
    coded: label_encoding.Codes | label_encoding.Members,
    labels: Sequence[str],
    probabilities: np.ndarray | None,
) -> list[Weighted]:
    """The scores of probabilities, as functions of a weight per row."""
    if probabilities is None or not len(probabilities):
        return []
    rows = len(probabilities)
    known = classification.parts(coded, labels, classification.finite(probabilities))
    own = known.own.reshape(rows, -1)
    metrics = [_log_loss(own)]
    if probabilities.size <= LARGEST:
        metrics += [_areas(known.gold, known.sure)]
        metrics += [
            _calibration(
                known.confidence.reshape(rows, -1), known.hits.reshape(rows, -1)
            )
        ]
    return metrics


def _log_loss(own: np.ndarray) -> Weighted:
    loss = classification.losses(own).mean(axis=1)
    return lambda weights: {"log_loss": _dot(loss, weights) / float(weights.sum())}


def _areas(gold: np.ndarray, sure: np.ndarray) -> Weighted:
    """The means over the classes that have both values in the sample."""
    classes = [_area(*columns) for columns in zip(gold.T, sure.T, strict=True)]

    def areas(weights: np.ndarray) -> Scores:
        found = [area for each in classes if (area := each(weights)) is not None]
        if not found:
            return {}
        roc, precision = np.mean(found, axis=0)
        return {"roc_auc": float(roc), "pr_auc": float(precision)}

    return areas


def _area(
    gold: np.ndarray, sure: np.ndarray
) -> Callable[[np.ndarray], tuple[float, float] | None]:
    """ROC-AUC and average precision of one class."""
    order = np.argsort(-sure, kind="stable")
    falls = np.flatnonzero(np.diff(sure[order], prepend=np.nan))  # of sure
    gold = gold[order].astype(float)

    def areas(weights: np.ndarray) -> tuple[float, float] | None:
        drawn = weights[order]
        steps, more = drawn * gold, drawn
        if len(falls) < len(order):  # rows of one probability come together
            steps, more = np.add.reduceat(steps, falls), np.add.reduceat(more, falls)
        right, every = np.cumsum(steps), np.cumsum(more)
        positive, negative = right[-1], every[-1] - right[-1]
        if not positive or not negative:
            return None
        roc = _dot(more - steps, right - steps / 2) / (positive * negative)
        precision = _dot(steps, right / np.maximum(every, 1)) / positive
        return float(roc), float(precision)

    return areas


def _calibration(confidence: np.ndarray, hits: np.ndarray) -> Weighted:
    """The calibration error of [N, K] answers: what each one adds to its bin."""
    bins, excess = classification.bins(confidence).ravel(), confidence - hits

    def error(weights: np.ndarray) -> Scores:
        drawn = (excess * weights[:, None]).ravel()
        total = np.abs(np.bincount(bins, drawn)).sum()
        return {"calibration_error": float(total / (weights.sum() * hits.shape[1]))}

    return error


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """The sum of products of [N]; BLAS wakes its threads, which wait for busy cores."""
    return float(np.einsum("n,n", first, second))
