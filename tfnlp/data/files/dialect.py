"""CSV dialect detection: delimiter, quoting and header from the first records.

Delimiter, quoting and header are each detected unless given. Nothing here reads a
whole file; `tables.py` does, with the `Dialect` that comes out of here.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tfnlp.errors import UsageError

DELIMITERS = ("\t", ",", ";", "|")
"""In the order of preference where several fit equally well."""

NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
"""Delimiters as people write them on a command line."""

_LONGEST_FIELD = 64 * 2**20
_HEAD = 200  # records that dialect detection reads
_COMMON = frozenset(
    "text label sentence review comment tweet title content body document question "
    "class category sentiment target topic intent id".split()
)
_NAME = re.compile(r"[\w #.:/()\-]{1,40}")


@dataclass(frozen=True)
class Dialect:
    """How one file of delimited text is written."""

    delimiter: str
    quoting: bool
    """Whether a field may stand in quotes, and then hold delimiters and newlines."""
    header: bool
    names: tuple[str, ...]
    width: int
    """Fields of a record: those of the header, or else the most frequent number."""


def reader(
    lines: Iterable[str], delimiter: str, quoting: bool, *, strict: bool = False
) -> Any:
    """A `csv.reader` that accepts fields of up to 64 million characters."""
    csv.field_size_limit(_LONGEST_FIELD)  # the default refuses texts above 128 KB
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        strict=strict,
    )


def detect(
    text: str,
    *,
    whole: bool,
    wanted: Sequence[str] = (),
    delimiter: str | None = None,
    quoting: bool | None = None,
    header: bool | None = None,
) -> Dialect:
    r"""Detects the dialect of delimited text.

    Args:
        text: the beginning of the file.
        whole: whether that is all of it.
        wanted: names of requested columns.
        delimiter: one character, if known; and so on for the others.

    Raises:
        UsageError: the delimiter is not one character.

    Example:
    >>> detect("text;label\nso, so;pos\n", whole=True).delimiter
    ';'
    """
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    sign = _checked(delimiter) or detect_delimiter(text, wanted)
    if quoting is None:
        quoting = detect_quoting(text, sign, whole=whole)
    head = list(islice(_records(text, sign, quoting), _HEAD))
    if header is None:
        header = detect_header(head, wanted)
    names = tuple(name.strip() for name in head[0]) if header else ()
    width = len(names) if header else _usual(head)[0]
    return Dialect(sign, quoting, header, names, width)


def detect_delimiter(text: str, wanted: Sequence[str] = ()) -> str:
    r"""Detects the delimiter: the one that splits all records into equally many fields.

    Wanted names that appear when the first line is cut decide at once. Where several
    delimiters fit, one is better after which quotes surround fields.

    Example:
    >>> detect_delimiter("a, b, and c\t1\nd\t0\n")
    '\t'
    """
    head = "".join(islice(io.StringIO(text, newline=""), _HEAD))
    best, best_fit = ",", (0.5, False)
    for delimiter in DELIMITERS:
        quoting = detect_quoting(head, delimiter, whole=False)
        records = list(_records(head, delimiter, quoting))
        if len(records[0]) > 1 and _named(records[0], wanted):
            return delimiter
        width, share = _usual(records)
        fit = (round(share, 1), quoting)
        if width > 1 and fit > best_fit:
            best, best_fit = delimiter, fit
    return best


def detect_quoting(text: str, delimiter: str, *, whole: bool = True) -> bool:
    r"""Detects whether quotes surround fields or are ordinary characters.

    Fields are quoted if every quote that opens a field is closed where the field
    ends. If one is not, or if quotes would glue together lines that all have the
    same number of fields as they stand, then quotes are ordinary characters.

    Example:
    >>> detect_quoting('1,"a, b"\n', ","), detect_quoting('1\t"a" b\n', "\t")
    (True, False)
    """
    if '"' not in text:
        return True
    lines_width, lines_share = _usual(_records(text, delimiter, quoting=False))
    if _strict(text, delimiter, whole):
        even = lines_width > 1 and lines_share == 1.0
        return not (even and _glued(text, delimiter))
    return lines_share < _usual(_records(text, delimiter, quoting=True))[1]


def detect_header(head: Sequence[Sequence[str]], wanted: Sequence[str] = ()) -> bool:
    """Detects the header: whether the first record names the columns.

    Requested names that are all there decide; so do, when columns were
    requested by number, these rules in this order: a number names no column; a
    word such as `text` or `label` does; a value that comes again further down is a
    label, not a name; a word above a column of numbers is a name. Otherwise the
    first record is a header if its distinct words are far shorter than the texts.

    Example:
    >>> detect_header([["text", "label"], ["good film", "1"]])
    True
    >>> detect_header([["good film", "pos"], ["bad film", "neg"], ["fine", "pos"]])
    False
    """
    first, rest = [cell.strip() for cell in head[0]], head[1:]
    if wanted:
        return True
    if any(_number(cell) for cell in first):
        return False
    if any(cell.casefold() in _COMMON for cell in first):
        return True
    columns = [
        (name, {record[place] for record in rest if place < len(record)} - {""})
        for place, name in enumerate(first)
        if name
    ]
    if any(name in values for name, values in columns):
        return False
    if any(values and all(map(_number, values)) for _, values in columns):
        return True
    return _reads_as_names(first, rest)


def _checked(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    sign = NAMED.get(delimiter, delimiter)
    if len(sign) != 1:
        raise UsageError(
            "A delimiter is one character. "
            f"Received: {delimiter!r}. Use one of {', '.join(NAMED)}, or leave it out "
            "to have it detected."
        )
    return sign


def _records(text: str, delimiter: str, quoting: bool) -> Iterator[list[str]]:
    return filter(None, reader(io.StringIO(text, newline=""), delimiter, quoting))


def _usual(records: Iterator[list[str]] | Sequence[list[str]]) -> tuple[int, float]:
    """The most frequent number of fields, and the share of records that have it."""
    widths = Counter(map(len, records))
    if not widths:
        return 0, 0.0
    width, count = widths.most_common(1)[0]
    return width, count / widths.total()


def _strict(text: str, delimiter: str, whole: bool) -> bool:
    """Whether every quoted field ends where its quotes do."""
    records = reader(io.StringIO(text, newline=""), delimiter, True, strict=True)
    seen = 0
    try:
        for _ in records:
            seen = records.line_num
    except csv.Error:
        cut = not whole and records.line_num - seen < max(20, 0.1 * records.line_num)
        return cut and records.line_num >= text.count("\n")
    return True


def _glued(text: str, delimiter: str) -> bool:
    lines = sum(1 for _ in _records(text, delimiter, quoting=False))
    return lines > sum(1 for _ in _records(text, delimiter, quoting=True))


def _named(record: Sequence[str], wanted: Sequence[str]) -> bool:
    cells = {cell.strip() for cell in record}
    return any(name in cells for name in wanted)


def _number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _reads_as_names(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    given = [cell for cell in first if cell]
    if (
        not given
        or len(set(given)) < len(given)
        or not all(map(_NAME.fullmatch, given))
    ):
        return False
    columns = [list(map(len, column)) for column in zip(*rest, strict=False)]
    longest = max((sum(sizes) / len(sizes) for sizes in columns), default=0)
    return max(map(len, given)) < longest / 2
