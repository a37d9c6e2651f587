"""Tagging schemes: how the tags of words spell spans, and back.

A tag is `O`, or a letter, a hyphen and a type: `B-PER`. What the letter says
depends on the scheme; the type may be missing (`B`). All tags are read by one
rule, that of `conlleval`: a span goes on with an inside or end tag of the same
type after a begin or inside tag, and a new one starts with any other. Repairing and
converting are both reading by that rule and writing again, so neither can disagree
with the scores. Knows no file and no network; `tfnlp.data.tagging.scheme_detection`
detects the scheme of a file.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tfnlp.errors import DataError, UsageError, nearest

OUTSIDE = "O"
SCHEMES = ("IO", "IOB1", "BIO", "BIOES", "BMES", "BILOU")
"""Every scheme; `IOB2`, `IOBES` and `BIOUL` are other names of three of them."""
_ALIASES = {"IOB2": "BIO", "IOBES": "BIOES", "BIOUL": "BILOU", "BMESO": "BMES"}
LETTERS = {
    "IO": ("I", "I", "I", "I"),
    "IOB1": ("I", "I", "I", "I"),  # and B where a span follows one of its type
    "BIO": ("B", "I", "I", "B"),
    "BIOES": ("B", "I", "E", "S"),
    "BMES": ("B", "M", "E", "S"),
    "BILOU": ("B", "I", "L", "U"),
}
"""The letters that begin, go on, end, and are a span of one word."""
_ROLE = {"M": "I", "L": "E", "U": "S"}
_TAG = re.compile("([BIESMLU])-(.+)", re.DOTALL)


class Span(NamedTuple):
    """Words `start` to `end`, the end not included, and what they are."""

    type: str
    start: int
    end: int


class Change(NamedTuple):
    """One tag that was repaired."""

    place: int
    was: str
    now: str


class Repaired(NamedTuple):
    """Tags that a scheme can spell, and what was changed to make them so."""

    tags: list[str]
    changes: tuple[Change, ...]


class Constraints(NamedTuple):
    """Which tags a scheme lets follow one another, for a CRF."""

    allowed: np.ndarray
    """bool [C, C]: whether the column's tag may follow the row's."""
    start: np.ndarray
    """bool [C]: whether a sentence may start with the tag."""
    end: np.ndarray
    """bool [C]: whether a sentence may end with it."""


def known(scheme: str) -> str:
    """The name that tfnlp gives a scheme.

    Raises:
        UsageError: there is no such scheme.

    Example:
    >>> known("IOB2"), known("bioes")
    ('BIO', 'BIOES')
    """
    name = scheme.upper()
    name = _ALIASES.get(name, name)
    if name not in SCHEMES:
        every = (*SCHEMES, *_ALIASES)
        raise UsageError(
            f"A tagging scheme is one of {', '.join(every)}. Received: {scheme!r}."
            f"{nearest(name, every)} Leave it out to have it detected."
        )
    return name


@functools.lru_cache(maxsize=100_000)
def parse(tag: str) -> tuple[str, str]:
    """The role of a tag, one of B I E S O, and its type.

    A tag without a letter is a type by itself, as sets in plain IO write it.

    Example:
    >>> parse("M-LOC"), parse("O"), parse("B"), parse("product-car")
    (('I', 'LOC'), ('O', ''), ('B', ''), ('I', 'product-car'))
    """
    if tag in (OUTSIDE, ""):
        return OUTSIDE, ""
    if len(tag) == 1 and tag in "BIESMLU":
        return _ROLE.get(tag, tag), ""
    found = _TAG.fullmatch(tag)
    if found is None:
        return "I", tag
    return _ROLE.get(found[1], found[1]), found[2]


def spans(
    tags: Sequence[str], scheme: str | None = None, *, strict: bool = False
) -> list[Span]:
    """The spans that tags spell.

    Args:
        tags: the tags of one sentence.
        scheme: needed for `strict` only; all schemes are read alike.
        strict: whether a span counts only if the scheme would spell it so, as in
            the strict mode of seqeval: under BIO an `I-PER` after `O` is none.

    Example:
    >>> spans(["B-PER", "I-PER", "O", "I-LOC"])
    [Span(type='PER', start=0, end=2), Span(type='LOC', start=3, end=4)]
    >>> spans(["B-PER", "I-PER", "O", "I-LOC"], "BIO", strict=True)
    [Span(type='PER', start=0, end=2)]
    """
    found = list(_read(tags))
    if not strict or scheme is None:
        return found
    name = known(scheme)
    if name in ("IO", "IOB1"):
        return found  # they can spell every span that can be read
    return [span for span in found if _is_spelled(span, tags, name)]


def tags_of(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Writes spans as the tags of a sentence of `length` words.

    Raises:
        DataError: two spans share a word, or one lies outside of the sentence.

    Example:
    >>> tags_of([Span("PER", 0, 2), Span("LOC", 3, 4)], 4, "BIOES")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    name = known(scheme)
    tags, last = [OUTSIDE] * length, Span("", 0, 0)
    for span in sorted(spans, key=lambda span: span.start):
        if not last.end <= span.start < span.end <= length:
            raise DataError(
                "Spans of a sentence share no word and lie inside of it. "
                f"Received: {span.type!r} from {span.start} to {span.end} after "
                f"{last.end}, in {length} words. Leave one of them out."
            )
        letters = _letters(span, name)
        beside = bool(span.start) and last.end == span.start
        if name == "IOB1" and beside and last.type == span.type:
            letters = "B" + letters[1:]
        tags[span.start : span.end] = [
            f"{letter}-{span.type}" if span.type else letter for letter in letters
        ]
        last = span
    return tags


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """Writes the spans of tags of any scheme in another one.

    Example:
    >>> convert(["B-PER", "I-PER", "O", "B-LOC"], "BMES")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    return tags_of(_read(tags), len(tags), scheme)


