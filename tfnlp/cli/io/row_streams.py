"""Streaming rows from standard input, and answers to standard output as JSON lines."""

import base64
import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tfnlp.cli.io.input_formats import Form, detect_format
from tfnlp.cli.io.stdin import SOURCE, Lines
from tfnlp.data.files import dialect as dialects
from tfnlp.data.files.columns import ColumnNames, Table, parts, select
from tfnlp.data.files.dialect import Dialect
from tfnlp.data.tagging import sentences
from tfnlp.errors import DataError, SchemaError, nearest

Found = Iterator[tuple[str, dict[str, list[Any]]]]
"""Untyped rows: ``on line 3``, field → values of its columns."""
NO_NUMBERS: Mapping[str, type] = MappingProxyType({})
HELD: Mapping[type, str] = MappingProxyType(
    {str: "text", float: "numbers", int: "whole numbers"}
)
"""What messages call the values of a field."""


def rows(
    lines: Lines,
    columns: ColumnNames,
    *,
    form: Form | None = None,
    numbers: Mapping[str, type] = NO_NUMBERS,
) -> Iterator[dict[str, Any]]:
    r"""Reads rows as a stream.

    Args:
        columns: field → column: a name, a number counted from 1, or several joined
            with `+`.
        form: what flags say about the input format.
        numbers: fields that hold numbers → float, or int where they are whole; all
            others hold text, those of `sentences.LISTED` also lists of words.

    Raises:
        DataError: a line cannot be read; all rows before it were.
        SchemaError: a column is missing.

    Example:
    >>> import io
    >>> from tfnlp.cli.io.stdin import arriving
    >>> lines = arriving(io.BytesIO(b'id;text\n1;"good; really"\n'))
    >>> list(rows(lines, {"text": "text"}))
    [{'text': 'good; really'}]
    """
    if not lines.start.strip():
        return
    form = form or Form()
    style = detect_format(lines.start, columns, form, whole=lines.whole)
    if isinstance(style, Dialect):
        found = _table_rows(lines, columns, style, form.ragged)
    elif style == "jsonl":
        found = _json_rows(lines, columns)
    else:
        found = _texts(lines, next(iter(columns)))
    yield from typed(found, numbers)


def typed(found: Found, numbers: Mapping[str, type]) -> Iterator[dict[str, Any]]:
    """Rows whose fields have the required types; see `rows`.

    Raises:
        DataError: a value has another type.

    Example:
    >>> list(typed(iter([("on line 1", {"text": ["a", "b"]})]), {}))
    [{'text': 'a b'}]
    """
    for where, row in found:
        yield {
            name: value(values, name, numbers.get(name, str), f" {where}")
            for name, values in row.items()
        }


def batches(
    rows: Iterable[Any], size: int, waits: Callable[[], bool]
) -> Iterator[list[Any]]:
    """Batches rows without waiting for input; the rows before a bad one come first.

    Args:
        size: rows in a batch, at most.
        waits: whether the next row has not arrived.

    Example:
    >>> list(batches([1, 2, 3], 2, lambda: False))
    [[1, 2], [3]]
    """
    batch: list[Any] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == size or waits():
                yield batch
                batch = []
    except DataError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def write(answers: Iterable[Mapping[str, Any]]) -> None:
    """Writes answers to standard output as JSON lines, and flushes each.

    Example:
    >>> write([{"label": "pos", "score": 0.8}, {"label": "naïve", "score": 0.9}])
    {"label": "pos", "score": 0.8}
    {"label": "naïve", "score": 0.9}
    >>> write([{"state_bytes": b"a"}])
    {"state_bytes": {"b64": "YQ=="}}
    """
    for answer in answers:
        line = json.dumps(answer, ensure_ascii=False, default=_binary)
        sys.stdout.write(line.encode("utf-8", "replace").decode() + "\n")
        sys.stdout.flush()


def _binary(value: bytes) -> dict[str, str]:
    """Bytes as TF Serving's REST has them."""
    return {"b64": base64.b64encode(value).decode()}


