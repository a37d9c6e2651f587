"""Ids, characters and casing of words, and lists of phrases that they are in."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import DataError, UsageError
from tfnlp.saving import from_json, to_json
from tfnlp.text.words.gazetteers import Gazetteers
from tfnlp.text.words.word_features import CASES, WordFeatures, casing_ids

ROWS = from_list([{"tokens": "Anna likes anna"}, {"tokens": ""}, {"tokens": "EU cars"}])


def features(words, **options):
    encoder = WordFeatures(("anna", "EU"), characters=("a", "n", "E"), **options)
    return encoder(tf.ragged.constant(words, ragged_rank=1, dtype=tf.string))


def test_an_unknown_word_has_the_id_of_its_lower_cased_form():
    ids = features([["Anna", "anna", "EU", "eu"]])["token_ids"]
    assert ids.numpy().tolist() == [[2, 2, 3, 1]]


def test_a_row_without_words_is_one_unknown_word():
    found = features([[], ["EU", "EU"]])
    assert found["token_ids"].numpy().tolist() == [[1, 0], [3, 3]]
    assert found["padding_mask"].numpy().tolist() == [[1, 0], [1, 1]]
    assert found["character_ids"].shape == (*found["casing_ids"].shape, 2)


def test_rows_that_are_all_empty_have_one_token_and_one_character():
    found = features([[], []])
    shapes = {name: tuple(ids.shape) for name, ids in found.items()}
    assert shapes == {
        "token_ids": (2, 1),
        "padding_mask": (2, 1),
        "character_ids": (2, 1, 1),
        "casing_ids": (2, 1),
    }


def test_long_words_keep_both_ends():
    ids = features([["Exxxxxnan", "a"]], word_length=5)["character_ids"]
    assert ids.numpy().tolist() == [[[4, 1, 1, 2, 3], [2, 0, 0, 0, 0]]]


def test_features_of_a_row_do_not_depend_on_its_batch():
    alone, batch = features([["Anna"]]), features([["Anna"], ["EU", "carsandcars"]])
    for name, ids in alone.items():
        inner = tuple(slice(size) for size in ids.shape[1:])
        np.testing.assert_array_equal(batch[name][0][inner], ids[0])


WORDS = {"": "other", "can": "lower", "NATO": "upper", "Éva": "title", "-": "signs"}
WORDS |= {"McD": "upper first", "iPod": "lower first", "3.5": "number"}
WORDS |= {"B2": "with a digit", "...": "signs", "電影": "other"}


@pytest.mark.parametrize(("word", "case"), WORDS.items())
def test_a_word_has_one_casing(word, case):
    assert CASES[int(casing_ids([word])[0])][0] == case


def test_words_are_learnt_by_frequency_and_others_are_added():
    words = WordFeatures.from_rows(ROWS, more=["dog", "EU"], min_frequency=1)
    assert words.vocabulary.entries[2:] == (
        "Anna",
        "EU",
        "anna",
        "cars",
        "likes",
        "dog",
    )
    assert words.seen_size == 2 + 5
    assert set(words.characters.entries[2:]) == set("nas")


def test_features_that_are_not_wanted_are_not_there():
    words = WordFeatures.from_rows(ROWS, characters=False, casing=False)
    assert words.sizes == {"token_ids": 7}
    assert set(words(tf.ragged.constant([["x"]]))) == {"token_ids", "padding_mask"}


def test_lists_of_phrases_are_a_feature_if_there_are_any():
    lists = Gazetteers(("firm", "name"), (("EU cars",), ("anna",)))
    words = WordFeatures.from_rows(ROWS, gazetteers=lists)
    assert words.sizes["gazetteer_ids"] == 9
    found = words(tf.ragged.constant([["EU", "cars"], ["Anna"]]))["gazetteer_ids"]
    assert found.numpy().tolist() == [[[1, 0], [3, 0]], [[0, 8], [0, 0]]]


def test_a_copy_through_json_encodes_alike():
    lists = Gazetteers(("name",), (("anna",),))
    words = WordFeatures.from_rows(ROWS, word_length=3, gazetteers=lists)
    twin, some = from_json(to_json(words)), tf.ragged.constant([["Anna", "likes"]])
    assert twin.config() == words.config()
    for name, ids in words(some).items():
        np.testing.assert_array_equal(twin(some)[name], ids)


def test_what_cannot_be_is_said():
    with pytest.raises(DataError, match=r"at least one word\. Received: none"):
        WordFeatures(())
    with pytest.raises(UsageError, match=r"word_length .* Received: 1"):
        WordFeatures(("a",), word_length=1)


def test_pairs_of_neighbours_that_occur_twice_are_told_apart():
    rows = from_list([{"tokens": "中 国 人"}, {"tokens": "中 国"}, {"tokens": ""}])
    words = WordFeatures.from_rows(rows, characters=False, casing=False, bigrams=True)
    assert words.bigrams.entries[2:] == ("中 国",)
    ids = words(tf.ragged.constant([["中", "国", "人"], [], ["国"]]))["pair_ids"]
    assert ids.numpy().tolist() == [
        [[1, 2], [2, 1], [1, 1]],
        [[0, 0], [0, 0], [0, 0]],
        [[1, 1], [0, 0], [0, 0]],
    ]


def test_pairs_survive_saving():
    words = WordFeatures(("中", "国"), bigrams=("中 国",))
    assert from_json(to_json(words)).sizes == words.sizes
