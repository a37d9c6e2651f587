"""Properties of single architectures."""

import keras
import numpy as np

from tfnlp.networks import bow, cnn, rnn, transformer

IDS = np.array([[3, 4, 5, 6, 7]], "int32")


def read(encoder, ids):
    ids = np.asarray(ids, "int32")
    outputs = encoder({"token_ids": ids, "padding_mask": (ids > 0).astype("int32")})
    return np.asarray(outputs)


def changed(encoder, at):
    """Which tokens' outputs change when one id does."""
    other = IDS.copy()
    other[:, at] = 2
    return (np.abs(read(encoder, IDS) - read(encoder, other)).max(axis=(0, 2))) > 0


def test_bag_of_words_starts_from_initial_vectors():
    start = np.random.default_rng(0).normal(size=[9, 2]).astype("float32")

    outputs = read(bow.encoder(9, initial_vectors=start, trainable_vectors=False), IDS)

    np.testing.assert_array_equal(outputs[0], start[IDS[0]])


def test_initial_vectors_are_always_trainable():
    encoder = bow.encoder(9, initial_vectors=np.zeros([9, 2]), trainable_vectors=False)

    assert len(encoder.trainable_weights) == 1


def test_num_layers_widens_the_receptive_field_of_a_cnn():
    narrow = changed(
        cnn.encoder(9, hidden_dim=8, kernel_sizes=(3,), activation="tanh"), at=0
    )
    wide = cnn.encoder(
        9, hidden_dim=8, kernel_sizes=(3,), num_layers=2, activation="tanh"
    )

    assert narrow.tolist() == [True, True, False, False, False]
    assert changed(wide, at=0).tolist() == [True, True, True, False, False]


def test_kernel_sizes_share_hidden_dim():
    encoder = cnn.encoder(9, hidden_dim=10, kernel_sizes=(1, 2, 3))

    sizes = [layer.filters for layer in encoder.layers if hasattr(layer, "filters")]
    assert sorted(sizes) == [3, 3, 4]


def test_rnn_equals_masked_bidirectional_keras():
    encoder = rnn.encoder(9, hidden_dim=6, embedding_dim=4)
    masked = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))
    ids = np.array([[3, 4, 5, 0, 0], [6, 7, 8, 3, 2]], "int32")
    vectors = encoder.get_layer("embedding")(ids)
    masked.build(vectors.shape)
    forward = encoder.get_layer("forward0").get_weights()
    masked.set_weights([*forward, *encoder.get_layer("backward0").get_weights()])

    expected = np.asarray(masked(vectors, mask=ids > 0)) * (ids > 0)[..., None]

    np.testing.assert_allclose(read(encoder, ids), expected, atol=1e-6)


def test_one_direction_sees_earlier_tokens_and_two_see_all():
    one = rnn.encoder(9, hidden_dim=8, bidirectional=False)

    assert changed(one, at=2).tolist() == [False, False, True, True, True]
    assert changed(rnn.encoder(9, hidden_dim=8), at=2).all()


def test_a_transformer_without_positions_is_a_bag_of_tokens():
    twice = [[3, 3]]
    placed = read(transformer.encoder(9, hidden_dim=8), twice)
    bag = read(transformer.encoder(9, hidden_dim=8, positions=None), twice)

    assert np.abs(placed[0, 0] - placed[0, 1]).max() > 1e-3
    np.testing.assert_allclose(bag[0, 0], bag[0, 1], atol=1e-6)


def test_vectors_of_another_size_are_projected():
    vectors = np.zeros([9, 6], "float32")

    assert transformer.encoder(9, hidden_dim=8, vectors=vectors).output_shape[-1] == 8


def test_bag_of_words_starts_from_small_vectors():
    vectors = bow.encoder(1000, hidden_dim=50).get_layer("embedding").get_weights()[0]

    assert 0.015 < np.abs(vectors).max() <= 0.02
