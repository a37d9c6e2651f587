"""Rows to train on, to choose by and to test on, from whatever a user has.

A set with named splits is used as it was cut. A single file is cut by hash, so
that the same text always falls into the same split.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tfnlp.data import splits
from tfnlp.data.files.columns import ColumnNames
from tfnlp.data.readers import read, splits_of
from tfnlp.specs import Rows


class Splits(NamedTuple):
    """The three parts of a data set."""

    train: Rows
    valid: Rows
    test: Rows

    def map(self, change: Callable[[Rows], Rows]) -> "Splits":
        """The same change made to each split."""
        return Splits(*(change(rows) for rows in self))


class Source(NamedTuple):
    """What `read` reads, and the split of it where it comes with splits."""

    where: str | Path
    split: str | None = None


def read_splits(
    train: str | Path,
    columns: ColumnNames,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    test_columns: ColumnNames | None = None,
    fields: tuple[str, ...] = ("text",),
    seed: int = 0,
    **options: Any,
) -> Splits:
    """Reads up to three sources as rows to train on, to choose by and to test on.

    Splits that are not given are the named splits of ``train`` if it has some (a
    set of TensorFlow Datasets, a built-in one); otherwise tenths of its rows,
    chosen by a hash of the text fields.

    Args:
        train: source of the rows to train on; see `read`.
        columns: field → column.
        valid: source of the rows that early stopping looks at.
        test: source of the rows that are only tested on.
        test_columns: columns of ``test`` where they differ.
        fields: text fields, which keep equal texts in one split.
        seed: of the hash; another one cuts other tenths.
        options: how files are written; see `read`.
    """
    named = splits_of(train)
    named = named if "train" in named else ()  # else one split is cut into three

    def source(name: str, given: str | Path | None) -> Source | None:
        if given is not None:
            return Source(given)
        return Source(train, name) if name in named else None

    def read_split(source: Source, columns: ColumnNames) -> Rows:
        return read(source.where, columns, split=source.split, **options)

    rest = read_split(source("train", None) or Source(train), columns)
    found: dict[str, Rows] = {}
    if chosen := source("valid", valid):
        found["valid"] = read_split(chosen, columns)
    if tested := source("test", test):
        found["test"] = read_split(tested, {**columns, **(test_columns or {})})
    missing = [name for name in ("valid", "test") if name not in found]
    if missing:
        shares = (1.0 - 0.1 * len(missing), *(0.1 for _ in missing))
        rest, *cut = splits.by_hash(rest, shares, field=fields, seed=seed)
        found.update(zip(missing, cut, strict=True))
    return Splits(rest, found["valid"], found["test"])