def number(value: Any, kind: type = float) -> Any:
    """A value as a finite number, or None if it is none.

    Args:
        kind: float, or int: then a number with a fraction is none either.

    Example:
    >>> number("1.5"), number("old"), number(True), number("4", int), number(4.5, int)
    (1.5, None, None, 4, None)
    """
    if not isinstance(value, int | float | str | bytes) or isinstance(value, bool):
        return None
    if kind is int and isinstance(value, float):
        return None
    try:
        found = kind(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def value(values: Sequence[Any], name: str, kind: type, where: str = "") -> Any:
    """The value of a field: the values of its columns, joined, or a number.

    Args:
        name: the field; one of `sentences.LISTED` may hold lists of words.
        kind: str, float or int.
        where: what a message adds to "Received".

    Raises:
        DataError: a value is of another kind.

    Example:
    >>> value(["good", "", "film"], "text", str), value(["4"], "age", float)
    ('good film', 4.0)
    """
    if kind is str and name in sentences.LISTED:
        values = [_joined(each) for each in values]
    for each in values:
        if (number(each, kind) is None) if kind is not str else type(each) is not str:
            raise DataError(
                f"The field {name!r} holds {HELD[kind]}. Received{where}: "
                f"{json.dumps(each, ensure_ascii=False)[:60]}. Correct that line."
            )
    if kind is not str:
        return number(values[0], kind)
    return " ".join(filter(None, values))


def picked(
    row: Mapping[str, Any], field: str, names: Sequence[str], where: str
) -> list[Any]:
    """The values of a JSON object that a field is made of.

    Raises:
        SchemaError: it lacks one.

    Example:
    >>> picked({"title": "A", "body": "b"}, "text", ["title", "body"], "on line 1")
    ['A', 'b']
    """
    for name in names:
        if name not in row:
            raise SchemaError(
                f"Every row needs {name!r}. Received {where}: "
                f"{', '.join(row) or 'no fields'}.{nearest(name, row)} "
                f"Give another name with --column {field}=NAME."
            )
    return [row[name] for name in names]


def _texts(lines: Lines, field: str) -> Found:
    for k, line in enumerate(lines, 1):
        yield f"on line {k}", {field: [line.rstrip("\r\n")]}


def _json_rows(lines: Lines, columns: ColumnNames) -> Found:
    for k, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _loaded(line, k)
        if not isinstance(row, dict):
            row = {str(next(iter(columns.values()))): row} if len(columns) == 1 else {}
        where, names = f"on line {k}", tuple(row)
        yield (
            where,
            {
                field: picked(row, field, parts(column, names), where)
                for field, column in columns.items()
            },
        )


def _loaded(line: str, number: int) -> Any:
    error: Exception | None = None
    try:
        row = json.loads(line)
        if not isinstance(row, list):
            return row
    except (ValueError, RecursionError) as caught:
        error = caught
    raise DataError(
        "Every line must be one JSON object, or one JSON string. "
        f"Received on line {number}: {line.strip()[:60]!r}. Correct it; "
        "--data FILE reads a JSON list, and --format selects other formats."
    ) from error


def _table_rows(
    lines: Lines, columns: ColumnNames, style: Dialect, ragged: str
) -> Found:
    table = Table(str(SOURCE), style.names, style.width, lambda: iter(()))
    picked = select(columns, table)
    for number, record in _records(lines, style, ragged):
        yield (
            f"on line {number}",
            {
                field: [record[place] for place in places]
                for field, places in picked.items()
            },
        )


def _records(
    lines: Lines, style: Dialect, ragged: str
) -> Iterator[tuple[int, list[str]]]:
    """Records of the right width, each with the number of its first line."""
    reader = dialects.reader(lines, style.delimiter, style.quoting)
    ended, skip = 0, int(style.header)
    try:
        for record in reader:
            start, ended = ended + 1, reader.line_num
            if not record:
                continue
            if skip:
                skip -= 1
            elif len(record) == style.width:
                yield start, record
            elif ragged == "keep":
                missing = style.width - len(record)
                yield start, record[: style.width] + [""] * missing
            elif ragged == "error":
                raise _uneven(style, record, start)
    except csv.Error as error:
        raise DataError(
            "A field holds at most 64 million characters and its quotes close. "
            f"Received: {SOURCE}, line {ended + 1}: {error}. "
            "If quotes are ordinary characters, add --quoting false."
        ) from error


def _uneven(style: Dialect, record: Sequence[str], line: int) -> DataError:
    return DataError(
        f"Every record has {style.width} fields (delimiter {style.delimiter!r}, "
        f"{'quoted' if style.quoting else 'no quoting'}). Received: {SOURCE}, line "
        f"{line} with {len(record)}: {style.delimiter.join(record)[:60]!r}. "
        "Correct it, or add --ragged skip to leave such records out, --ragged keep "
        "to fill or cut them; --delimiter and --quoting can be given too."
    )


def _joined(value: Any) -> Any:
    """A list of words as one string; anything else unchanged."""
    listed = isinstance(value, list) and all(isinstance(word, str) for word in value)
    return sentences.join(value) if listed else value
