"""Sentences with their spans marked: gold spans beside answered ones.

Words and tags come as one string a sentence, joined with single spaces. Of a long
sentence only what stands around its errors is shown.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from tfnlp.scores import tagging
from tfnlp.scores.classification_figures import cut
from tfnlp.scores.figures import Highlights, Line, Piece
from tfnlp.scores.tagging import Spans

NONE = "(none)"
"""Stands for a missing tag."""
ERRORS = 25
LONG = 80
"""Words up to which a sentence is shown whole."""
CONTEXT = 12
"""Words that are shown on each side of an error in a longer one."""
MOST = 160
"""Words that are shown of a sentence, about."""


class Mark(NamedTuple):
    """Words from `start` to before `end`, and their label."""

    start: int
    end: int
    label: str
    wrong: bool


def worst_sentences(
    tokens: np.ndarray,
    gold: np.ndarray,
    answered: np.ndarray,
    *,
    spans: Spans | None = None,
    gap: str = " ",
) -> Highlights:
    """The sentences with the most wrong tags.

    With spans, a line of the gold ones and a line of those that were answered, marked
    as wrong where they are not in both; without, one line with the wrong words.

    Args:
        tokens: the words of each sentence, str [N].
        gold: the true tags, str [N].
        answered: the tags that were answered, str [N].
        spans: reads the spans of a sentence.
        gap: what stands between words; "" where they are characters.

    Example:
    >>> one = lambda words: np.array([words], object)
    >>> worst_sentences(one("so be it"), one("A B C"), one("A B A")).rows
    ((('', (('so be ', '', False), ('it', 'C→A', True))),),)
    """
    compared = tagging.compare(gold, answered)
    wrong = compared.tokens - compared.hits
    errors = np.flatnonzero(~compared.whole)
    shown = errors[np.argsort(-wrong[errors], kind="stable")[:ERRORS]]
    rows = tuple(
        lines(tokens[row], gold[row], answered[row], spans=spans, gap=gap)
        for row in shown
    )
    title = f"Worst sentences: {len(rows)} of {len(errors):,} with an error"
    note = "Framed spans are not the same in both lines."
    return Highlights(title, rows, note if spans else "Wrong words: gold→answered.")


def lines(
    tokens: str, gold: str, answered: str, *, spans: Spans | None = None, gap: str = " "
) -> tuple[Line, ...]:
    """One sentence with its marks.

    Example:
    >>> bare = lambda tags: [(t, n, n + 1) for n, t in enumerate(tags) if t != "O"]
    >>> lines("to Rome", "O LOC", "O O", spans=bare)[1]
    ('answered', (('to Rome', '', False),))
    """
    words = [cut(word) for word in tagging.split(tokens)]
    true, given = (
        _fitted(tagging.split(tags), len(words)) for tags in (gold, answered)
    )
    wrong = [place for place in range(len(words)) if true[place] != given[place]]
    if spans is None:
        marks = {"": [Mark(n, n + 1, f"{true[n]}→{given[n]}", True) for n in wrong]}
    else:
        found = {"gold": spans(true), "answered": spans(given)}
        both = {*found["gold"]} & {*found["answered"]}
        marks = {
            name: [Mark(*span[1:3], span[0], span not in both) for span in each]
            for name, each in found.items()
        }
    every = [mark for each in marks.values() for mark in each]
    shown = _shown(len(words), wrong, every)
    return tuple(
        (name, tuple(_pieces(words, each, shown, gap))) for name, each in marks.items()
    )


def _fitted(tags: Sequence[str], length: int) -> list[str]:
    """Tags, cut or padded to the number of words."""
    return [*tags[:length], *[NONE] * (length - len(tags))]


def _shown(size: int, wrong: Sequence[int], marks: Sequence[Mark]) -> list[range]:
    """The runs of words to show; no mark is cut."""
    kept = np.full(size, size <= LONG)
    for place in wrong:
        kept[max(0, place - CONTEXT) : place + CONTEXT + 1] = True
        if kept.sum() >= MOST:
            break
    for mark in marks:
        kept[mark.start : mark.end] |= kept[mark.start : mark.end].any()
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    return [range(*pair) for pair in edges.reshape(-1, 2).tolist()]


def _pieces(
    words: Sequence[str], marks: Sequence[Mark], shown: Sequence[range], gap: str
) -> Iterator[Piece]:
    """The words of a line, those without a mark put together."""
    pieces = _words(words, {mark.start: mark for mark in marks}, shown, gap)
    for label, group in groupby(pieces, key=lambda piece: piece[1]):
        if label:
            yield from group
        elif text := "".join(piece[0] for piece in group):
            yield text, "", False


def _words(
    words: Sequence[str], marks: dict[int, Mark], shown: Sequence[range], gap: str
) -> Iterator[Piece]:
    last = 0
    for run in shown:
        if run.start > last:
            yield " … " if last else "… ", "", False
        last = run.start
        while last < run.stop:
            mark = marks.get(last, Mark(last, last + 1, "", False))
            yield gap.join(words[last : mark.end]), mark.label, mark.wrong
            last = mark.end
            yield gap if last < run.stop else "", "", False
    yield " …" if last < len(words) else "", "", False
