"""File format detection for batches: format, dialect and encoding of each file.

Opens no file itself: the function for that is an argument, since files may lie on
another machine.
"""

import codecs
import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from tfnlp.data.files import dialect as dialects
from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import ColumnNames, Table, named, parts, select
from tfnlp.data.files.dialect import Dialect
from tfnlp.data.files.encoding import Sample
from tfnlp.errors import DataError, SchemaError, nearest

Open = Callable[[str], BinaryIO]
"""From a path to its bytes, as they are."""
Format = Literal["csv", "jsonl", "lines"]

BEGINNING = 2**20
"""Bytes of a file that detection sees."""
_HEAD = 100  # JSON rows whose keys are taken as the columns
_ENDINGS: Mapping[str, Format] = {
    **dict.fromkeys([".csv", ".tsv", ".tab"], "csv"),
    **dict.fromkeys([".jsonl", ".ndjson", ".json"], "jsonl"),
    **dict.fromkeys([".txt", ".lines"], "lines"),
}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Hints:
    """What flags say about the files; what is None is detected for each of them."""

    format: Format | None = None
    delimiter: str | None = None
    header: bool | None = None
    quoting: bool | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Written:
    """The format of one file, and which columns the fields of a request come from."""

    path: str
    format: Format
    encoding: str
    packed: bool
    """Whether it is gzip."""
    names: tuple[str, ...]
    """Its columns, or the keys of its first rows."""
    sources: Mapping[str, tuple[str, ...]]
    """Field of a request → the columns whose values are joined to it."""
    dialect: Dialect | None = None


def look(path: str, columns: ColumnNames, hints: Hints, open: Open) -> Written:
    """Detects the format of a file from its beginning.

    Args:
        columns: field of a request → column, as in ``--column text=title+body``.

    Raises:
        DataError: it is no text, or its encoding is UTF-16 or UTF-32.
        SchemaError: it has no such column.
    """
    with ExitStack() as stack:
        packed, file = unpacked(stack.enter_context(open(path)), stack)
        try:
            content = file.read(BEGINNING + 1)
        except encodings.BROKEN_GZIP as error:
            raise encodings.broken_gzip(Path(path)) from error
    start = Sample(content[:BEGINNING], len(content) <= BEGINNING)
    encoding = encodings.text_encoding(Path(path), start, hints.encoding)
    if encoding.startswith(("utf-16", "utf-32")):
        raise DataError(
            "Files are cut at the byte of a line end, which UTF-16 and UTF-32 do not "
            f"have. Received: {path} in {encoding}. Convert it, as with iconv; "
            "`tfnlp predict` reads it as it is."
        )
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start.content)
    format = hints.format or _format(path, text, columns)
    found = Written(path, format, encoding, packed, (), {})
    if format == "csv":
        return _table(found, text, columns, hints, whole=start.whole)
    if format == "jsonl":
        return _objects(found, text, columns)
    (field,) = columns if len(columns) == 1 else (None,)
    if field is None:
        raise SchemaError(
            f"A line is one text, but a row has the fields {', '.join(columns)}. "
            f"Received: {path} as lines. Give JSON lines, or a table."
        )
    return Written(path, format, encoding, packed, (field,), {field: (field,)})


def unpacked(file: BinaryIO, stack: ExitStack) -> tuple[bool, BinaryIO]:
    """Whether a file is gzip, and what to read its content from.

    Args:
        stack: closes what is opened here.
    """
    packed = file.read(2) == _GZIP
    file.seek(0)
    if not packed:
        return False, file
    unpacked = gzip.GzipFile(fileobj=file)
    return True, cast(BinaryIO, stack.enter_context(unpacked))


def _format(path: str, text: str, columns: ColumnNames) -> Format:
    """The format by the name of a file, or else by its beginning."""
    ending = Path(path.removesuffix(".gz")).suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if text.lstrip().startswith("{"):
        return "jsonl"
    return "lines" if all(field == name for field, name in columns.items()) else "csv"


def _table(
    found: Written, text: str, columns: ColumnNames, hints: Hints, *, whole: bool
) -> Written:
    style = dialects.detect(
        text,
        whole=whole,
        wanted=named(columns),
        delimiter=hints.delimiter,
        header=hints.header,
        quoting=hints.quoting,
    )
    picked = select(
        columns, Table(found.path, style.names, style.width, lambda: iter(()))
    )
    names = style.names or tuple(str(n) for n in range(1, style.width + 1))
    sources = {f: tuple(names[k] for k in places) for f, places in picked.items()}
    return Written(
        found.path, "csv", found.encoding, found.packed, names, sources, dialect=style
    )


def _objects(found: Written, text: str, columns: ColumnNames) -> Written:
    """JSON lines; at least one of the first objects has the required keys."""
    rows = []
    for line in islice(filter(None, map(str.strip, text.split("\n"))), _HEAD):
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):  # reported with its place when it is read
            continue
    names = tuple(
        dict.fromkeys(k for row in rows if isinstance(row, dict) for k in row)
    )
    sources = {field: parts(column, names) for field, column in columns.items()}
    for field, wanted in sources.items():
        for name in wanted:
            if names and name not in names:
                raise SchemaError(
                    f"No row at the beginning of {found.path} has {name!r}, which "
                    f"field {field!r} needs. Received: {', '.join(names)}."
                    f"{nearest(name, names)} Choose one with --column {field}=NAME."
                )
    return Written(found.path, "jsonl", found.encoding, found.packed, names, sources)
