"""Random numbers by seed and step."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfnlp.decoding.counter_rng import threefry, uniforms

KNOWN = [  # the answers that the authors of Threefry publish
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "known"), KNOWN, ids=["0", "1", "pi"])
def test_threefry_equals_the_published_test_vectors(key, counter, known):
    given = [tuple(tf.constant(n, tf.uint32) for n in pair) for pair in (key, counter)]
    assert tuple(int(part) for part in threefry(*given)) == known


def test_numbers_are_uniform_over_steps_and_over_seeds():
    numbers = uniforms(tf.range(300), 300).numpy()
    assert 0.0 <= numbers.min() and numbers.max() < 1.0
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01
    assert stats.kstest(numbers[:, 0], "uniform").pvalue > 0.01
    assert stats.kstest(numbers[0], "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.01


def test_a_seed_gives_the_same_numbers_in_any_batch_and_by_xla():
    few = uniforms(tf.constant([5]), 3)
    more = uniforms(tf.constant([9, -5, 5], tf.int64), 7)
    compiled = tf.function(uniforms, jit_compile=True)(tf.constant([5]), 3)
    assert np.array_equal(few[0], more[2, :3])
    assert np.array_equal(few, compiled)


def test_the_upper_half_of_a_seed_counts():
    assert float(uniforms(tf.constant([2**40], tf.int64), 1)[0, 0]) != float(
        uniforms(tf.constant([0], tf.int64), 1)[0, 0]
    )
