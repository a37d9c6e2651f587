"""Runs of tokens are counted as numbers, and come out as their strings would."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.text.vectorizer import ngram_counts
from tfnlp.text.vectorizer.ngram_counts import most_common_ngrams
from tfnlp.text.vectorizer.term_counts import most_common
from tfnlp.text.vectorizer.terms import Terms

RANDOM = np.random.default_rng(0)
TEXTS = [
    " ".join(RANDOM.choice([*"aaabbcdé", "don't", "電影"], RANDOM.integers(0, 12)))
    for _ in range(60)
]


def batched(texts=TEXTS):
    return tf.data.Dataset.from_tensor_slices(texts).batch(7)


@pytest.mark.parametrize(
    ("chunk", "ngrams", "tokenizer", "options"),
    [
        (10, 3, "words", {"size": 40}),
        (10, 5, "characters", {"size": 999, "min_frequency": 2}),
        (2_000_000, 2, "bytes", {"size": 999}),
    ],
)
def test_counts_are_those_of_the_strings(
    monkeypatch, chunk, ngrams, tokenizer, options
):
    monkeypatch.setattr(ngram_counts, "_CHUNK", chunk)
    terms = Terms(ngrams=ngrams, sequence_length=6, tokenizer=tokenizer)
    found = most_common_ngrams(batched(), terms.kept_tokens, ngrams=ngrams, **options)
    assert found == most_common(batched(), terms, **options)


def test_no_tokens_give_an_empty_list():
    assert (
        most_common_ngrams(batched(["", " "]), tf.strings.split, ngrams=2, size=5) == []
    )


def test_memory_is_bounded_and_frequent_runs_stay(monkeypatch):
    monkeypatch.setattr(ngram_counts, "_CHUNK", 8)
    texts = [f"often here rare{i} rare{i}x" for i in range(40)]
    found = most_common_ngrams(
        batched(texts), tf.strings.split, ngrams=2, size=3, memory=20
    )
    assert found == ["here", "often", "often here"]


@pytest.mark.parametrize("size", [0, 1, 5, 1000, 1024])
def test_keys_that_differ_in_their_last_bits_only_are_sorted_too(size):
    high = RANDOM.integers(0, 4, size, np.uint64) << np.uint64(60)
    keys = high | RANDOM.integers(0, 9, size, np.uint64)
    order = ngram_counts._order(keys)
    assert order.tolist() == np.argsort(keys, kind="stable").tolist()


@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_integers_are_sorted_by_the_first_of_them_then_by_the_next(size):
    random = np.random.default_rng(0)
    keys = [random.integers(-5, 5, size), random.integers(0, 1 << 40, size) % 7 - 1]
    keys.append(random.integers(-(1 << 20), 1 << 20, size))
    expected = np.lexsort(keys[::-1])
    assert ngram_counts._lexsorted(keys).tolist() == expected.tolist()
