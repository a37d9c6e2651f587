"""Input format detection of standard input: a table, JSON lines, or plain texts.

Detected from the beginning, as `tfnlp.data.files.dialect` does it for a file. What may
be a table but has none of the required columns is an error: a table answered line by
line would look like success.
"""

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from tfnlp.data.files import dialect as dialects
from tfnlp.data.files.columns import ColumnNames, named
from tfnlp.data.files.dialect import Dialect
from tfnlp.errors import SchemaError, UsageError

_STREAMED = ("csv", "jsonl", "lines")
_JSON_STARTS = re.compile(r'(\{\s*("|\}|$)|\[\s*(\{|$))')
_NO_DELIMITER = "\x1f"  # a table of one column has none
_EVEN = 0.9  # share of equally wide records that make a table
_PROSE = 0.5  # share of delimiters before a space that make prose


@dataclass(frozen=True)
class Form:
    """What flags say about the input format; what is None is detected."""

    format: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    quoting: bool | None = None
    ragged: Literal["error", "skip", "keep"] = "error"
    chosen: bool = False
    """Whether flags name the columns."""

    def __post_init__(self) -> None:
        if self.format not in (None, *_STREAMED):
            raise UsageError(
                f"Standard input holds {', '.join(_STREAMED)}. "
                f"Received: --format {self.format}. Give the file with --data."
            )

    @property
    def tabular(self) -> bool:
        """Whether a flag is given that only tables have."""
        given = (self.delimiter, self.header, self.quoting)
        return self.format == "csv" or any(value is not None for value in given)

    def detect(self, text: str, wanted: Sequence[str], *, whole: bool) -> Dialect:
        """The dialect of a table, where one of the wanted names may be all there is."""
        alone = _first_line(text).strip('"') in wanted
        return dialects.detect(
            text,
            whole=whole,
            wanted=wanted,
            delimiter=self.delimiter or (_NO_DELIMITER if alone else None),
            header=self.header,
            quoting=self.quoting,
        )


def detect_format(
    text: str, columns: ColumnNames, form: Form, *, whole: bool
) -> Dialect | Literal["jsonl", "lines"]:
    r"""Detects the input format: a table of some dialect, JSON lines or lines.

    Args:
        text: the beginning.
        columns: field → column.
        whole: whether the beginning is all there is.

    Raises:
        SchemaError: this is a table without the required columns.

    Example:
    >>> detect_format("good\nbad, really\n", {"text": "text"}, Form(), whole=True)
    'lines'
    >>> detect_format("id;text\n1;good\n", {"text": "text"}, Form(), whole=True).names
    ('id', 'text')
    """
    if form.format == "lines" and len(columns) > 1:
        raise SchemaError(
            f"A line is one text, but a row has the fields {', '.join(columns)}. "
            "Received: --format lines. Send JSON lines, or a table."
        )
    text = text.lstrip("\r\n")
    if form.format == "lines":
        return "lines"
    if form.format == "jsonl" or (not form.tabular and _is_json(text, columns)):
        return "jsonl"
    style = form.detect(text, named(columns), whole=whole)
    if form.chosen or (style.header and set(columns) & set(style.names)):
        return style
    style = form.detect(text, (), whole=whole)
    if form.tabular or len(columns) > 1 or _is_table(text, style):
        raise _unclear(columns, style, text)
    return "lines"


def names_in(
    text: str, form: Form, wanted: Sequence[str], *, whole: bool
) -> tuple[str, ...]:
    r"""The names that the first row has: keys of JSON, columns of a table.

    Args:
        text: the beginning.
        form: what flags say about it.
        wanted: names that make a line a header.
        whole: whether the beginning is all there is.

    Example:
    >>> names_in('{"tokens": ["so"]}', Form(), ["text"], whole=True)
    ('tokens',)
    >>> names_in("id;text\n1;good\n", Form(), ["text"], whole=True)
    ('id', 'text')
    """
    text = text.lstrip("\r\n")
    if form.format == "lines":
        return ()
    if form.format == "jsonl" or (not form.tabular and text.startswith("{")):
        try:
            value: Any = json.loads(_first_line(text))
        except ValueError:
            return ()  # the reader of rows reports what is wrong with it
        return tuple(value) if isinstance(value, dict) else ()
    style = form.detect(text, wanted, whole=whole)
    return style.names if style.header else ()


def _first_line(text: str) -> str:
    return next(iter(io.StringIO(text, newline="")), "").strip()


def _is_json(text: str, columns: ColumnNames) -> bool:
    first = _first_line(text)
    if _JSON_STARTS.match(first):
        return True
    try:  # a line that is one JSON string, unless it is a quoted name of a column
        value: Any = json.loads(first) if first.startswith('"') else None
    except ValueError:
        return False
    return isinstance(value, str) and value.strip() not in named(columns)


def _is_table(text: str, style: Dialect) -> bool:
    """Whether lines look like records of a table, not like texts."""
    lines = io.StringIO(text[: text.rfind("\n") + 1] or text, newline="")
    read = dialects.reader(lines, style.delimiter, style.quoting)
    records = list(islice(filter(None, read), 200))
    cells = [cell for record in records for cell in record[1:]]
    spaced = sum(cell.startswith(" ") for cell in cells) / max(len(cells), 1)
    if style.delimiter in ",;" and spaced >= _PROSE:
        return False
    if len(records) == 1 or style.width == 1:
        return dialects.detect_header(records[:1])
    even = sum(len(record) == style.width for record in records) / len(records)
    return even >= _EVEN


def _unclear(columns: ColumnNames, style: Dialect, text: str) -> SchemaError:
    first = next(iter(columns))
    if style.names:
        received = f"columns {', '.join(map(repr, style.names[:20]))}"
        example = style.names[0]
    else:
        line = _first_line(text)[:60]
        received = f"{style.width} columns without names, as in {line!r}"
        example = "1"
    lines = " If every line is one text: --format lines." if len(columns) == 1 else ""
    return SchemaError(
        f"A table on standard input has the columns {', '.join(map(repr, columns))}, "
        f"or the flag --column names others. Received: {received} (delimiter "
        f"{style.delimiter!r}). Choose by name or by number counted from 1, as in "
        f"--column {first}={example}.{lines}"
    )
