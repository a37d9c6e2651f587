"""Long texts for language models: lines in order, and cut by place instead of hash.

A row is a line or a document that ends with a line feed; all rows one after the
other are the text. How it becomes ids and blocks is a task's work.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data import splits
from tfnlp.data.audit.findings import plural
from tfnlp.data.files.columns import Column
from tfnlp.data.readers import read, splits_of
from tfnlp.data.rows import CHUNK, column_batches, columns_of, without_autotune
from tfnlp.data.train_valid_test import Splits
from tfnlp.errors import DataError
from tfnlp.specs import Rows

SHARES = (0.9, 0.05, 0.05)
"""How much of one text is trained on, chosen by and tested on."""


def read_streams(
    train: str | Path,
    *,
    text: Column = "text",
    valid: str | Path | None = None,
    test: str | Path | None = None,
    shares: tuple[float, float, float] = SHARES,
    **options: Any,
) -> Splits:
    """Reads texts as rows of `text` in their order, each ending with a line feed.

    Splits that are not given are the named splits of ``train`` if it has some;
    otherwise they are cut off its end, so that no text is torn apart but at a line.

    Args:
        train: a text file, which is read line by line, or any other source.
        text: column of the text, where the source has columns.
        valid: source of the text that early stopping looks at.
        test: source of the text that is only tested on.
        shares: of train, valid and test in characters; those that are given as
            sources count as train.
        options: how files are written; see `tfnlp.data.readers.read`.

    Raises:
        DataError: a file cannot be read, or is too short to be cut.
        SchemaError: a column is missing.
        UsageError: shares are not three that sum to one.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "play.txt"
    >>> _ = path.write_text("\\n".join(f"line {n:02}" for n in range(100)))
    >>> splits = read_streams(path)
    >>> len(splits.train), next(splits.test.as_numpy_iterator())
    (90, {'text': b'line 95\\n'})
    """
    splits.cumulated(shares)  # before anything is read
    named = splits_of(train)
    named = named if "train" in named else ()

    def read_split(name: str, given: str | Path | None) -> Rows | None:
        if given is None and name not in named:
            return None
        split = None if given is not None else name
        return ended(read(given or train, {"text": text}, split=split, **options))

    rest = read_split("train", None)
    if rest is None:
        rest = ended(read(train, {"text": text}, **options))
    found = {"valid": read_split("valid", valid), "test": read_split("test", test)}
    missing = [name for name, rows in found.items() if rows is None]
    if missing:
        cut = [
            share
            for name, share in zip(found, shares[1:], strict=True)
            if name in missing
        ]
        rest, *parts = by_place(rest, (1 - sum(cut), *cut))
        found.update(zip(missing, parts, strict=True))
    return Splits(rest, found["valid"], found["test"])


def ended(rows: Rows, field: str = "text") -> Rows:
    """Rows whose texts all end with a line feed; one is added where there is none.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = ended(from_list([{"text": "To be,"}, {"text": ""}]))
    >>> [row["text"] for row in rows.as_numpy_iterator()]
    [b'To be,\\n', b'\\n']
    """

    def change(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        text = tf.strings.regex_replace(batch[field], r"\n\z", "")
        return {**batch, field: tf.strings.join([text, "\n"])}

    if rows.cardinality() < 0:
        return without_autotune(rows.batch(CHUNK).map(change).unbatch())
    return without_autotune(
        tf.data.Dataset.from_tensor_slices(change(columns_of(rows)))
    )


def by_place(
    rows: Rows, shares: Sequence[float] = SHARES, *, field: str = "text"
) -> tuple[Rows, ...]:
    """Cuts rows where they stand: the first share, the next, the last.

    Reads all rows once. A cut is made between the two rows where it is nearest to
    its place, and so that each part gets a row.

    Args:
        shares: how much each part gets, in characters; they sum to one.
        field: the text that is counted.

    Raises:
        DataError: a part would have no row.
        UsageError: shares do not sum to one.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"text": letter} for letter in "abcdefghij"])
    >>> [len(part) for part in by_place(rows, (0.5, 0.3, 0.2))]
    [5, 3, 2]
    """
    edges = [0, *_cuts(_sizes(rows, field), splits.cumulated(shares))]
    counts = np.diff(edges).tolist()
    return tuple(
        without_autotune(
            rows.skip(start)
            .take(count)
            .apply(tf.data.experimental.assert_cardinality(count))
        )
        for start, count in zip(edges[:-1], counts, strict=True)
    )


def _cuts(sizes: np.ndarray, places: np.ndarray) -> list[int]:
    """How many rows stand before the end of each part."""
    parts = len(places) + 1
    if len(sizes) < parts:
        raise DataError(
            f"A text that is cut into {parts} parts has a line for each. Received: "
            f"{plural(len(sizes), 'line')}. Break it into lines, or give a file of its "
            "own for each part."
        )
    ends = np.concatenate([[0], np.cumsum(sizes)])
    first = np.arange(1, parts)  # one row or more before each cut …
    last = len(sizes) - first[::-1]  # … and behind it
    marks = places * ends[-1]
    near = [int(np.abs(ends - mark).argmin()) for mark in marks]
    cuts = np.maximum.accumulate(np.maximum(np.array(near, int) - first, 0)) + first
    return [*np.minimum(cuts, last).tolist(), len(sizes)]


def _sizes(rows: Rows, field: str) -> np.ndarray:
    """Characters of each row, int64 [N]."""
    measured = rows.batch(CHUNK).map(
        lambda batch: {"size": tf.strings.length(batch[field], unit="UTF8_CHAR")}
    )
    found = [batch["size"] for batch in column_batches(measured.unbatch())]
    return np.concatenate([np.zeros(0, np.int64), *found])
