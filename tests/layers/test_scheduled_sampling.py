"""Scheduled sampling: the ramp, and the samples that replace tokens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.scheduled_sampling import ScheduledSampling

IDS = np.tile(np.array([[2, 5, 6, 0]], "int32"), [4_000, 1])
LOGITS = np.full([*IDS.shape, 9], -1e9, "float32")
LOGITS[:, :, 7] = LOGITS[:, :, 8] = 0.0  # the decoder would write 7 or 8


def mixed(layer, updates):
    layer(IDS[:1], LOGITS[:1])
    layer.updates.assign(updates)
    return layer(tf.constant(IDS), tf.constant(LOGITS), training=True).numpy()


@pytest.mark.parametrize(("updates", "share"), [(0, 0.0), (50, 0.2), (500, 0.4)])
def test_the_replaced_share_ramps_up_to_the_rate(updates, share):
    found = mixed(ScheduledSampling(0.4, ramp_steps=100), updates)
    replaced = found[:, 1:3] != IDS[:, 1:3]
    assert replaced.mean() == pytest.approx(share, abs=0.025)
    assert set(np.unique(found[:, 1:3][replaced])) <= {7, 8}


def test_the_first_token_and_padding_stay():
    found = mixed(ScheduledSampling(0.9, ramp_steps=1), 10)
    np.testing.assert_array_equal(found[:, [0, 3]], IDS[:, [0, 3]])


def test_tokens_are_sampled_by_their_probability():
    logits = LOGITS.copy()
    logits[:, :, 8] = np.log(3.0)
    layer = ScheduledSampling(0.9, ramp_steps=1)
    layer(IDS[:1], LOGITS[:1])
    layer.updates.assign(10)
    found = layer(tf.constant(IDS), tf.constant(logits), training=True).numpy()[:, 1]
    drawn = found[found != 5]
    assert np.mean(drawn == 8) == pytest.approx(0.75, abs=0.03)


def test_the_configuration_is_the_whole_state():
    layer = ScheduledSampling(0.3, ramp_steps=5)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert (again.rate, again.ramp_steps) == (0.3, 5)


def test_a_rate_of_one_is_refused():
    with pytest.raises(UsageError, match="rate must be at least 0 and below 1"):
        ScheduledSampling(1.0)
