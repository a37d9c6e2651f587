"""Word dropout."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.dropout import WordDropout

IDS = np.repeat([[5, 6, 7, 0]], 1000, axis=0).astype("int32")


def test_word_dropout_replaces_its_share_of_real_tokens():
    dropped = np.asarray(WordDropout(0.3)(IDS, training=True))

    assert abs(np.mean(dropped[:, :3] == 1) - 0.3) < 0.05
    assert (dropped[:, 3] == 0).all()


def test_word_dropout_keeps_all_tokens_outside_training():
    np.testing.assert_array_equal(WordDropout(0.3)(IDS), IDS)


def test_word_dropout_returns_from_its_config():
    layer = WordDropout.from_config(WordDropout(0.3, unknown=9).get_config())

    assert (layer.rate, layer.unknown) == (0.3, 9)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_word_dropout_rate_is_below_one(rate):
    with pytest.raises(UsageError, match="word_dropout must be at least 0 and below 1"):
        WordDropout(rate)
