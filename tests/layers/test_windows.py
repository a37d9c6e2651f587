"""Sliding windows: split and joined rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.windows import CutWindows, JoinWindows, in_windows


def rows(*lengths):
    """Rows of the numbers from 1, and their mask."""
    size = max(lengths)
    mask = (np.arange(size) < np.array(lengths)[:, None]).astype("int32")
    return np.arange(1, size + 1, dtype="int32") * mask, mask


def test_rows_that_fit_are_not_changed():
    values, mask = rows(4, 2)
    np.testing.assert_array_equal(CutWindows(4)(values, mask), values)
    np.testing.assert_array_equal(
        JoinWindows(4)(values[..., None], mask)[..., 0], values
    )


def test_windows_overlap_by_half_and_only_long_rows_have_several():
    cut = CutWindows(4)(*rows(7, 3)).numpy()
    assert cut.tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 0], [1, 2, 3, 0]]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("lengths", [(9, 1, 5), (0, 17), (16, 8, 9)])
def test_every_token_comes_back_in_its_place(length, lengths):
    values, mask = rows(*lengths)
    cut = CutWindows(length)(values, mask)
    joined = JoinWindows(length)(tf.cast(cut, tf.float32)[..., None], mask)
    np.testing.assert_array_equal(joined[..., 0], values)


def test_a_token_comes_from_the_window_where_it_is_central():
    _, mask = rows(12)
    places = np.tile(np.arange(4.0, dtype="float32"), [5, 1])[..., None]
    joined = JoinWindows(4)(places, mask).numpy().ravel()
    assert joined.tolist() == [0, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3]


def test_values_with_more_axes_are_cut_too():
    values = np.arange(20, dtype="float32").reshape(1, 5, 2, 2)
    cut = CutWindows(3)(values, np.ones([1, 5], "int32"))
    np.testing.assert_array_equal(cut[1], values[0, 2:5])


def network(length):
    inputs = {
        "vectors": keras.Input([None, 3], name="vectors"),
        "padding_mask": keras.Input([None], dtype="int32", name="padding_mask"),
    }
    mean = keras.layers.GlobalAveragePooling1D(keepdims=True)

    def read(features):
        return features["vectors"] + mean(features["vectors"], features["padding_mask"])

    return keras.Model(inputs, in_windows(read, inputs, window_size=length))


def features(*lengths):
    _, mask = rows(*lengths)
    vectors = np.random.default_rng(0).normal(size=[1, mask.shape[1], 3])
    return {
        "vectors": (vectors * mask[..., None]).astype("float32"),
        "padding_mask": mask,
    }


def test_the_output_of_a_row_does_not_depend_on_its_batch():
    model = network(4)
    batch = model(features(11, 6, 3, 1))
    for row, size in enumerate([11, 6, 3, 1]):
        alone = model(features(size) | {"vectors": features(11)["vectors"][:, :size]})
        np.testing.assert_allclose(batch[row, :size], alone[0], atol=1e-6)
        assert not np.any(batch[row, size:])


def test_gradients_pass_and_an_unknown_length_can_be_traced():
    model, given = network(4), features(9, 2)
    call = tf.function(model, reduce_retracing=True)
    vectors = tf.constant(given["vectors"])
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        loss = tf.reduce_sum(call(given | {"vectors": vectors}) ** 2)
    slope = tape.gradient(loss, vectors).numpy()
    assert np.isfinite(slope).all() and slope[0].any(axis=-1).all()
    assert not slope[1, 2:].any()


def test_layers_return_from_their_config():
    assert CutWindows.from_config(CutWindows(7).get_config()).window_size == 7


def test_a_window_has_a_size():
    with pytest.raises(
        UsageError, match=r"window_size must be .* at least 1\. Received: 0"
    ):
        CutWindows(0)
