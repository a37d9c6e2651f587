"""Tables as rows: a small one is held in memory, a large one is read as a stream.

A stream is read again every epoch, in chunks, because a Python call for every row
costs more than the reading. Datasets made here have autotuning switched off:
closing an autotuned iterator can wait for seconds.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.files.columns import Table, as_text
from tfnlp.errors import DataError, SchemaError
from tfnlp.specs import Rows

CHUNK = 1024
"""Records that cross from Python to TensorFlow at once."""

HELD = 2_000_000
"""Rows that `held` takes into memory at most."""

Separator = str | Mapping[str, str]
"""What joins the items of a list; of each field, if fields differ."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def without_autotune(rows: tf.data.Dataset) -> tf.data.Dataset:
    """Switches autotuning off and keeps the order of rows.

    Example:
    >>> without_autotune(tf.data.Dataset.range(3)).options().autotune.enabled
    False
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return rows.with_options(options)


def from_table(
    table: Table, picked: Mapping[str, tuple[int, ...]], *, separator: Separator = ","
) -> Rows:
    """Turns a table into rows of strings.

    Args:
        picked: field → positions of the columns whose values are joined.
        separator: joins the items of a value that is a list; spaces do, where
            fields differ and this one has none.

    Raises:
        DataError: the table is small and holds no record, or a broken one.
    """

    joins = {
        field: separator if isinstance(separator, str) else separator.get(field, " ")
        for field in picked
    }

    def chunks() -> Iterator[dict[str, np.ndarray]]:
        records = table.records()
        while chunk := list(islice(records, CHUNK)):
            yield {
                field: _encoded(_joined(chunk, places, joins[field]))
                for field, places in picked.items()
            }

    if table.small:
        return _in_memory(list(chunks()), table.where)
    signature = {field: tf.TensorSpec([None], tf.string) for field in picked}
    stream = tf.data.Dataset.from_generator(chunks, output_signature=signature)
    return without_autotune(stream.prefetch(2).unbatch())


def from_list(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Makes rows of Python dictionaries, all with the same fields.

    Raises:
        DataError: the list is empty.
        SchemaError: a dictionary has other fields than the first.

    Example:
    >>> rows = from_list([{"text": "a good film", "label": "pos"}])
    >>> [row["text"] for row in rows.as_numpy_iterator()]
    [b'a good film']
    """
    if not rows:
        raise DataError("Rows hold at least one row. Received: an empty list.")
    for number, row in enumerate(rows, start=1):
        if row.keys() != rows[0].keys():
            raise SchemaError(
                f"All rows have the fields of the first: {', '.join(rows[0])}. "
                f"Received: row {number} with {', '.join(row) or 'none'}. "
                "Give every row the same fields."
            )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return without_autotune(
        tf.data.Dataset.from_tensor_slices(
            {name: _column(values) for name, values in columns.items()}
        )
    )


def keep(
    rows: Rows, wanted: Callable[[dict[str, tf.Tensor]], tf.Tensor], count: int = -1
) -> Rows:
    """Keeps the rows that are wanted; about five times as fast as `Dataset.filter`.

    Args:
        wanted: in graph, from fields of shape [B] to bool [B].
        count: how many rows that leaves, if it is known.

    Example:
    >>> rows = from_list([{"label": "a"}, {"label": "b"}])
    >>> sum(1 for _ in keep(rows, lambda row: row["label"] == "a"))
    1
    """

    def cut(chunk: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        mask = wanted(chunk)
        return {name: tf.boolean_mask(chunk[name], mask) for name in chunk}

    left = rows.batch(CHUNK).map(cut).unbatch()
    if count >= 0:
        left = left.apply(tf.data.experimental.assert_cardinality(count))
    return without_autotune(left)


def column_batches(rows: Rows, size: int = 4096) -> Iterator[dict[str, np.ndarray]]:
    """Reads rows in Python, many at once: field → array of bytes or numbers.

    Raises:
        DataError: a record of a stream is broken; TensorFlow hides our error in
            its own, here it is itself again.
    """
    try:
        yield from without_autotune(rows.batch(size)).as_numpy_iterator()
    except tf.errors.OpError as error:
        found = re.search(r"(?:Data|Schema)Error: (.+)", error.message)
        if found is None:
            raise
        raise DataError(found[1]) from error


def columns_of(rows: Rows) -> dict[str, np.ndarray]:
    """Reads all rows into memory: field → array of bytes or numbers.

    Raises:
        DataError: there is no row, or a broken one.

    Example:
    >>> columns_of(from_list([{"text": "a", "id": 1}, {"text": "b", "id": 2}]))["id"]
    array([1, 2], dtype=int32)
    """
    batches = list(column_batches(rows))
    if not batches:
        raise DataError("Rows hold at least one row. Received: none. Check the file.")
    return {
        name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]
    }


def digest(rows: Rows) -> str:
    """Fingerprint of rows: reads them all, in order.

    Raises:
        DataError: a record is broken.

    Example:
    >>> first, same, other = (from_list([{"text": text}]) for text in "aab")
    >>> digest(first) == digest(same), digest(first) == digest(other)
    (True, False)
    """
    found = hashlib.sha256()
    for batch in column_batches(rows):
        for name, values in sorted(batch.items()):
            found.update(f"{name} {values.dtype} {values.shape}\n".encode())
            if values.dtype != object:
                found.update(values.tobytes())
                continue
            flat = values.ravel().tolist()
            found.update(np.array([len(value) for value in flat], np.int64).tobytes())
            found.update(b"".join(flat))
    return found.hexdigest()[:16]


def held(rows: Rows) -> Rows:
    """Holds up to `HELD` rows in memory, to read them again at no cost.

    More of them, or a stream of unknown length, stay as they are.

    Raises:
        DataError: there is no row, or a broken one.

    Example:
    >>> read = tf.data.Dataset.range(2).map(lambda n: {"text": tf.strings.as_string(n)})
    >>> [row["text"] for row in held(read).as_numpy_iterator()]
    [b'0', b'1']
    """
    if not 0 <= rows.cardinality() <= HELD:
        return rows
    return without_autotune(tf.data.Dataset.from_tensor_slices(columns_of(rows)))


def _in_memory(chunks: Sequence[Mapping[str, np.ndarray]], where: str) -> Rows:
    if not chunks:
        raise DataError(
            f"A file of rows holds at least one row. Received: {where}, "
            "which has none, only a header perhaps. Check how it was written."
        )
    columns = {
        field: np.concatenate([chunk[field] for chunk in chunks]) for field in chunks[0]
    }
    return without_autotune(tf.data.Dataset.from_tensor_slices(columns))


def _joined(
    chunk: Sequence[Sequence[Any]], places: Sequence[int], separator: str
) -> list[str]:
    if len(places) == 1:
        place = places[0]
        return [
            value if type(value := record[place]) is str else as_text(value, separator)
            for record in chunk
        ]
    columns = [_joined(chunk, (place,), separator) for place in places]
    return [" ".join(filter(None, values)) for values in zip(*columns, strict=True)]


def _encoded(values: Sequence[str]) -> np.ndarray:
    """UTF-8 as objects, since NumPy's own bytes type drops NULs at the end."""
    try:
        encoded = [value.encode() for value in values]
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON can hold
        encoded = [_SURROGATES.sub("\ufffd", value).encode() for value in values]
    return np.array(encoded, dtype=object)


def _column(values: Sequence[Any]) -> Any:
    if all(isinstance(value, str) for value in values):
        return _encoded(values)
    if all(isinstance(value, bytes) for value in values):
        return np.array(values, dtype=object)
    return tf.convert_to_tensor(values)
