"""Rows to train on, to choose by and to test on, from whatever a user has.

A set with named splits is used as it was cut. A single file is cut by hash, so
that the same text always falls on the same side.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tfnlp.data import splits
from tfnlp.data.columns import Columns
from tfnlp.data.readers import read, splits_of
from tfnlp.specs import Rows


class Sides(NamedTuple):
    """The three parts of a data set."""

    train: Rows
    valid: Rows
    test: Rows

    def map(self, change: Callable[[Rows], Rows]) -> "Sides":
        """The same change made to each side."""
        return Sides(*(change(rows) for rows in self))


def read_sides(
    train: str | Path,
    columns: Columns,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    test_columns: Columns | None = None,
    fields: tuple[str, ...] = ("text",),
    **options: Any,
) -> Sides:
    """Reads up to three sources as rows to train on, to choose by and to test on.

    Sides that are not given are the named splits of ``train`` if it has some (a
    set of TensorFlow Datasets, a built-in one); otherwise tenths of its rows,
    chosen by a hash of the text fields.

    Args:
        train: source of the rows to train on; see `read`.
        columns: field → column.
        valid: source of the rows that early stopping looks at.
        test: source of the rows that are only tested on.
        test_columns: columns of ``test`` where they differ.
        fields: text fields, which keep equal texts on one side.
        options: how files are written; see `read`.
    """
    named = splits_of(train)
    if {"valid", "validation"} & set(named) and valid is None:
        valid = _split(train, "valid" if "valid" in named else "validation")
    if "test" in named and test is None:
        test = _split(train, "test")

    def side(source: str | Path, columns: Columns) -> Rows:
        source, _, split = str(source).partition(_MARK)
        return read(source, columns, split=split or None, **options)

    rest = side(_split(train, "train") if "train" in named else train, columns)
    sides: dict[str, Rows] = {}
    if valid is not None:
        sides["valid"] = side(valid, columns)
    if test is not None:
        sides["test"] = side(test, {**columns, **(test_columns or {})})
    missing = [name for name in ("valid", "test") if name not in sides]
    if missing:
        shares = (1.0 - 0.1 * len(missing), *(0.1 for _ in missing))
        rest, *cut = splits.by_hash(rest, shares, field=fields)
        sides.update(zip(missing, cut, strict=True))
    return Sides(rest, sides["valid"], sides["test"])


_MARK = "\0"


def _split(source: str | Path, name: str) -> str:
    return f"{source}{_MARK}{name}"
