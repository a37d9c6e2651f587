"""Rows made in Python, and rows read back in it."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.rows import CHUNK, column_batches, digest, from_list, keep
from tfnlp.errors import DataError, SchemaError


def test_empty_list_is_refused():
    with pytest.raises(DataError, match="Received: an empty list"):
        from_list([])


def test_row_with_other_fields_is_refused():
    with pytest.raises(SchemaError, match="Received: row 2 with txt"):
        from_list([{"text": "a"}, {"txt": "b"}])


def test_bytes_keep_their_nuls():
    rows = from_list([{"text": b"a\0"}])
    assert next(rows.as_numpy_iterator())["text"] == b"a\0"


def test_keep_crosses_chunks_in_order():
    rows = tf.data.Dataset.range(2 * CHUNK + 1).map(lambda number: {"n": number})
    kept = keep(rows, lambda row: row["n"] % 2 == 0)
    found = [int(row["n"]) for row in kept.as_numpy_iterator()]
    assert found == list(range(0, 2 * CHUNK + 1, 2))


def test_errors_of_others_stay_what_they_are():
    rows = from_list([{"text": "a"}]).map(
        lambda row: {"n": tf.strings.to_number(row["text"])}
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(column_batches(rows))


@pytest.mark.parametrize(
    "other",
    [
        [{"a": "x", "b": "yz", "n": 1}, {"a": "", "b": "", "n": 2}],
        [{"a": "xy", "b": "z", "n": 1}, {"a": "", "b": "", "n": 3}],
        [{"a": "", "b": "", "n": 2}, {"a": "xy", "b": "z", "n": 1}],
        [{"a": "xy", "c": "z", "n": 1}, {"a": "", "c": "", "n": 2}],
        [{"a": "xy", "b": "z", "n": 1}],
    ],
    ids=["border", "number", "order", "name", "fewer"],
)
def test_other_rows_have_another_digest(other):
    rows = [{"a": "xy", "b": "z", "n": 1}, {"a": "", "b": "", "n": 2}]
    assert digest(from_list(rows)) != digest(from_list(other))


def test_the_digest_of_a_stream_is_that_of_the_same_rows_in_memory():
    texts = [str(number) for number in range(5000)]
    stream = tf.data.Dataset.from_generator(
        lambda: ({"text": text} for text in texts),
        output_signature={"text": tf.TensorSpec([], tf.string)},
    )
    held = tf.data.Dataset.from_tensor_slices({"text": np.array(texts, object)})
    assert digest(stream) == digest(held)
