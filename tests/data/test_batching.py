"""Batches: no row lost, little padding, new every epoch, the same for a seed."""

import random

import pytest
import tensorflow as tf

from tfnlp.data.batching import batches, numbered
from tfnlp.data.readers import from_list

DICE = random.Random(0)
ROWS = [
    {"text": f"{n} " + "a" * DICE.choice([1, 5, 20, 100, 500]), "label": str(n)}
    for n in range(1003)
]


def found(**options):
    options = {"batch_size": 16, "fields": ["text"]} | options
    return batches(from_list(ROWS), **options)


def labels(dataset):
    return [label for batch in dataset.as_numpy_iterator() for label in batch["label"]]


def padding(dataset):
    sizes = [[len(t) for t in b["text"]] for b in dataset.as_numpy_iterator()]
    room = sum(max(lengths) * len(lengths) for lengths in sizes)
    return 1 - sum(map(sum, sizes)) / room


@pytest.mark.parametrize("bucket", [True, False])
@pytest.mark.parametrize("shuffle", [None, 100])
def test_no_row_is_lost_or_doubled(bucket, shuffle):
    every = labels(found(bucket=bucket, shuffle=shuffle))
    assert sorted(every) == sorted(str(n).encode() for n in range(1003))


def test_evaluation_keeps_the_order():
    dataset = found(bucket=False, shuffle=None)
    assert labels(dataset) == [str(n).encode() for n in range(1003)]


def test_buckets_save_most_padding():
    assert padding(found()) < 0.1 < 0.5 < padding(found(bucket=False))


def test_lengths_come_in_no_order():
    sizes = [len(batch["text"][0]) for batch in found().as_numpy_iterator()]
    assert sizes[:40] != sorted(sizes[:40])


def test_every_epoch_is_another():
    dataset = found()
    assert labels(dataset) != labels(dataset)


def test_seed_repeats_the_batches():
    assert labels(found(seed=7)) == labels(found(seed=7)) != labels(found(seed=8))


def test_number_of_batches_is_known():
    assert found().cardinality() == 63


def test_pairs_are_sorted_by_both_texts():
    rows = from_list([{"first": "a" * n, "second": "b" * (9 - n)} for n in range(9)])
    dataset = batches(rows, batch_size=4, fields=["first", "second"])
    assert sum(len(batch["first"]) for batch in dataset.as_numpy_iterator()) == 9


def test_batches_carry_no_autotuning():
    assert found().options().autotune.enabled is False


def test_joined_words_are_counted_not_measured():
    texts = 2 * ["a b", "incomprehensibilities incomprehensibilities"] + 4 * [
        "c d e f g"
    ]
    rows = from_list([{"tokens": text} for text in texts])
    found = batches(rows, batch_size=4, fields=["tokens"], shuffle=None)
    counts = [{len(t.split()) for t in b["tokens"].numpy()} for b in found]
    assert sorted(map(sorted, counts)) == [[2], [5]]


@pytest.mark.parametrize("bucket", [True, False])
@pytest.mark.parametrize("fields", [[], ["words"]], ids=["none", "lists"])
def test_rows_without_a_text_and_with_lists_of_texts_are_cut_too(bucket, fields):
    rows = tf.data.Dataset.from_tensor_slices(
        {"words": [["a", "bcd"], ["", ""], ["e", "f"]], "number": [1.0, 2.0, 3.0]}
    )
    found = numbered(rows, batch_size=2, fields=fields, bucket=bucket)
    places, numbers = zip(
        *((p.tolist(), row["number"].tolist()) for p, row in found.as_numpy_iterator()),
        strict=True,
    )
    order = [1, 2, 0] if fields and bucket else [0, 1, 2]
    assert [*places[0], *places[1]] == order
    assert [*numbers[0], *numbers[1]] == [place + 1.0 for place in order]
    cut = batches(rows, batch_size=2, fields=fields, bucket=bucket, shuffle=None)
    read = [number for row in cut.as_numpy_iterator() for number in row["number"]]
    assert sorted(read) == [1.0, 2.0, 3.0]
