"""Tags in graph are read and written as `tfnlp.data.tagging.schemes` does in Python."""

import random

import pytest
import tensorflow as tf

from tfnlp.data.tagging import schemes
from tfnlp.data.tagging.scheme_tensors import (
    rewritten,
    rewritten_numbers,
    spans,
    spans_of_numbers,
)

TAGS = ("O", "B", "I", "", "PER", "I-")
TAGS += tuple(f"{letter}-{kind}" for letter in "BIESMLU" for kind in "XY")
BARE = [[letter] for letter in "BIESMLU"]  # IOB1 cannot tell these from its start


def sentences(count=300):
    generator = random.Random(0)
    sizes = [generator.randrange(9) for _ in range(count)]
    return [[generator.choice(TAGS) for _ in range(size)] for size in sizes]


def ragged(rows):
    return tf.ragged.constant(rows, ragged_rank=1, dtype=tf.string)


def text(column):
    return [[item.decode() for item in row] for row in column.to_list()]


@pytest.mark.parametrize("scheme", schemes.SCHEMES)
def test_tags_are_rewritten_as_in_python(scheme):
    rows = [tags for tags in sentences() if scheme != "IOB1" or tags[:1] not in BARE]
    assert text(rewritten(ragged(rows), scheme)) == [
        schemes.convert(tags, scheme) for tags in rows
    ]


def test_spans_are_read_as_in_python():
    rows = sentences()
    found = spans(ragged(rows))
    columns = (text(found.types), found.starts.to_list(), found.ends.to_list())
    for tags, *parts in zip(rows, *columns, strict=True):
        assert [*zip(*parts, strict=True)] == schemes.spans(tags)


def by_number(rows):
    return tf.ragged.constant(
        [[TAGS.index(tag) for tag in row] for row in rows], tf.int32, ragged_rank=1
    )


@pytest.mark.parametrize("scheme", schemes.SCHEMES)
def test_numbers_are_rewritten_as_strings_are(scheme):
    rows = sentences()
    numbers, tags = rewritten_numbers(by_number(rows), TAGS, scheme)
    found = [[tags[number] for number in row] for row in numbers.to_list()]
    assert found == text(rewritten(ragged(rows), scheme))


def test_spans_of_numbers_stand_where_their_words_do():
    rows = sentences()
    words = tf.ragged.range(tf.constant([len(row) for row in rows]))
    found = spans_of_numbers(by_number(rows), TAGS, words * 2, words * 2 + 1)
    columns = (text(found.types), found.starts.to_list(), found.ends.to_list())
    for tags, *parts in zip(rows, *columns, strict=True):
        expected = [(s.type, 2 * s.start, 2 * s.end - 1) for s in schemes.spans(tags)]
        assert [*zip(*parts, strict=True)] == expected


def test_a_batch_without_words_has_no_spans():
    found = spans(ragged([[], []]))
    assert found.types.to_list() == found.ends.to_list() == [[], []]
    assert rewritten(ragged([[]]), "BIO").to_list() == [[]]
