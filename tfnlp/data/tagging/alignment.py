"""Spans of characters as tags of words, and a report of those that do not fit.

Annotators mark characters, a tagger tags words. A span whose ends are not ends of
words is widened to the words it touches, as half a word cannot be tagged; of spans
that share a word the longest is kept. Both are counted and shown, never silent.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from tfnlp.data.tagging.schemes import Span, tags_of

Words = Callable[[Sequence[str]], Sequence[Sequence[tuple[int, int]]]]
"""From texts to the start and end of each of their words, in characters."""

SHOWN = 10
"""Misaligned spans that a report shows."""

_MARK = "\x1f"
_SPACES = (
    r"[\x00\v\x1c-\x1f\x{85}\x{A0}\x{1680}\x{2000}-\x{200B}"
    r"\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
)
_WORDS = "|".join(
    (
        r"[\pL\pM]+(?:['\x{2019}][\pL\pM]+)+",
        r"\pN+(?:[.,:/]\pN+)+",
        r"[!?]+|\.\.+|[:;=]-?[()]+",
        r"[\x{1F1E6}-\x{1F1FF}]{2}",
        r"\p{So}(?:[\x{FE0F}\x{20E3}\x{1F3FB}-\x{1F3FF}]|\x{200D}\p{So})*",
        r"[\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}]",  # write no spaces
        r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\pM*",
        r"[\pP\pS]",
    )
)
_BLANK = "\t\n\f\r "


class Marked(NamedTuple):
    """A span of characters: its type and where it starts and ends."""

    type: str
    start: int
    end: int


class Misaligned(NamedTuple):
    """A span that words could not take over as it was."""

    where: str
    type: str
    marked: str
    """The characters that were marked."""
    became: str
    """The words that are tagged instead; empty if none is."""
    reason: str
    """`widened`, `overlapping` or `no word`."""


class Aligned(NamedTuple):
    """A text as words, its tags in BIO, and what did not fit."""

    words: list[str]
    tags: list[str]
    misaligned: tuple[Misaligned, ...]


@dataclass(frozen=True)
class AlignmentReport:
    """What became of the spans of a file.

    Args:
        texts: how many there are.
        spans: how many were marked.
        reasons: how many were widened, overlapping, or held no word.
        examples: the first of them.

    Example:
    >>> print(AlignmentReport(9, 20, {"widened": 1}, ()))
    9 texts with 20 spans: 1 widened
    """

    texts: int
    spans: int
    reasons: dict[str, int]
    examples: tuple[Misaligned, ...]

    def __str__(self) -> str:
        counts = [f"{count:,} {reason}" for reason, count in self.reasons.items()]
        head = f"{self.texts:,} texts with {self.spans:,} spans: "
        shown = [
            f"  {each.where}: {each.type} {each.marked!r} {each.reason}"
            + (f", now {each.became!r}" if each.became else "")
            for each in self.examples
        ]
        return "\n".join([head + (", ".join(counts) or "all on words"), *shown])


def plain_words(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Cuts texts into words, numbers and single signs.

    Exactly as the splitter `words` of tfnlp does, so that a tagger is queried about
    the words that it learnt; hand in another cut for a task that splits otherwise.

    Example:
    >>> plain_words(["So don't, 3.5!"])
    [[(0, 2), (3, 8), (8, 9), (10, 13), (13, 14)]]
    """
    encoded = [text.encode("utf-8", "replace") for text in texts]  # as rows are
    spaced = tf.strings.regex_replace(tf.constant(encoded, tf.string), _SPACES, " ")
    marked = tf.strings.regex_replace(
        spaced, rf"\s+|{_WORDS}", rf"{_MARK}\0{_MARK}"
    ).numpy()
    return [list(_pieces(each.decode("utf-8"))) for each in marked]


def align(
    text: str,
    marked: Sequence[Marked],
    words: Sequence[tuple[int, int]],
    *,
    where: str = "the text",
) -> Aligned:
    """Tags the words that spans of characters touch.

    Args:
        marked: the spans; they lie inside of the text.
        words: start and end of each word, in order.
        where: what a report calls the text.

    Example:
    >>> found = align("Paris-based", [Marked("LOC", 0, 5)], [(0, 11)], where="line 1")
    >>> found.tags, found.misaligned[0].reason
    (['B-LOC'], 'widened')
    """
    taken: list[Span] = []
    notes: list[Misaligned] = []
    for span in sorted(marked, key=lambda span: (span.start - span.end, span.start)):
        touched = list(_touched(span, words))
        note = Misaligned(where, span.type, text[span.start : span.end], "", "no word")
        if not touched:
            notes.append(note)
            continue
        first, last = touched[0], touched[-1] + 1
        if any(first < other.end and other.start < last for other in taken):
            notes.append(note._replace(reason="overlapping"))
            continue
        taken.append(Span(span.type, first, last))
        became = text[words[first][0] : words[last - 1][1]]
        if became != note.marked.strip():
            notes.append(note._replace(became=became, reason="widened"))
    return Aligned(
        [text[start:end] for start, end in words],
        tags_of(taken, len(words), "BIO"),
        tuple(notes),
    )


def _touched(span: Marked, words: Sequence[tuple[int, int]]) -> Iterator[int]:
    if span.start == span.end:
        return
    first = bisect_right(words, span.start, key=lambda word: word[1])
    for place in range(first, len(words)):
        if words[place][0] >= span.end:
            return
        yield place


def _pieces(marked: str) -> Iterator[tuple[int, int]]:
    start = 0
    for piece in marked.split(_MARK):
        if piece.strip(_BLANK):
            yield start, start + len(piece)
        start += len(piece)
