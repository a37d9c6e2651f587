"""Runs of words have the ids that their strings have."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.text.vectorizer.ngram_ids import NgramIds
from tfnlp.text.vectorizer.terms import Terms
from tfnlp.text.vocabulary import SPECIAL, Vocabulary

WORDS = ["a", "b", "c", "don't", "é", "[UNK]", "未"]
RANDOM = np.random.default_rng(0)
TEXTS = ["", "a", *(" ".join(RANDOM.choice(WORDS, n % 9)) for n in range(60))]


def by_strings(entries, texts, ngrams):
    terms = Terms(ngrams=ngrams, tokenizer="whitespace", standardize=())
    return Vocabulary(entries, special=SPECIAL).ids(terms(texts)).to_list()


def by_numbers(entries, texts, ngrams):
    ids = NgramIds(entries, first=2, unknown=1, ngrams=ngrams)
    return ids(tf.strings.split(tf.constant(texts))).to_list()


@pytest.mark.parametrize("ngrams", [2, 3, 4])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_ids_are_those_of_the_strings(ngrams, share):
    found = Terms(ngrams=ngrams, tokenizer="whitespace", standardize=())(TEXTS)
    terms = sorted({term.decode() for row in found.to_list() for term in row})
    chosen = [term for term in terms if RANDOM.random() < share and term != "[UNK]"]
    assert by_numbers(chosen, TEXTS, ngrams) == by_strings(chosen, TEXTS, ngrams)


def test_a_run_is_found_whose_beginnings_are_no_entries():
    assert by_numbers(["a b c"], ["a b c b"], 3) == [[1, 1, 1, 1, 1, 1, 1, 2, 1]]


def test_runs_end_with_their_text():
    assert by_numbers(["b", "b a"], ["a b", "a b"], 2) == [[1, 2, 1], [1, 2, 1]]


def test_entries_longer_than_the_runs_are_never_found():
    assert by_numbers(["a", "a b c"], ["a b c"], 2) == [[2, 1, 1, 1, 1]]


def test_a_batch_without_words_has_no_ids():
    assert by_numbers(["a", "a b"], ["", " "], 2) == [[], []]
