"""JSON and JSON lines files for prediction, by the rules of standard input.

Training reads a value that is missing as an empty text, and the audit counts it. Here
it is an error that names the line: an answer to it would look like one to a text.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfnlp.cli.io import row_streams
from tfnlp.data import readers
from tfnlp.data.datasets import named_sets
from tfnlp.data.files import tables
from tfnlp.data.files.columns import ColumnNames, select
from tfnlp.errors import DataError

_FORMATS = ("jsonl", "tokens")


def holds(source: str, columns: ColumnNames, format: str | None = None) -> bool:
    """Whether a source is a file of JSON objects with one key for each column.

    Annotated texts and semantic roles are not: their fields are derived from others.

    Args:
        columns: field → column; lists of words and annotated texts differ in them.
        format: how the file is written, if that is known.

    Example:
    >>> holds("reviews.csv", {"text": "text"})
    False
    """
    path = Path(source).expanduser()
    if named_sets.is_named(source) or not path.is_file():
        return False
    return readers.format_of(path, columns, format) in _FORMATS


def rows(
    source: str,
    columns: ColumnNames,
    *,
    encoding: str | None = None,
    numbers: Mapping[str, type] = row_streams.NO_NUMBERS,
) -> Iterator[dict[str, Any]]:
    """Reads rows without ever holding all of them, unless they are one JSON list.

    Args:
        columns: field → column; see `tfnlp.read`.
        encoding: of the file, detected if not given.
        numbers: fields that hold numbers; see `row_streams.rows`.

    Raises:
        DataError: the file is empty or no text; when rows are read also: a line is
            no JSON object, or has a value of another type.
        SchemaError: none of the first 1,000 objects has a column; when rows are read
            also: one of them lacks it.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new.jsonl"
    >>> _ = path.write_text('{"review": "so good", "id": 7}')
    >>> list(rows(str(path), {"text": "review"}))
    [{'text': 'so good'}]
    """
    path = Path(source).expanduser()
    table = tables.json_lines(path, encoding=encoding)
    if not table.width:
        raise DataError(
            f"A file of rows holds at least one row. Received: {path}, whose JSON has "
            "no object with a field. Check how it was written."
        )
    places = select(columns, table)
    names = {
        field: [table.names[k] for k in picked] for field, picked in places.items()
    }
    read = tables.json_objects(path, encoding=encoding)
    return row_streams.typed(_found(path, read(), names, columns), numbers)


def _found(
    path: Path,
    objects: Iterator[tuple[str, dict[str, Any]]],
    names: Mapping[str, list[str]],
    columns: ColumnNames,
) -> row_streams.Found:
    for place, row in objects:
        where = f"in {path}, {place}"
        yield where, {f: row_streams.picked(row, f, names[f], where) for f in columns}
