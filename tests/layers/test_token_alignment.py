"""Token alignment against a loop over pairs of tokens; padding and gradient."""

import keras
import numpy as np
import tensorflow as tf

from tfnlp.layers.token_alignment import TokenAlignment

RANDOM = np.random.default_rng(0)
FIRST = RANDOM.normal(size=[2, 4, 3]).astype("float32")
SECOND = RANDOM.normal(size=[2, 5, 3]).astype("float32")
FIRST_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], "int32")
SECOND_MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], "int32")


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def unmatched(one, other):
    return sum(1.0 - max(cosine(a, b) for b in other) for a in one)


def test_matching_agrees_with_a_loop_over_pairs_of_tokens():
    found = TokenAlignment()(FIRST, FIRST_MASK, SECOND, SECOND_MASK).numpy()

    for row in range(2):
        one = FIRST[row][FIRST_MASK[row] > 0]
        other = SECOND[row][SECOND_MASK[row] > 0]
        alone = [unmatched(one, other), unmatched(other, one)]
        counts = [len(one), len(other)]
        odds = [
            np.log(max(n - u + 1, 1) / (u + 1))
            for n, u in zip(counts, alone, strict=True)
        ]
        expected = 3.0 * np.array([*odds, *np.log1p(alone)])
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing():
    other = FIRST.copy()
    other[1, 2:] = 7.0

    found = [
        TokenAlignment()(x, FIRST_MASK, SECOND, SECOND_MASK) for x in (FIRST, other)
    ]

    np.testing.assert_array_equal(found[0], found[1])


def test_swapped_texts_swap_the_features():
    found = TokenAlignment()(FIRST, FIRST_MASK, SECOND, SECOND_MASK).numpy()
    swapped = TokenAlignment()(SECOND, SECOND_MASK, FIRST, FIRST_MASK).numpy()

    np.testing.assert_allclose(found, swapped[:, [1, 0, 3, 2]], rtol=1e-5)


def test_zero_vectors_have_finite_features_and_gradients():
    vectors = tf.Variable(tf.zeros([1, 2, 3]))
    mask = tf.ones([1, 2], tf.int32)

    with tf.GradientTape() as tape:
        found = TokenAlignment()(vectors, mask, vectors, mask)

    assert np.isfinite(found.numpy()).all()
    assert np.isfinite(tape.gradient(found, vectors).numpy()).all()


def test_mixed_precision_gives_features_in_float32_accuracy():
    half = TokenAlignment(dtype="mixed_float16")(FIRST, FIRST_MASK, SECOND, SECOND_MASK)
    full = TokenAlignment()(FIRST, FIRST_MASK, SECOND, SECOND_MASK)

    np.testing.assert_allclose(half, full, atol=2e-2)


def test_the_layer_is_part_of_a_saved_network(tmp_path):
    shapes = ([None, 3], [None], [None, 3], [None])
    inputs = [keras.Input(shape) for shape in shapes]
    network = keras.Model(inputs, TokenAlignment()(*inputs))
    network.save(tmp_path / "network.keras")

    again = keras.saving.load_model(tmp_path / "network.keras")

    given = [FIRST, FIRST_MASK, SECOND, SECOND_MASK]
    np.testing.assert_array_equal(again(given), network(given))
