"""Rows that were encoded once: the same examples, with less padding."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.batching import batches
from tfnlp.data.cache import encode_once
from tfnlp.data.readers import from_list
from tfnlp.tasks.classification import Classification
from tfnlp.tasks.translation import Translation

TEXTS = ["", "a", "b b c", "c a a a b c c", "😀 unseen", "a b"] * 60
ROWS = from_list(
    [{"text": text, "label": "xyz"[n % 3]} for n, text in enumerate(TEXTS)]
)
PAIRS = from_list(
    [{"source": text, "target": " ".join(text.split()[::-1][:3])} for text in TEXTS]
)


def tasks():
    yield Classification.from_rows(ROWS), ROWS
    several = from_list([{"text": text, "label": "x,y"} for text in TEXTS])
    yield Classification.from_rows(several, label_separator=","), several
    yield Translation.from_rows(PAIRS, tokenizer_options={"tokenizer": "words"}), PAIRS


@pytest.mark.parametrize("number", range(3))
def test_examples_are_those_of_the_task(number):
    task, rows = list(tasks())[number]
    order = tf.data.Dataset.from_tensor_slices(
        np.random.default_rng(0).permutation(360)
    )
    kept = encode_once(rows, task.dataset)
    found = list(kept.examples(order.batch(7).map(lambda row: {"row": row})))
    every = list(rows.as_numpy_iterator())
    direct = tf.data.Dataset.from_tensor_slices(
        {name: [every[n][name] for n in order.as_numpy_iterator()] for name in every[0]}
    )
    for ours, theirs in zip(found, task.dataset(direct.batch(7)), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, ours, theirs)
    tf.nest.map_structure(
        lambda ours, theirs: ours.shape.assert_is_compatible_with(theirs.shape),
        kept.examples(order.batch(7).map(lambda row: {"row": row})).element_spec,
        task.dataset(direct.batch(7)).element_spec,
    )


def test_batches_hold_rows_of_the_same_number_of_tokens():
    """By bytes, one long word would stand with many short ones."""
    texts = ["a " * 20 + "b", "c" * 41] * 100
    rows = from_list(
        [{"text": text, "label": "xy"[n % 2]} for n, text in enumerate(texts)]
    )
    task = Classification.from_rows(rows)
    kept = encode_once(rows, task.dataset)
    cut = batches(kept.rows(), batch_size=20, fields=["length"])
    masks = [features["padding_mask"] for features, _, _ in kept.examples(cut)]
    assert sorted({mask.shape[1] for mask in masks}) == [1, 21]
    assert all(np.all(mask) for mask in masks)


def test_what_takes_too_much_memory_is_not_kept():
    task = Classification.from_rows(ROWS)
    size = encode_once(ROWS, task.dataset).nbytes
    assert encode_once(ROWS, task.dataset, largest=size) is not None
    assert encode_once(ROWS, task.dataset, largest=size - 1) is None


def test_strings_are_not_kept():
    assert encode_once(ROWS, lambda rows: rows.map(lambda row: row["text"])) is None


def test_two_changing_dimensions_are_not_kept():
    letters = encode_once(
        ROWS,
        lambda rows: rows.map(
            lambda row: (
                tf.strings.length(tf.strings.split(row["text"])).to_tensor()[:, :, None]
                * tf.ones([1, 1, tf.size(row["text"])], tf.int32)
            )
        ),
    )
    assert letters is None
