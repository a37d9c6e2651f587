"""Pooling, by hand and under padding."""

import keras
import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.pooling import KINDS, Pooling

VECTORS = np.array([[[1, -2], [3, -4], [50, 60]], [[5, 6], [7, 8], [9, 10]]], "float32")
MASK = np.array([[1, 1, 0], [1, 1, 1]], "int32")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", [[2, -3], [7, 8]]),
        ("max", [[3, -2], [9, 10]]),
        ("sum", [[4, -6], [21, 24]]),
        ("sqrt", np.array([[4, -6], [21, 24]]) / np.sqrt([[2], [3]])),
        ("first", [[1, -2], [5, 6]]),
        ("last", [[3, -4], [9, 10]]),
        ("ends", [[3, -2], [9, 6]]),
    ],
)
def test_pooling_agrees_with_sums_by_hand(kind, expected):
    pooled = Pooling(kind)(VECTORS, MASK)

    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


def test_attention_weighs_real_tokens_by_their_product_with_the_query():
    layer = Pooling("attention")
    layer.build(VECTORS.shape, MASK.shape)
    layer.query.assign([1.0, 0.0])
    scores = np.exp([1.0, 3.0])

    pooled = layer(VECTORS[:1], MASK[:1])

    expected = (scores / scores.sum()) @ VECTORS[0, :2]
    np.testing.assert_allclose(pooled[0], expected, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_pooled_vector(kind):
    layer = Pooling(kind)
    alone = layer(VECTORS[:1, :2], MASK[:1, :2])
    noise = np.full([1, 7, 2], 1e4, "float32")
    padded = np.concatenate([VECTORS[:1, :2], noise], axis=1)

    beside_longer = layer(padded, np.array([[1, 1] + [0] * 7], "int32"))

    np.testing.assert_allclose(alone, beside_longer, atol=1e-6)


@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("sum", "sqrt")]
)
def test_pooling_stays_finite_in_half_precision(kind, policy):
    vectors = np.full([1, 300, 4], 3e4, "float32")

    pooled = Pooling(kind, dtype=policy)(vectors, np.ones([1, 300], "int32"))

    assert np.isfinite(keras.ops.cast(pooled, "float32")).all()


def test_pooling_returns_from_its_config():
    layer = Pooling.from_config(Pooling("ends").get_config())

    assert layer.kind == "ends"


def test_unknown_pooling_names_the_nearest():
    with pytest.raises(UsageError, match=r"'meen'\. Did you mean 'mean'\?"):
        Pooling("meen")
