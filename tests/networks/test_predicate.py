"""Predicate features of semantic role labelling."""

import keras
import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.networks import rnn, word_features
from tfnlp.networks.predicate import add_predicate_features


@pytest.fixture(scope="module")
def encoder():
    start = add_predicate_features(
        word_features.embedding_inputs({"token_ids": 9}, embedding_dim=5),
        max_distance=3,
    )
    return rnn.encoder(start, hidden_dim=6, dropout=0.0)


def features(*marks, words=None):
    marks = np.array(marks, "int32")
    words = (
        np.arange(marks.size).reshape(marks.shape) % 8 + 1 if words is None else words
    )
    return {
        "token_ids": np.where(marks, words, 0).astype("int32"),
        "padding_mask": (marks > 0).astype("int32"),
        "predicate_ids": marks,
    }


@pytest.mark.parametrize("marks", [[1, 2, 1], [2, 1, 1], [1, 1, 2], [1, 1, 1], [2]])
def test_outputs_do_not_depend_on_padding(encoder, marks):
    padded = encoder(features([*marks, 0, 0]))
    np.testing.assert_allclose(
        padded[:, : len(marks)], encoder(features(marks)), atol=1e-6
    )


def test_every_word_depends_on_the_predicate():
    start = add_predicate_features(
        word_features.embedding_inputs({"token_ids": 9}, embedding_dim=5), context=0
    )
    own = keras.Model({**start.more, "token_ids": start.token_ids}, start.vectors)
    first, second = (
        own({k: v for k, v in features(marks).items() if k != "padding_mask"})
        for marks in ([2, 1, 1, 1], [1, 1, 1, 2])
    )
    different = np.abs(first - second).max(axis=-1) > 1e-4
    assert different.all()
    predicate = np.array(first)[0, :, -100:]
    np.testing.assert_allclose(predicate, predicate[[2, 0, 1, 3]])


def test_an_encoder_is_saved_and_loaded(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    found = features([1, 2, 1])
    np.testing.assert_allclose(loaded(found), encoder(found), atol=1e-6)


def test_sizes_are_checked():
    with pytest.raises(UsageError, match="Option max_distance must be a whole number"):
        add_predicate_features(
            word_features.embedding_inputs({"token_ids": 9}), max_distance=0
        )
