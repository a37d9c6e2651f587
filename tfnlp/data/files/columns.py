"""Which columns of a table become which fields of a row.

A column is a name, a number counted from 1 (as in `cut -f`), or several of them
joined with `+`, whose values are joined with one space.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfnlp.errors import SchemaError, nearest

Column = str | int
ColumnNames = Mapping[str, Column]
"""Field of a row → column of the source."""


@dataclass(frozen=True)
class Table:
    """A source understood: its columns, and how to read its records again."""

    where: str
    """What messages call it."""
    names: tuple[str, ...]
    """Names of the columns; empty if they only have numbers."""
    width: int
    records: Callable[[], Iterator[Sequence[Any]]]
    """Reads all records from the start, each as long as the width."""
    small: bool = True
    """Whether all records may be held in memory."""


def parts(column: Column, names: Sequence[str]) -> tuple[str, ...]:
    """Takes a column apart at `+`, unless that is its very name.

    Example:
    >>> parts("title+text", ["title", "text"]), parts("c+", ["c+"])
    (('title', 'text'), ('c+',))
    """
    whole = str(column)
    if whole in names:
        return (whole,)
    return tuple(part.strip() for part in whole.split("+"))


def named(columns: ColumnNames) -> tuple[str, ...]:
    """The names among the columns, without those that are numbers.

    Example:
    >>> named({"text": "2+3", "label": "class"})
    ('class',)
    """
    every = [part for column in columns.values() for part in parts(column, ())]
    return tuple(part for part in every if not part.isdecimal())


def select(
    columns: ColumnNames, table: Table, *, optional: Sequence[str] = ()
) -> dict[str, tuple[int, ...]]:
    """Finds the positions that each field is made of.

    Args:
        optional: fields that are left out where the table lacks their column.

    Raises:
        SchemaError: a column that is needed is not there.
    """
    found = {}
    for field, column in columns.items():
        wanted = parts(column, table.names)
        if field in optional and not all(_has(part, table) for part in wanted):
            continue
        found[field] = tuple(_position(part, field, table) for part in wanted)
    return found


def as_text(value: Any, separator: str = ",") -> str:
    """Writes a value of a file as the string that a row carries.

    Nothing at all becomes the empty string, which the audit counts.

    Example:
    >>> as_text(1), as_text(True), as_text(None), as_text(["joy", "fear"])
    ('1', 'true', '', 'joy,fear')
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return separator.join(as_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _has(part: str, table: Table) -> bool:
    if part in table.names:
        return True
    return part.isdecimal() and 1 <= int(part) <= table.width


def _position(part: str, field: str, table: Table) -> int:
    if part in table.names:
        return table.names.index(part)
    if not part.isdecimal():
        raise _no_such_name(part, field, table)
    if not 1 <= int(part) <= table.width:
        raise SchemaError(
            f"A column number is between 1 and {table.width} in {table.where}. "
            f"Received: {part} for field {field!r}. Columns count from 1, "
            f"as in `cut -f`.{_listed(table)}"
        )
    return int(part) - 1


def _no_such_name(part: str, field: str, table: Table) -> SchemaError:
    if not table.names:
        return SchemaError(
            f"{table.where} has no header line, so its {table.width} columns go by "
            f"number. Received: {part!r} for field {field!r}. "
            "Give a number counted from 1, or say that there is a header."
        )
    return SchemaError(
        f"{table.where} has no column {part!r}, which field {field!r} needs."
        f"{_listed(table)}{nearest(part, table.names)} "
        f"Name one of them, or give its number counted from 1."
    )


def _listed(table: Table) -> str:
    if not table.names:
        return ""
    shown = ", ".join(repr(name) for name in table.names[:20])
    rest = len(table.names) - 20
    return f" Received columns: {shown}{f' and {rest} more' if rest > 0 else ''}."
