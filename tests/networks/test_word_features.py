"""Word embeddings with character, casing, gazetteer and bigram features."""

import keras
import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.networks import cnn, rnn, transformer, word_features

SIZES = {
    "token_ids": 9,
    "character_ids": 7,
    "casing_ids": 4,
    "gazetteer_ids": 9,
    "pair_ids": 9,
}
ENCODERS = {
    "cnn": lambda start: cnn.encoder(start, hidden_dim=6, dropout=0.0),
    "rnn": lambda start: rnn.encoder(start, hidden_dim=6, dropout=0.0),
    "transformer": lambda start: transformer.encoder(
        start, hidden_dim=6, num_heads=2, dropout=0.0
    ),
}


def start(**options):
    return word_features.embedding_inputs(SIZES, **{"embedding_dim": 5, **options})


def read(begun):
    return keras.Model(begun.token_ids, begun.vectors)


def features(words, letters):
    random = np.random.default_rng(0)
    found = {
        "token_ids": random.integers(1, 9, [2, words]),
        "padding_mask": np.ones([2, words]),
        "character_ids": random.integers(1, 7, [2, words, letters]),
        "casing_ids": random.integers(1, 4, [2, words]),
        "gazetteer_ids": random.integers(0, 5, [2, words, 2]),
        "pair_ids": random.integers(1, 9, [2, words, 2]),
    }
    return {name: ids.astype("int32") for name, ids in found.items()}


def padded(found, words, letters):
    more = {
        name: [(0, 0), (0, words), (0, 0)][: ids.ndim] for name, ids in found.items()
    }
    more["character_ids"][2] = (0, letters)
    return {name: np.pad(ids, more[name]) for name, ids in found.items()}


@pytest.mark.parametrize("character_encoder", ["cnn", "rnn"])
@pytest.mark.parametrize("name", ENCODERS)
def test_word_vectors_do_not_depend_on_padding(name, character_encoder):
    encoder = ENCODERS[name](start(character_encoder=character_encoder))
    found = features(3, 4)
    more = encoder(padded(found, 2, 3))
    np.testing.assert_allclose(more[:, :3], encoder(found), atol=1e-6)
    assert not np.any(more[:, 3:])


@pytest.mark.parametrize("name", SIZES)
def test_every_feature_makes_a_difference(name):
    encoder, found = ENCODERS["rnn"](start()), features(3, 4)
    other = {**found, name: found[name] % 3 + 1}
    assert np.abs(encoder(found) - encoder(other)).max() > 1e-4


def test_pretrained_vectors_are_frozen_and_learnt_ones_concatenated():
    vectors = np.eye(9)
    encoder = ENCODERS["rnn"](start(vectors=vectors, seen_size=4))
    frozen, learnt = encoder.get_layer("pretrained"), encoder.get_layer("embedding")
    np.testing.assert_array_equal(frozen.embeddings, vectors)
    assert not frozen.trainable and learnt.trainable
    assert learnt.embeddings.shape == (4, 5)


def test_an_unseen_word_has_its_pretrained_vector_and_an_unknown_learnt_one():
    begun = word_features.embedding_inputs(
        {"token_ids": 9}, embedding_dim=2, vectors=np.eye(9), seen_size=4
    )
    found = read(begun)(np.array([[3, 1, 4, 8]])).numpy()[0]
    np.testing.assert_array_equal(found[:, :9], np.eye(9)[[3, 1, 4, 8]])
    np.testing.assert_array_equal(found[[2, 3], 9:], found[[1, 1], 9:])
    assert np.any(found[0, 9:] != found[1, 9:])


@pytest.mark.parametrize("tuned", [True, False])
def test_pretrained_vectors_can_be_trainable_or_the_only_ones(tuned):
    options = {"trainable_vectors": True} if tuned else {"embedding_dim": 0}
    begun = word_features.embedding_inputs(
        {"token_ids": 9}, vectors=np.eye(9), **options
    )
    (layer,) = (each for each in read(begun).layers if each.weights)
    np.testing.assert_array_equal(layer.embeddings, np.eye(9))
    assert layer.trainable is tuned


@pytest.mark.parametrize("character_encoder", ["cnn", "rnn"])
def test_an_encoder_is_saved_and_loaded(tmp_path, character_encoder):
    options = {
        "word_dropout": 0.1,
        "dropout": 0.1,
        "character_encoder": character_encoder,
    }
    encoder, found = ENCODERS["rnn"](start(**options)), features(2, 3)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(loaded(found), encoder(found), atol=1e-6)


def test_a_word_in_no_phrase_has_a_zero_gazetteer_vector():
    begun = word_features.embedding_inputs(
        {"token_ids": 9, "gazetteer_ids": 9}, embedding_dim=5
    )
    found = {name: features(2, 1)[name] for name in ("token_ids", "gazetteer_ids")}
    found["gazetteer_ids"] *= 0
    model = keras.Model({"token_ids": begun.token_ids, **begun.more}, begun.vectors)
    assert not np.any(model(found)[..., 5:])


def test_words_alone_are_enough():
    begun = word_features.embedding_inputs({"token_ids": 4})
    assert begun.vectors.shape == (None, None, 100) and not begun.more


def test_unknown_features_are_refused():
    with pytest.raises(UsageError, match="Received: token_ids, shape"):
        word_features.embedding_inputs({"token_ids": 3, "shape": 2})


def test_character_encoder_is_cnn_or_rnn():
    with pytest.raises(UsageError, match="Did you mean 'rnn'"):
        start(character_encoder="rn")
    with pytest.raises(UsageError, match=r"hidden_dim=51\. Pass hidden_dim=52"):
        start(character_encoder="rnn", character_filters=51)
