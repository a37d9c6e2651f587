"""Byte ranges of files, each read independently: rows with all their columns.

A range of JSON lines or plain lines ends at the end of a line, one of a table at the
end of a record, since a quoted field may hold newlines. A gzip file is one range. A row
that cannot be read is a `Rejected` row instead of an error: one line does not stop a
batch of thousands of files.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tfnlp.cli.io import row_streams
from tfnlp.cli.io.batch_formats import Open, Written, unpacked
from tfnlp.data.files import dialect as dialects
from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.dialect import Dialect
from tfnlp.errors import DataError, SchemaError, nearest

_RATIO = 6  # text shrinks about this much as gzip


@dataclass(frozen=True)
class Portion:
    """A byte range of a file; the whole file if it is gzip."""

    written: Written
    start: int
    stop: int | None
    size: int
    """Bytes on disk."""


class Row(NamedTuple):
    """One row of a file."""

    path: str
    offset: int
    """Of its first byte, in the decompressed file."""
    columns: dict[str, Any]
    """All values of the row by name of column, or by number without a header."""
    request: dict[str, Any]
    """The fields of the request to an artefact."""


class Rejected(NamedTuple):
    """Text that is no row, and why."""

    path: str
    offset: int
    text: str
    reason: str


def cut(written: Written, size: int, target: int, open: Open) -> list[Portion]:
    """Cuts a file into byte ranges of about the target size, at ends of rows.

    A table is read to its end for that, by the reader of its records.

    Args:
        size: bytes of the file.
        target: bytes of a portion.
    """
    if not size:
        return []
    if written.packed or size <= target:
        return [Portion(written, 0, None if written.packed else size, size)]
    with open(written.path) as file:
        starts = [0, *_starts(written, file, target)]
    return [
        Portion(written, start, stop, stop - start)
        for start, stop in zip(starts, [*starts[1:], size], strict=True)
    ]


def share_out(portions: Sequence[Portion], count: int) -> list[list[Portion]]:
    """Assigns portions to shards of about the same size, in order.

    Args:
        count: shards; some may have no portion.
    """
    weights = [each.size * (_RATIO if each.written.packed else 1) for each in portions]
    shards: list[list[Portion]] = [[] for _ in range(count)]
    before, total = 0, max(sum(weights), 1)
    for portion, weight in zip(portions, weights, strict=True):
        middle = before + weight / 2
        shards[min(int(middle * count / total), count - 1)].append(portion)
        before += weight
    return shards


def read_portion(
    portion: Portion, open: Open, numbers: Mapping[str, type] = row_streams.NO_NUMBERS
) -> Iterator[Row | Rejected]:
    """Reads the rows of a portion, one at a time.

    Args:
        numbers: fields that hold numbers → float or int; see `row_streams.rows`.

    Returns:
        Rows; if gzip is cut or damaged, the last is a rejected one that says so.
    """
    written, offset = portion.written, 0
    with ExitStack() as stack:
        _, file = unpacked(stack.enter_context(open(written.path)), stack)
        try:
            for offset, text, found in _found(portion, file):
                if isinstance(found, str):
                    yield Rejected(written.path, offset, text, found)
                    continue
                try:
                    request = _request(found, written, numbers)
                except DataError as error:
                    yield Rejected(written.path, offset, text, str(error))
                else:
                    yield Row(written.path, offset, found, request)
        except encodings.BROKEN_GZIP:
            reason = str(encodings.broken_gzip(Path(written.path)))
            yield Rejected(written.path, offset, "", reason)


Found = Iterator[tuple[int, str, dict[str, Any] | str]]
"""Offset, the text of a row, and its values or why it is rejected."""


def _found(portion: Portion, file: BinaryIO) -> Found:
    lines = _Lines(file, portion)
    if portion.written.format == "csv":
        return _records(lines, portion)
    if portion.written.format == "jsonl":
        return _json_rows(lines, portion.written)
    field = portion.written.names[0]
    return ((lines.start, text := line.rstrip("\r\n"), {field: text}) for line in lines)


class _Lines(Iterator[str]):
    """Lines of a portion as text, with the byte offsets of the current one."""

    def __init__(self, file: BinaryIO, portion: Portion):
        self._file, self._stop = file, portion.stop
        self._encoding = portion.written.encoding
        self.start = self.end = portion.start
        if portion.start:
            file.seek(portion.start)

    def __next__(self) -> str:
        if self._stop is not None and self.end >= self._stop:
            raise StopIteration
        line = self._file.readline()
        if not line:
            raise StopIteration
        self.start, self.end = self.end, self.end + len(line)
        return line.decode(self._encoding, "replace")


def _records(lines: _Lines, portion: Portion) -> Found:
    """The records of a table without its header."""
    style = cast(Dialect, portion.written.dialect)
    names = portion.written.names
    reader = dialects.reader(lines, style.delimiter, style.quoting)
    skip = style.header and not portion.start
    while True:
        start = lines.end
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, "", f"This is no record of a table: {error}."
            continue
        if not record:
            continue
        if skip:
            skip = False
        elif len(record) != style.width:
            text = style.delimiter.join(record)
            yield start, text, f"A record has {style.width} fields, not {len(record)}."
        else:
            row: dict[str, Any] = {}
            for name, value in zip(names, record, strict=True):
                row.setdefault(name, value)
            yield start, style.delimiter.join(record), row


def _json_rows(lines: _Lines, written: Written) -> Found:
    for line in lines:
        if not (text := line.strip()):
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield lines.start, text, f"This is no JSON: {error}."
            continue
        if isinstance(found, str) and len(written.sources) == 1:
            found = {next(iter(written.sources.values()))[0]: found}
        if isinstance(found, dict):
            yield lines.start, text, found
        else:
            yield lines.start, text, "A line is one JSON object, or one JSON string."


def _request(
    row: Mapping[str, Any], written: Written, numbers: Mapping[str, type]
) -> dict[str, Any]:
    request = {}
    for field, sources in written.sources.items():
        for name in sources:
            if name not in row:
                raise SchemaError(
                    f"The row has no {name!r}. Received: "
                    f"{', '.join(row) or 'no fields'}.{nearest(name, row)}"
                )
        values = [row[name] for name in sources]
        request[field] = row_streams.value(values, field, numbers.get(field, str))
    return request


def _starts(written: Written, file: BinaryIO, target: int) -> Iterator[int]:
    """Offsets where portions begin, except the first."""
    if written.format != "csv":
        while file.seek(target, 1) and file.readline():
            start = file.tell()
            if not file.read(1):
                return
            file.seek(start)
            yield start
        return
    lines, last = _Lines(file, Portion(written, 0, None, 0)), 0
    style = cast(Dialect, written.dialect)
    reader = dialects.reader(lines, style.delimiter, style.quoting)
    while _passed(reader):
        if lines.end - last >= target:
            last = lines.end
            yield last


def _passed(reader: Iterator[Sequence[str]]) -> bool:
    """Whether there was one more record, a broken one included."""
    try:
        next(reader)
    except StopIteration:
        return False
    except csv.Error:
        return True
    return True
