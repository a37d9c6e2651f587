"""Files as tables: delimited text, JSON lines, Parquet, plain lines, folders.

Each function looks at the beginning of its source, rejects what it cannot read
and returns a `Table`, which knows how to read all records again.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from tfnlp.data.files import dialect as dialects
from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import Table
from tfnlp.data.files.dialect import Dialect
from tfnlp.errors import DataError, UsageError

Ragged = Literal["error", "skip", "keep"]
"""What to do with a record of more or fewer fields than the table has columns."""
Objects = Iterator[tuple[str, dict[str, Any]]]
"""JSON objects, each behind the place where it stands: ``line 3``."""


def delimited(
    path: Path,
    *,
    wanted: Sequence[str] = (),
    delimiter: str | None = None,
    header: bool | None = None,
    quoting: bool | None = None,
    encoding: str | None = None,
    ragged: Ragged = "error",
) -> Table:
    """CSV, TSV and their kin; see `tfnlp.data.readers.csv`."""
    if ragged not in ("error", "skip", "keep"):
        raise UsageError(
            "Uneven records are rejected ('error'), left out ('skip') or filled "
            f"('keep'). Received: ragged={ragged!r}. Choose one of the three."
        )
    start = encodings.sample(path)
    encoding = encodings.text_encoding(path, start, encoding)
    style = dialects.detect(
        _decoded(start, encoding),
        whole=start.whole,
        wanted=wanted,
        delimiter=delimiter,
        header=header,
        quoting=quoting,
    )
    return Table(
        where=str(path),
        names=style.names,
        width=style.width,
        records=lambda: _delimited(path, style, encoding, ragged),
        small=encodings.is_small(path),
    )


def json_lines(path: Path, *, encoding: str | None = None) -> Table:
    """One JSON object a line, or one JSON list of objects in the whole file."""
    read = json_objects(path, encoding=encoding)
    names = list(dict.fromkeys(key for _, row in islice(read(), 1000) for key in row))
    return Table(
        where=str(path),
        names=tuple(names),
        width=len(names),
        records=lambda: ([row.get(name) for name in names] for _, row in read()),
        small=encodings.is_small(path),
    )


def json_objects(path: Path, *, encoding: str | None = None) -> Callable[[], Objects]:
    """What reads the objects of a JSON file from the start, and where each stands.

    Raises:
        DataError: the file is empty or not text; when it is read also: something is
            no JSON object.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new.jsonl"
    >>> _ = path.write_text('\\n{"text": "so good"}')
    >>> list(json_objects(path)())
    [('line 2', {'text': 'so good'})]
    """
    start = encodings.sample(path)
    encoding = encodings.text_encoding(path, start, encoding)
    listed = _decoded(start, encoding).lstrip().startswith("[")
    return partial(_json_list if listed else _json_lines, path, encoding)


def parquet(path: Path) -> Table:
    """A Parquet file, read in batches of rows."""
    names = tuple(_parquet_file(path).schema_arrow.names)

    def records() -> Iterator[Sequence[Any]]:
        for batch in _parquet_file(path).iter_batches(batch_size=4096):
            columns = [column.to_pylist() for column in batch.columns]
            yield from zip(*columns, strict=True)

    return Table(str(path), names, len(names), records, encodings.is_small(path))


def lines(path: Path, *, encoding: str | None = None) -> Table:
    """Plain lines: one column `text`; an empty line is a row with an empty text."""
    start = encodings.sample(path)
    encoding = encodings.text_encoding(path, start, encoding)
    return Table(
        where=str(path),
        names=("text",),
        width=1,
        records=lambda: ([line.rstrip("\n")] for line in _lines(path, encoding)),
        small=encodings.is_small(path),
    )


def _decoded(start: encodings.Sample, encoding: str) -> str:
    with io.TextIOWrapper(
        io.BytesIO(start.content), encoding=encoding, errors="replace", newline=""
    ) as file:
        return file.read()


def _delimited(
    path: Path, style: Dialect, encoding: str, ragged: Ragged
) -> Iterator[list[str]]:
    with encodings.open_text(path, encoding, newline="") as file:
        reader = dialects.reader(file, style.delimiter, style.quoting)
        ended = 0
        try:
            for record in islice(reader, int(style.header), None):
                if len(record) == style.width:
                    yield record
                elif record and ragged == "keep":
                    missing = style.width - len(record)
                    yield record[: style.width] + [""] * missing
                elif record and ragged == "error":
                    raise _uneven(path, style, record, ended + 1)
                ended = reader.line_num
        except csv.Error as error:
            raise DataError(
                f"A field holds at most 64 million characters and its quotes close. "
                f"Received: {path}, line {ended + 1}: {error}. "
                "If quotes are ordinary characters in this file, read it with "
                "quoting=False."
            ) from error
        except encodings.BROKEN_GZIP as error:
            raise encodings.broken_gzip(path) from error


def _uneven(path: Path, style: Dialect, record: list[str], line: int) -> DataError:
    shown = style.delimiter.join(record)[:60]
    return DataError(
        f"Every record of {path} has {style.width} fields (delimiter "
        f"{style.delimiter!r}, {'quoted' if style.quoting else 'no quoting'}). "
        f"Received: line {line} with {len(record)}: {shown!r}. Correct it, or read "
        "with ragged='skip' to leave such records out, ragged='keep' to fill or cut "
        "them; delimiter and quoting can be given too."
    )


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with encodings.open_text(path, encoding) as file:
        try:
            yield from file
        except encodings.BROKEN_GZIP as error:
            raise encodings.broken_gzip(path) from error


def _json_lines(path: Path, encoding: str) -> Objects:
    for number, line in enumerate(_lines(path, encoding), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise _not_object(path, number, line) from error
        if not isinstance(row, dict):
            raise _not_object(path, number, line)
        yield f"line {number}", row


def _not_object(path: Path, number: int, line: str) -> DataError:
    return DataError(
        "Each line of a JSONL file is one JSON object. "
        f"Received: {path}, line {number}: {line.strip()[:60]!r}. Correct that line."
    )


def _json_list(path: Path, encoding: str) -> Objects:
    try:
        rows = json.loads("".join(_lines(path, encoding)))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            f"A JSON file is a list of objects. Received: {path}: {error}. "
            "Correct it, or write one object a line."
        ) from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"A JSON file is a list of objects. Received: {path}, item {number}: "
                f'{str(row)[:60]!r}. Give every item the form {{"text": …}}.'
            )
        yield f"item {number}", row


def _parquet_file(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            f"Parquet files need the package pyarrow. Received: {path}. "
            "Install it with `pip install pyarrow`."
        ) from error
    source: Path | io.BytesIO = path
    try:
        if encodings.is_gzip(path):
            with encodings.open_bytes(path) as file:
                source = io.BytesIO(file.read())
        return pyarrow.parquet.ParquetFile(source)
    except encodings.BROKEN_GZIP as error:
        raise encodings.broken_gzip(path) from error
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            f"A name that ends in .parquet is a Parquet file. Received: {path}, "
            "which is not one, or is cut. Rename it, or write it again."
        ) from error