def repair(tags: Sequence[str], scheme: str) -> Repaired:
    """Makes tags such as the scheme can spell; right ones stay as they are.

    Example:
    >>> repair(["O", "I-PER", "I-PER"], "BIO").changes
    (Change(place=1, was='I-PER', now='B-PER'),)
    """
    fixed = convert(tags, scheme)
    pairs = enumerate(zip(tags, fixed, strict=True))
    changes = (Change(place, *pair) for place, pair in pairs if pair[0] != pair[1])
    return Repaired(fixed, tuple(changes))


def constraints(labels: Sequence[str], scheme: str | None) -> Constraints:
    """Which of the labels may follow one another, start and end a sentence.

    A label that leads nowhere, such as `B-PER` of BIOES where `E-PER` is no label,
    is allowed nowhere, so that every allowed path has an end.

    Args:
        labels: the tags of a network, C of them.
        scheme: None allows everything, as for POS.

    Example:
    >>> constraints(["O", "B-A", "I-A"], "BIO").allowed.astype(int)
    array([[1, 1, 0],
           [1, 1, 1],
           [1, 1, 1]])
    """
    size = len(labels)
    if scheme is None or known(scheme) == "IO":
        everything = np.ones(size, bool)
        return Constraints(np.ones((size, size), bool), everything, everything.copy())
    name = known(scheme)
    parsed = [(OUTSIDE, ""), *map(parse, labels)]
    follows = np.array([[_follows(a, b, name) for b in parsed] for a in parsed])
    allowed, start, end = follows[1:, 1:], follows[0, 1:], follows[1:, 0]
    return _without_dead_ends(allowed, start, end)


def _read(tags: Sequence[str]) -> Iterable[Span]:
    start, last, kind = -1, OUTSIDE, ""
    for place, tag in enumerate(tags):
        role, type = parse(tag)
        if start >= 0 and not (role in "IE" and last in "BI" and type == kind):
            yield Span(kind, start, place)
            start = -1
        if start < 0 and role != OUTSIDE:
            start, kind = place, type
        last = role
    if start >= 0:
        yield Span(kind, start, len(tags))


def _letters(span: Span, scheme: str) -> str:
    begin, inside, end, single = LETTERS[scheme]
    size = span.end - span.start
    return single if size == 1 else begin + inside * (size - 2) + end


def _is_spelled(span: Span, tags: Sequence[str], scheme: str) -> bool:
    roles = [_ROLE.get(letter, letter) for letter in _letters(span, scheme)]
    return roles == [parse(tag)[0] for tag in tags[span.start : span.end]]


def _follows(first: tuple[str, str], then: tuple[str, str], scheme: str) -> bool:
    (last, kind), (role, type) = first, then
    if scheme == "IOB1":
        return role != "B" or (last != OUTSIDE and kind == type)
    goes_on = role in "IE" and last in "BI" and kind == type
    if role in "IE" or (last in "BI" and LETTERS[scheme][1] != LETTERS[scheme][2]):
        return goes_on
    return True


def _without_dead_ends(
    allowed: np.ndarray, start: np.ndarray, end: np.ndarray
) -> Constraints:
    useful = _reached(start, allowed) & _reached(end, allowed.T)
    both = useful[:, None] & useful
    return Constraints(allowed & both, start & useful, end & useful)


def _reached(first: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The tags on any way from the first ones, bool [C]."""
    reached = first
    while (more := reached | allowed[reached].any(axis=0)).sum() > reached.sum():
        reached = more
    return reached
