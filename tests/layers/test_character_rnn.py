"""Character RNN: padding, gradients and config."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.character_rnn import CharacterRNN

RANDOM = np.random.default_rng(0)
LETTERS = RANDOM.normal(size=[2, 3, 4, 5]).astype("float32")
IDS = np.array([[[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]], [[1, 1, 0, 0]] * 3])


def test_a_vector_does_not_depend_on_padding():
    layer = CharacterRNN(6)
    vectors = layer(LETTERS, IDS)
    alone = layer(LETTERS[:1, :1, :3], IDS[:1, :1, :3])
    np.testing.assert_allclose(vectors[0, 0], alone[0, 0], atol=1e-6)


def test_both_ends_and_the_middle_make_a_difference():
    layer = CharacterRNN(2)
    before = layer(LETTERS, IDS)[0, 0]
    for place in range(3):
        other = LETTERS.copy()
        other[0, 0, place] += 1.0
        assert (np.abs(layer(other, IDS)[0, 0] - before) > 1e-4).all()


def test_words_without_characters_are_zero_and_rows_may_have_one_word():
    vectors = CharacterRNN(4)(LETTERS[:, :1], IDS[:, :1] * 0)
    assert vectors.shape == (2, 1, 4) and not np.any(vectors)


def test_gradients_reach_every_weight():
    layer = CharacterRNN(4)
    layer(LETTERS, IDS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(LETTERS, IDS) ** 2)
    weights = [weight.value for weight in layer.trainable_weights]
    assert len(weights) == 6
    assert all(np.any(slope) for slope in tape.gradient(loss, weights))


def test_half_precision_stays_half():
    layer = CharacterRNN(4, dtype="mixed_bfloat16")
    assert layer(LETTERS, IDS).dtype == tf.bfloat16


def test_it_returns_from_its_config():
    assert CharacterRNN.from_config(CharacterRNN(4).get_config()).hidden_dim == 4


def test_an_odd_hidden_dim_is_refused():
    with pytest.raises(
        UsageError, match=r"half of its vector.*hidden_dim=5.*hidden_dim=6"
    ):
        CharacterRNN(5)
