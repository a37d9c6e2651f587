"""Tagging metrics: accuracy of tags, span F1 and sentence accuracy.

Tags come as one string a sentence, joined with single spaces. How tags spell spans
is handed in as a function, so nothing here knows a scheme: `schemes.spans` reads as
`conlleval` does, with `strict=True` as seqeval in its strict mode. Without such a
function (POS) there are scores of words only. A span is right if its type and both
ends are.

Own code, because the library for it (seqeval) has had no release since 2020 and
counts a draw of the bootstrap in seconds; the tests hold the two against each other.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tfnlp.scores.label_encoding import Counts

Found = tuple[str, int, int]
"""A span: type, first word, and the word after the last."""
Spans = Callable[[Sequence[str]], Sequence[Found]]
"""From the tags of a sentence to its spans."""
Scores = dict[str, float]
Draw = Callable[[np.ndarray], Scores]
"""From row numbers to scores."""


class Places(NamedTuple):
    """Spans: the row and the number of the type of each, int64 [K]."""

    rows: np.ndarray
    types: np.ndarray


class Compared(NamedTuple):
    """Counts for all tagging metrics, made once for all bootstrap samples."""

    tokens: np.ndarray
    """Gold words of each row, int64 [N]."""
    hits: np.ndarray
    """The number of them with the right tag, int64 [N]."""
    whole: np.ndarray
    """Whether all tags of the row are right, without additional ones, bool [N]."""
    names: tuple[str, ...]
    """The types of span that occur, sorted."""
    gold: Places
    answered: Places
    right: Places

    def counts(self, weights: np.ndarray | None = None) -> Counts:
        """Counts the spans of each type.

        Args:
            weights: how often each row counts, float64 [N]; once if not given.
        """
        size = len(self.names)
        each = np.ones(len(self.tokens)) if weights is None else weights
        counted = (
            np.bincount(places.types, each[places.rows], minlength=size)
            for places in (self.gold, self.answered, self.right)
        )
        return Counts(self.names, *counted)


def split(joined: str) -> list[str]:
    """The tags of a sentence.

    Example:
    >>> split("B-PER O"), split("")
    (['B-PER', 'O'], [])
    """
    return joined.split(" ") if joined else []


def compare(
    gold: np.ndarray, answered: np.ndarray, *, spans: Spans | None = None
) -> Compared:
    """Compares the tags of all rows.

    Where an answer has fewer tags than its sentence has words, those that are
    missing are wrong; spans beyond the sentence are answered and not gold.

    Args:
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence.

    Example:
    >>> column = np.array(["NOUN VERB", "NOUN"], object)
    >>> compare(column, column[::-1]).hits
    array([1, 1])
    """
    pairs = [(split(a), split(b)) for a, b in zip(gold, answered, strict=True)]
    found = [
        (set(spans(a)), set(spans(b))) if spans else (set(), set()) for a, b in pairs
    ]
    every = [(*a, *b) for a, b in found]
    names = tuple(sorted({span[0] for row in every for span in row}))
    number = {name: place for place, name in enumerate(names)}
    return Compared(
        tokens=np.array([len(a) for a, _ in pairs], np.int64),
        hits=np.array([_hits(a, b) for a, b in pairs], np.int64),
        whole=np.array([a == b for a, b in pairs], bool),
        names=names,
        gold=_places([a for a, _ in found], number),
        answered=_places([b for _, b in found], number),
        right=_places([a & b for a, b in found], number),
    )


def score(
    gold: np.ndarray, answered: np.ndarray, *, spans: Spans | None = None
) -> Scores:
    """All tagging metrics.

    Args:
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence; without it, scores of words only.

    Returns:
        token_accuracy and sentence_accuracy; with spans also precision, recall and
        f1 of all spans together, and each `_macro`, the mean over the types that
        occur. Where there is no span, these are 0.

    Example:
    >>> gold, answered = np.array(["B-A O"], object), np.array(["B-A B-A"], object)
    >>> bare = lambda tags: [(t, n, n + 1) for n, t in enumerate(tags) if t != "O"]
    >>> found = score(gold, answered, spans=bare)
    >>> found["precision"], found["recall"], found["token_accuracy"]
    (0.5, 1.0, 0.5)
    """
    compared = compare(gold, answered, spans=spans)
    scores = _of_words(compared, np.ones(len(gold)))
    if spans is None:
        return scores
    counts = compared.counts()
    return scores | _of_spans(counts) | _macro(counts)


def headline(
    gold: np.ndarray, answered: np.ndarray, *, spans: Spans | None = None
) -> Draw:
    """Prepares the bootstrap: a sample is then a weight per row.

    Args:
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence.

    Returns:
        a function from row numbers int [N] to token_accuracy, sentence_accuracy
        and, with spans, precision, recall, f1 and f1_macro.

    Example:
    >>> gold, answered = np.array(["A B", "A"], object), np.array(["A A", "A"], object)
    >>> draw = headline(gold, answered)
    >>> draw(np.array([0, 0]))["token_accuracy"], draw(np.array([1, 1]))
    (0.5, {'token_accuracy': 1.0, 'sentence_accuracy': 1.0})
    """
    compared = compare(gold, answered, spans=spans)

    def draw(numbers: np.ndarray) -> Scores:
        weights = np.bincount(numbers, minlength=len(compared.tokens)).astype(float)
        scores = _of_words(compared, weights)
        if spans is None:
            return scores
        counts = compared.counts(weights)
        return scores | _of_spans(counts) | {"f1_macro": _macro(counts)["f1_macro"]}

    return draw


def by_type(counts: Counts) -> dict[str, Scores]:
    """Precision, recall, F1 and the number of gold spans of each type.

    Example:
    >>> counts = Counts(("LOC",), *(np.array([n]) for n in (2, 4, 1)))
    >>> by_type(counts)["LOC"]["precision"]
    0.25
    """
    columns = (counts.precision, counts.recall, counts.f1, counts.gold)
    values = np.stack(columns, axis=1).tolist()  # [C, 4]
    names = ("precision", "recall", "f1", "spans")
    return {
        type: dict(zip(names, row, strict=True))
        for type, row in zip(counts.names, values, strict=True)
    }


def _hits(gold: Sequence[str], answered: Sequence[str]) -> int:
    return sum(map(str.__eq__, gold, answered))


def _places(found: Sequence[set[Found]], number: dict[str, int]) -> Places:
    rows = [row for row, each in enumerate(found) for _ in each]
    types = [number[span[0]] for each in found for span in each]
    return Places(np.array(rows, np.int64), np.array(types, np.int64))


def _of_words(compared: Compared, weights: np.ndarray) -> Scores:
    tokens, rows = compared.tokens @ weights, weights.sum()
    return {
        "token_accuracy": float(compared.hits @ weights / max(tokens, 1)),
        "sentence_accuracy": float(compared.whole @ weights / max(rows, 1)),
    }


def _of_spans(counts: Counts) -> Scores:
    gold, answered = counts.gold.sum(), counts.answered.sum()
    right = counts.right.sum()
    return {
        "precision": float(right / max(answered, 1)),
        "recall": float(right / max(gold, 1)),
        "f1": float(2 * right / max(gold + answered, 1)),
    }


def _macro(counts: Counts) -> Scores:
    """The means over the types that occur among the rows."""
    used = counts.used
    columns = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {
        f"{name}_macro": float(column[used].mean()) if used.any() else 0.0
        for name, column in columns.items()
    }
