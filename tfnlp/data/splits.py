"""Rows into train, valid and test: by hash, so the same text is always in one split.

Nothing is stored and nothing is counted beforehand: where a row belongs follows
from the row itself, on every machine, in any order, also when rows are added.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.audit import findings
from tfnlp.data.rows import CHUNK, column_batches, keep
from tfnlp.errors import DataError, UsageError
from tfnlp.specs import Rows, check_fields

SHARES = (0.8, 0.1, 0.1)
_BUCKETS = 2**40
SplitOf = Callable[[dict[str, tf.Tensor]], tf.Tensor]


def by_hash(
    rows: Rows,
    shares: Sequence[float] = SHARES,
    *,
    field: str | Sequence[str] = "text",
    seed: int | str = 0,
    even: bool = False,
    noun: str = "text",
) -> tuple[Rows, ...]:
    """Splits rows by a hash of one or more fields; equal values stay together.

    Where a split of few rows in memory would be empty, the splits are cut from the
    texts in the order of their hashes instead, so that each gets at least one.

    Args:
        shares: how much each split gets, about; they sum to one.
        field: text field, or several: rows are only torn apart if one differs.
        seed: another one gives another split.
        even: whether splits hold their share of the values to the nearest one, also
            of few; rows are then read once, and those that are added move others.
        noun: what the values are, for errors.

    Raises:
        SchemaError: there is no such field.
        DataError: rows in memory have fewer different texts than there are splits.
        UsageError: shares do not sum to one.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": f"film {number}"} for number in range(50)])
    >>> train, test = by_hash(rows, (0.8, 0.2))
    >>> sum(1 for _ in train) + sum(1 for _ in test)
    50
    """
    places = cumulated(shares)
    check_fields(rows, _names(field))
    marks = np.round(places * _BUCKETS).astype(np.int64)
    sizes = [-1] * len(shares)
    if even or rows.cardinality() >= 0:
        buckets = _buckets(rows, field, seed)
        sizes = _cut_sizes(buckets, marks)
        if even or 0 in sizes:
            texts = np.unique(buckets)
            if len(texts) < len(shares):
                raise _too_few(rows, buckets, len(shares), _names(field), noun)
            marks = _ranked_marks(texts, places)
            sizes = _cut_sizes(buckets, marks)

    def split_of(row: dict[str, tf.Tensor]) -> tf.Tensor:
        return _places(_bucket(row, field, seed), marks)

    return _splits_of(rows, split_of, sizes)


def stratified(
    rows: Rows,
    shares: Sequence[float] = SHARES,
    *,
    label: str = "label",
    field: str | Sequence[str] = "text",
    seed: int | str = 0,
) -> tuple[Rows, ...]:
    """Splits like `by_hash`, but with the same shares within every label.

    Reads all rows once and keeps one number a row. The same text is only torn
    apart where it carries different labels.

    Raises:
        SchemaError: there is no such field.
        DataError: a split of rows in memory is empty.
        UsageError: shares do not sum to one.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": str(n), "label": "ab"[n % 2]} for n in range(20)])
    >>> [sum(1 for _ in split) for split in stratified(rows, (0.5, 0.5))]
    [10, 10]
    """
    shares_seen = cumulated(shares)
    check_fields(rows, [*_names(field), label])
    names, marks = _marks(rows, shares_seen, label, field, seed)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(names, tf.range(len(names))), 0
    )

    def split_of(row: dict[str, tf.Tensor]) -> tf.Tensor:
        mine = tf.gather(marks, table.lookup(row[label]))
        return _places(_bucket(row, field, seed), mine)

    return _splits_of(rows, split_of, _sizes(rows, split_of, len(shares)))


def cumulated(shares: Sequence[float]) -> np.ndarray:
    """Where each share but the last ends, float64 [splits - 1].

    Raises:
        UsageError: shares do not sum to one, or one is not positive.

    Example:
    >>> cumulated((0.5, 0.25, 0.25)).tolist()
    [0.5, 0.75]
    """
    if not shares or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise UsageError(
            "Shares of a split are positive and sum to one. "
            f"Received: {tuple(shares)}. Give for example (0.8, 0.1, 0.1)."
        )
    return np.cumsum(shares)[:-1]


def _names(field: str | Sequence[str]) -> list[str]:
    return [field] if isinstance(field, str) else list(field)


def _bucket(
    row: dict[str, tf.Tensor], field: str | Sequence[str], seed: int | str
) -> tf.Tensor:
    texts = [_text(row[name]) for name in _names(field)]
    text = tf.strings.join([tf.fill(tf.shape(texts[0]), str(seed)), *texts], "\0")
    return tf.strings.to_hash_bucket_fast(text, _BUCKETS)  # [B]


def _text(values: tf.Tensor) -> tf.Tensor:
    """Values as strings: a number, such as that of a document, as it is written."""
    values = tf.convert_to_tensor(values)
    return values if values.dtype == tf.string else tf.strings.as_string(values)


def _buckets(rows: Rows, field: str | Sequence[str], seed: int | str) -> np.ndarray:
    """The bucket of every row, int64 [N]."""
    hashed = rows.batch(CHUNK).map(lambda row: {"bucket": _bucket(row, field, seed)})
    found = [batch["bucket"] for batch in column_batches(hashed.unbatch())]
    return np.concatenate([np.zeros(0, np.int64), *found])


def _cut_sizes(buckets: np.ndarray, marks: np.ndarray) -> list[int]:
    """How many rows each split gets."""
    places = np.searchsorted(marks, buckets, side="right")
    return np.bincount(places, minlength=len(marks) + 1).tolist()


def _ranked_marks(texts: np.ndarray, cumulated: np.ndarray) -> np.ndarray:
    """Buckets at which few texts are cut, so that every split gets at least one."""
    splits = len(cumulated) + 1
    first = np.arange(1, splits)  # one text or more before each mark …
    last = len(texts) - first[::-1]  # … and behind it
    ends = np.round(cumulated * len(texts)).astype(int)
    ends = np.maximum.accumulate(np.maximum(ends - first, 0)) + first
    return texts[np.minimum(ends, last)]


def _too_few(
    rows: Rows, buckets: np.ndarray, splits: int, names: Sequence[str], noun: str
) -> DataError:
    count, different = len(buckets), len(np.unique(buckets))
    if noun == "text" and count and not any(map(_says_something, _values(rows, names))):
        return DataError(findings.all_empty(count))
    return DataError(
        f"Every split holds at least one row, and equal {noun}s stay "
        f"together: {splits} splits need {splits} different {noun}s. "
        f"Received: {findings.plural(count)} with {findings.plural(different, noun)}. "
        f"Check that the column of the {noun} is the right one. Else give more rows, "
        "or a file of its own for each split."
    )


def _says_something(value: Any) -> bool:
    return not isinstance(value, bytes) or bool(value.strip())


def _values(rows: Rows, names: Sequence[str]) -> Iterator[Any]:
    for batch in column_batches(rows):
        for name in names:
            yield from batch[name]


def _places(buckets: tf.Tensor, marks: tf.Tensor) -> tf.Tensor:
    """The split of each bucket: how many marks are not above it, int32 [B]."""
    return tf.reduce_sum(tf.cast(buckets[:, None] >= marks, tf.int32), axis=1)


def _splits_of(rows: Rows, split_of: SplitOf, sizes: Sequence[int]) -> tuple[Rows, ...]:
    def part(mine: int) -> Rows:
        return keep(rows, lambda row: split_of(row) == mine, sizes[mine])

    return tuple(part(mine) for mine in range(len(sizes)))


def _sizes(rows: Rows, split_of: SplitOf, count: int) -> list[int]:
    """How many rows each split gets, where all are in memory; else -1."""
    if rows.cardinality() < 0:
        return [-1] * count
    splits = rows.batch(CHUNK).map(lambda row: {"split": split_of(row)}).unbatch()
    found = [batch["split"] for batch in column_batches(splits)]
    sizes = np.bincount(np.concatenate(found), minlength=count).tolist()
    if 0 in sizes:
        raise DataError(
            "Every split holds at least one row. Received: "
            f"{sum(sizes):,} rows, which fall as {sizes}. Equal texts stay together: "
            "check that the column of the text is the right one and not empty. Else "
            "give more rows, another seed, or a file of its own for each split."
        )
    return sizes


def _marks(
    rows: Rows,
    shares: np.ndarray,
    label: str,
    field: str | Sequence[str],
    seed: int | str,
) -> tuple[list[bytes], np.ndarray]:
    """For each label, the buckets at which one split ends and the next begins."""
    buckets: dict[bytes, set[int]] = {}
    for batch in column_batches(rows):
        found = _bucket(batch, field, seed).numpy().tolist()
        for name, bucket in zip(batch[label], found, strict=True):
            buckets.setdefault(name, set()).add(bucket)
    marks = []
    for mine in buckets.values():
        ordered = [*sorted(mine), _BUCKETS]
        places = np.round(shares * len(mine)).astype(int)
        marks.append([ordered[place] for place in places])
    return list(buckets), np.array(marks, np.int64)
