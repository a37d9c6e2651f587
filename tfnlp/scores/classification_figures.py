"""Figures of classification: confusion matrix, calibration, errors, text lengths.

Strings and probabilities in, plain data out (`tfnlp.scores.figures`). With a
`separator` a label is a set of labels, joined by it.
"""

from collections.abc import Sequence

import numpy as np

from tfnlp.scores import classification, label_encoding
from tfnlp.scores.figures import Bars, Curve, Figure, Matrix, Table

DRAWN = 30
"""Classes that a matrix or a histogram shows."""
LISTED = 300
"""Classes that the table of classes shows."""
ERRORS = 25
TEXT = 300
"""Characters of a text that the table of errors shows."""
LONG_WORD = 10
"""Characters per word, its space included, above which a text is not spaced."""
STEPS = 20
"""Bars of the histogram of lengths."""


def figures(
    texts: np.ndarray,
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    labels: Sequence[str],
    probabilities: np.ndarray,
    separator: str | None = None,
) -> tuple[Figure, ...]:
    """All figures of a classification report; none without rows.

    Args:
        texts: what was classified, str [N].
        gold: the true labels, str [N].
        answered: the labels that were answered, str [N].
        labels: the classes of the task, in the order of the probabilities.
        probabilities: float [N, C].
        separator: what joins the labels of a row that has several.

    Example:
    >>> column = np.array(["a", "b"], object)
    >>> drawn = figures(column, column, column, labels="ab", probabilities=np.eye(2))
    >>> [type(figure).__name__ for figure in drawn]
    ['Matrix', 'Curve', 'Bars', 'Bars', 'Table', 'Table']
    """
    if not len(gold):
        return ()
    probabilities = classification.finite(probabilities)
    if separator is None:
        codes = label_encoding.codes(gold, answered, labels)
        sure = classification.confidences(codes, probabilities)
        return (
            confusion(codes),
            calibration(sure, codes.hits),
            *_of_rows(texts, gold, answered, codes, sure),
        )
    sets = label_encoding.members(gold, answered, labels, separator=separator)
    known = sets.gold[:, : probabilities.shape[1]]  # [N, C]
    doubt = np.abs(probabilities - known).max(axis=1)  # [N]
    return (
        calibration(probabilities.ravel(), known.ravel()),
        *_of_rows(texts, gold, answered, sets, doubt),
    )


def confusion(codes: label_encoding.Codes) -> Matrix:
    """How often each class is answered for each other one.

    At most 30 classes are drawn, those that are most often confused.

    Example:
    >>> column = np.array(["a", "b"], object)
    >>> confusion(label_encoding.codes(column, column, ["a", "b"])).counts
    ((1, 0), (0, 1))
    """
    counts = codes.counts()
    errors = counts.gold + counts.answered - 2 * counts.right  # [C]
    used = np.flatnonzero(counts.used)
    drawn = np.sort(used[np.argsort(-errors[used], kind="stable")[:DRAWN]])
    kept = np.isin(codes.gold, drawn) & np.isin(codes.answered, drawn)
    # Not by scikit-learn, which warns where rows have one class only.
    matrix = np.zeros((len(drawn), len(drawn)), int)
    pairs = (np.searchsorted(drawn, each[kept]) for each in codes[:2])
    np.add.at(matrix, tuple(pairs), 1)
    title = "Confusion matrix"
    if len(drawn) < len(used):
        title += f": the {len(drawn)} most confused of {len(used):,} classes"
    names = tuple(codes.names[number] for number in drawn)
    return Matrix(title, names, tuple(map(tuple, matrix.tolist())))


def calibration(sure: np.ndarray, hits: np.ndarray) -> Curve:
    """The reliability diagram: accuracy of each confidence bin.

    Example:
    >>> calibration(np.array([0.9]), np.array([True])).series
    (('answers', (0.9,), (1.0,)),)
    """
    confidence, right, _ = classification.calibration(sure, hits)
    series = ("answers", tuple(confidence.tolist()), tuple(right.tolist()))
    return Curve("Calibration", "confidence", "right", (series,), diagonal=True)


