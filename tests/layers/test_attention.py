"""Transformer block: masking, dropout, regularization and config."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.attention import TransformerBlock

VECTORS = np.random.default_rng(0).normal(size=[1, 5, 4]).astype("float32")
ALL = np.ones([1, 5], "int32")


def changed(block, mask, at):
    """Which tokens' outputs change when the input of one token does."""
    other = VECTORS.copy()
    other[:, at, 0] += 1.0
    return np.abs(block(VECTORS, mask) - block(other, mask)).max(axis=(0, 2)) > 1e-6


@pytest.mark.parametrize("normalize_first", [True, False])
def test_no_token_sees_padding(normalize_first):
    block = TransformerBlock(
        num_heads=2, intermediate_dim=8, normalize_first=normalize_first
    )

    seen_by = changed(block, np.array([[1, 1, 1, 0, 0]], "int32"), at=3)

    assert seen_by.tolist() == [False, False, False, True, False]


def test_every_real_token_sees_every_other():
    seen_by = changed(TransformerBlock(num_heads=2, intermediate_dim=8), ALL, at=3)

    assert seen_by.all()


def test_a_causal_block_sees_only_what_came_before():
    seen_by = changed(
        TransformerBlock(num_heads=2, intermediate_dim=8, causal=True), ALL, at=3
    )

    assert seen_by.tolist() == [False, False, False, True, True]


def test_dropout_acts_only_in_training():
    block = TransformerBlock(num_heads=2, intermediate_dim=8, dropout=0.5)

    answers = [block(VECTORS, ALL, training=training) for training in (0, 0, 1)]

    np.testing.assert_array_equal(answers[0], answers[1])
    assert np.abs(answers[0] - answers[2]).max() > 1e-3


def test_block_returns_from_its_config():
    options = {
        "num_heads": 2,
        "intermediate_dim": 6,
        "activation": "prelu",
        "dropout": 0.3,
    }
    options |= {"attention_dropout": 0.1, "normalize_first": False, "causal": True}
    options |= {"l1": 0.01, "l2": 0.02}

    again = TransformerBlock.from_config(TransformerBlock(**options).get_config())

    assert {name: getattr(again, name) for name in options} == options


def test_l2_penalises_every_kernel_of_the_block():
    block = TransformerBlock(num_heads=2, intermediate_dim=8, l2=0.1)
    block(VECTORS, ALL)

    assert len(block.losses) == 6  # query, key, value, output, widen, narrow


def test_num_heads_must_divide_hidden_dim():
    with pytest.raises(
        UsageError, match=r"num_heads=3, hidden_dim=4\. Pass a hidden_dim of 6"
    ):
        TransformerBlock(num_heads=3, intermediate_dim=8)(VECTORS, ALL)


def test_unknown_activation_is_refused_before_the_block_is_built():
    with pytest.raises(UsageError, match="Did you mean 'gelu'"):
        TransformerBlock(num_heads=2, intermediate_dim=8, activation="gelo")
