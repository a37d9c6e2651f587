"""How the files of a batch are written: told from the beginning of each.

Knows how to open no file: that is handed in, as files may lie on another machine.
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
from tfnlp.data.files.columns import Columns, Table, named, parts, select
from tfnlp.data.files.dialect import Dialect
from tfnlp.data.files.encoding import Sample
from tfnlp.errors import DataError, SchemaError, nearest

Open = Callable[[str], BinaryIO]
"""From a path to its bytes, as they are."""
Format = Literal["csv", "jsonl", "lines"]

BEGINNING = 2**20
"""Bytes of a file that are looked at before it is read."""
_HEAD = 100  # JSON rows that tell which keys there are
_ENDINGS: Mapping[str, Format] = {
    **dict.fromkeys([".csv", ".tsv", ".tab"], "csv"),
    **dict.fromkeys([".jsonl", ".ndjson", ".json"], "jsonl"),
    **dict.fromkeys([".txt", ".lines"], "lines"),
}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Hints:
    """What is said of the files; what is None is told from each of them."""

    format: Format | None = None
    delimiter: str | None = None
    header: bool | None = None
    quoting: bool | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Written:
    """How one file is written, and where its rows have the fields of a request."""

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


def look(path: str, columns: Columns, hints: Hints, open: Open) -> Written:
    """Tells from its beginning how a file is written.

    Args:
        columns: field of a request → column, as in ``--column text=title+body``.

    Raises:
        DataError: it is no text, or in an encoding of more than one byte a sign.
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
            "Files are cut between bytes, so their encoding is UTF-8 or one of a byte "
            f"a sign. Received: {path} in {encoding}. Convert it, as with iconv; "
            "`tfnlp predict` reads it as it is."
        )
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start.content)
    format = hints.format or _format(path, text, columns)
    told = Written(path, format, encoding, packed, (), {})
    if format == "csv":
        return _table(told, text, columns, hints, whole=start.whole)
    if format == "jsonl":
        return _objects(told, text, columns)
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


def _format(path: str, text: str, columns: Columns) -> Format:
    """The format that the name of a file says, or else its beginning."""
    ending = Path(path.removesuffix(".gz")).suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if text.lstrip().startswith("{"):
        return "jsonl"
    return "lines" if all(field == name for field, name in columns.items()) else "csv"


def _table(
    told: Written, text: str, columns: Columns, hints: Hints, *, whole: bool
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
        columns, Table(told.path, style.names, style.width, lambda: iter(()))
    )
    names = style.names or tuple(str(n) for n in range(1, style.width + 1))
    sources = {f: tuple(names[k] for k in places) for f, places in picked.items()}
    return Written(
        told.path, "csv", told.encoding, told.packed, names, sources, dialect=style
    )


def _objects(told: Written, text: str, columns: Columns) -> Written:
    """JSON lines, some of whose first objects have the keys that are needed."""
    rows = []
    for line in islice(filter(None, map(str.strip, text.split("\n"))), _HEAD):
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):  # told when it is read, with its place
            continue
    names = tuple(
        dict.fromkeys(k for row in rows if isinstance(row, dict) for k in row)
    )
    sources = {field: parts(column, names) for field, column in columns.items()}
    for field, wanted in sources.items():
        for name in wanted:
            if names and name not in names:
                raise SchemaError(
                    f"No row at the beginning of {told.path} has {name!r}, which field "
                    f"{field!r} needs. Received: {', '.join(names)}."
                    f"{nearest(name, names)} Choose one with --column {field}=NAME."
                )
    return Written(told.path, "jsonl", told.encoding, told.packed, names, sources)