def class_histogram(counts: label_encoding.Counts) -> Bars:
    """How many rows each class has; at most 30 classes, the largest first.

    Example:
    >>> column = np.array(["a", "b", "b"], object)
    >>> codes = label_encoding.codes(column, column, ["a", "b"])
    >>> class_histogram(codes.counts()).values
    (2, 1)
    """
    used = _largest(counts)
    drawn = used[:DRAWN]
    title = "Rows of each class"
    if len(drawn) < len(used):
        title += f": the {len(drawn)} largest of {len(used):,}"
    names = tuple(counts.names[number] for number in drawn)
    return Bars(title, "class", "rows", names, tuple(counts.gold[drawn].tolist()))


def length_histogram(texts: np.ndarray) -> Bars:
    """Histogram of text lengths, in words, or in characters where spaces are rare.

    The longest texts, one in a hundred, share the last bar.

    Example:
    >>> length_histogram(np.array(["one two", "one"], object)).names
    ('1', '2')
    """
    words = np.array([len(text.split()) for text in texts])
    characters = np.array([len(text) for text in texts])
    spaced = characters.sum() <= LONG_WORD * words.sum()
    lengths, unit = (words, "words") if spaced else (characters, "characters")
    low, high = int(lengths.min()), int(np.percentile(lengths, 99, method="higher"))
    step = max(1, -(-(high - low + 1) // STEPS))
    bins = np.minimum((lengths - low) // step, (high - low) // step)
    values = tuple(np.bincount(bins).tolist())
    starts = [low + step * number for number in range(len(values))]
    names = [str(n) if step == 1 else f"{n}–{n + step - 1}" for n in starts]
    if lengths.max() >= starts[-1] + step:
        names[-1] = f"≥ {starts[-1]}"
    title = f"Length of texts in {unit}"
    return Bars(title, unit, "rows", tuple(names), values, upright=True)


def worst_errors(
    texts: np.ndarray,
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    wrong: np.ndarray,
    score: np.ndarray,
) -> Table:
    """The wrong answers with the highest confidence.

    Args:
        texts: str [N], cut at 300 characters.
        gold: str [N].
        answered: str [N].
        wrong: which rows are wrong, bool [N].
        score: how sure each answer was, float [N].

    Example:
    >>> column = np.array(["a", "b"], object)
    >>> wrong, score = np.array([False, True]), np.array([0.9, 0.8])
    >>> worst_errors(column, column, column[::-1], wrong=wrong, score=score).rows
    (('b', 'b', 'a', 0.8),)
    """
    errors = np.flatnonzero(wrong)
    shown = errors[np.argsort(-score[errors], kind="stable")[:ERRORS]]
    rows = tuple(
        (cut(texts[row]), gold[row], answered[row], round(float(score[row]), 4))
        for row in shown
    )
    title = f"Worst errors: the {len(rows)} surest of {len(errors):,}"
    return Table(title, ("text", "gold", "answered", "score"), rows)


def per_class(counts: label_encoding.Counts) -> Table:
    """Precision, recall and F1 of each class, the largest class first.

    Example:
    >>> column = np.array(["a"], object)
    >>> per_class(label_encoding.codes(column, column, ["a"]).counts()).rows
    (('a', 1, 1, 1.0, 1.0, 1.0),)
    """
    used = _largest(counts)
    listed = used[:LISTED]
    title = "Classes"
    if len(listed) < len(used):
        title += f": the {len(listed)} largest of {len(used):,}"
    columns = (counts.gold, counts.answered, counts.precision, counts.recall, counts.f1)
    values = zip(*(column[listed].round(4).tolist() for column in columns), strict=True)
    rows = zip([counts.names[number] for number in listed], values, strict=True)
    return Table(
        title,
        ("class", "rows", "answers", "precision", "recall", "f1"),
        tuple((name, *cells) for name, cells in rows),
    )


def cut(text: str) -> str:
    """Truncates a text for a table, with an ellipsis.

    Example:
    >>> len(cut("x" * 400))
    300
    """
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _of_rows(
    texts: np.ndarray,
    gold: np.ndarray,
    answered: np.ndarray,
    coded: label_encoding.Codes | label_encoding.Members,
    score: np.ndarray,
) -> tuple[Figure, ...]:
    counts = coded.counts()
    return (
        class_histogram(counts),
        length_histogram(texts),
        worst_errors(texts, gold, answered, wrong=~coded.hits, score=score),
        per_class(counts),
    )


def _largest(counts: label_encoding.Counts) -> np.ndarray:
    used = np.flatnonzero(counts.used)
    return used[np.argsort(-counts.gold[used], kind="stable")]
