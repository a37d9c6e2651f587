"""Figures of tagging: confusion of types, span F1 by type and length, errors.

Strings in, plain data out (`tfnlp.scores.figures`). Words and tags come as one
string a sentence, joined with single spaces.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfnlp.scores import label_encoding, span_pairs, tagging
from tfnlp.scores.classification_figures import (
    class_histogram,
    confusion,
    cut,
    per_class,
)
from tfnlp.scores.figures import Bars, Figure, Matrix, Table
from tfnlp.scores.span_pairs import Pair
from tfnlp.scores.tagging import Found, Spans
from tfnlp.scores.tagging_highlights import NONE, worst_sentences

TYPES = 30
"""Types that a matrix shows."""
EXAMPLES = 25

_KINDS = {
    "exact": "right type, right ends",
    "type": "wrong type, right ends",
    "ends": "right type, wrong ends",
    "both": "wrong type, wrong ends",
    "missed": "not found",
    "spurious": "found, but none",
}


def figures(
    tokens: np.ndarray,
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    spans: Spans | None = None,
    gap: str = " ",
) -> tuple[Figure, ...]:
    """All figures of a tagging report; none without rows.

    Args:
        tokens: the words of each sentence, str [N].
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence; without it, tags are the classes.
        gap: what stands between words; "" where they are characters.

    Example:
    >>> tokens, tags = np.array(["a b"], object), np.array(["X Y"], object)
    >>> [type(figure).__name__ for figure in figures(tokens, tags, tags)]
    ['Matrix', 'Bars', 'Table', 'Highlights']
    """
    if not len(gold):
        return ()
    if spans is None:
        worst = worst_sentences(tokens, gold, answered, gap=gap)
        return (*_of_tags(gold, answered), worst)
    compared = tagging.compare(gold, answered, spans=spans)
    paired = span_pairs.pairs(gold, answered, spans=spans)
    return (
        span_confusion(paired),
        span_lengths(paired),
        per_type(compared.counts()),
        partial(paired),
        common_errors(tokens, paired, gap=gap),
        worst_sentences(tokens, gold, answered, spans=spans, gap=gap),
    )


def span_confusion(paired: Sequence[Pair]) -> Matrix:
    """Confusion matrix of span types, whatever their ends.

    At most 30 types are drawn, those with most errors.

    Example:
    >>> span_confusion([Pair(0, ("A", 0, 1), None)]).counts
    ((0, 1), (0, 0))
    """
    counts = Counter((_type(pair.gold), _type(pair.answered)) for pair in paired)
    errors: Counter[str] = Counter()
    for pair, count in counts.items():
        errors.update({name: count * (pair[0] != pair[1]) for name in pair})
    every = [name for name, _ in errors.most_common() if name != NONE]
    names = (*sorted(every[:TYPES]), NONE)
    title = "Spans: type answered for each type"
    if len(every) > TYPES:
        title += f", the {TYPES} with most errors of {len(every):,}"
    rows = tuple(tuple(counts[gold, other] for other in names) for gold in names)
    return Matrix(title, names, rows)


def span_lengths(paired: Sequence[Pair]) -> Bars:
    """Recall of spans by their length.

    Example:
    >>> span_lengths([Pair(0, ("A", 0, 2), ("A", 0, 2))]).names
    ('2',)
    """
    every, right = Counter[int](), Counter[int]()
    for pair in paired:
        if pair.gold is not None:
            size = min(pair.gold[2] - pair.gold[1], 6)
            every[size] += 1
            right[size] += pair.kind == "exact"
    sizes = sorted(every)
    return Bars(
        "Spans found right, by their length",
        "words",
        "recall",
        tuple("≥ 6" if size == 6 else str(size) for size in sizes),
        tuple(round(right[size] / every[size], 4) for size in sizes),
        upright=True,
    )


def per_type(counts: label_encoding.Counts) -> Table:
    """Precision, recall and F1 of each type of span, the commonest first.

    Example:
    >>> counts = label_encoding.Counts(("LOC",), *(np.array([n]) for n in (2, 4, 1)))
    >>> per_type(counts).rows
    (('LOC', 2, 4, 0.25, 0.5, 0.3333),)
    """
    columns = ("type", "spans", "answers", "precision", "recall", "f1")
    order = np.argsort(-counts.gold, kind="stable")
    rows = tuple(
        (
            *(counts.names[n], int(counts.gold[n]), int(counts.answered[n])),
            *(round(float(c[n]), 4) for c in (counts.precision, counts.recall)),
            round(float(counts.f1[n]), 4),
        )
        for n in order
    )
    return Table("Types", columns, rows)


def partial(paired: Sequence[Pair]) -> Table:
    """The number of spans that are right, partly right, missed and spurious.

    Example:
    >>> partial([Pair(0, ("A", 0, 2), ("A", 0, 1))]).rows[2]
    ('right type, wrong ends', 1, 1.0)
    """
    counts = span_pairs.partial(paired)
    total = max(sum(counts.values()), 1)
    rows = tuple(
        (_KINDS[kind], count, round(count / total, 4)) for kind, count in counts.items()
    )
    return Table("Partial matches", ("span", "count", "share"), rows)


def common_errors(
    tokens: np.ndarray, paired: Sequence[Pair], *, gap: str = " "
) -> Table:
    """The spans that are most often wrong.

    Example:
    >>> words = np.array(["in New York"], object)
    >>> common_errors(words, [Pair(0, ("LOC", 1, 3), None)]).rows
    (('New York', 'LOC', '(none)', 1),)
    """
    wrong = [pair for pair in paired if pair.kind != "exact"]
    counts = Counter(
        (
            gap.join(tokens[pair.row].split(" ")[slice(*_ends(pair))]),
            _type(pair.gold),
            _type(pair.answered),
        )
        for pair in wrong
    )
    rows = tuple((cut(words), *types, count) for (words, *types), count in _top(counts))
    title = f"Commonest errors: {len(rows)} of {len(counts):,}"
    return Table(title, ("words", "gold", "answered", "count"), rows)


def _of_tags(gold: np.ndarray, answered: np.ndarray) -> tuple[Figure, ...]:
    """The figures of classification, for the tags of words."""
    codes = _codes(gold, answered)
    counts = codes.counts()
    bars, table = class_histogram(counts), per_class(counts)
    names = ("tag", "words", *table.columns[2:])
    return (
        confusion(codes),
        replace(bars, title="Words of each tag", x_label="tag", y_label="words"),
        replace(table, title="Tags", columns=names),
    )


def _codes(gold: np.ndarray, answered: np.ndarray) -> label_encoding.Codes:
    """Tags of all words as numbers; a word without an answer has an empty tag."""
    true, given = [], []
    for one, other in zip(map(tagging.split, gold), answered, strict=True):
        found = tagging.split(other)[: len(one)]
        true += one
        given += found + [NONE] * (len(one) - len(found))
    names = sorted({*true} - {NONE})
    return label_encoding.codes(np.array(true, object), np.array(given, object), names)


def _type(span: Found | None) -> str:
    return NONE if span is None else span[0]


def _ends(pair: Pair) -> tuple[int, int]:
    span = pair.gold or pair.answered or ("", 0, 0)
    return span[1], span[2]


def _top(counts: Counter) -> list:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:EXAMPLES]
