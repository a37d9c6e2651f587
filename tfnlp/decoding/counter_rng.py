"""Counter-based random numbers (Threefry): a function of a row's seed and the step.

TensorFlow draws a whole tensor from one seed, so the numbers of a row would depend
on its position in the batch. Threefry (Salmon 2011, 2x32 with 20 rounds) turns a pair
of numbers into two random ones with sums, shifts and exclusive ors only: the same
ones on every device, with or without XLA.
"""

import tensorflow as tf

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA
_LOW = 0xFFFFFFFF

Pair = tuple[tf.Tensor, tf.Tensor]
"""Two uint32 tensors of one shape, or of shapes that broadcast."""


def uniforms(seeds: tf.Tensor, steps: int | tf.Tensor) -> tf.Tensor:
    """Uniform random numbers in [0, 1) for each seed and step: float32 [B, steps].

    Args:
        seeds: int32 or int64 [B].

    Example:
    >>> few, more = uniforms(tf.constant([7]), 2), uniforms(tf.constant([9, 7]), 3)
    >>> bool(tf.reduce_all(few[0] == more[1, :2]))
    True
    """
    seeds = tf.cast(seeds, tf.int64)[:, None]
    low = tf.cast(tf.bitwise.bitwise_and(seeds, _LOW), tf.uint32)
    high = tf.bitwise.bitwise_and(tf.bitwise.right_shift(seeds, 32), _LOW)
    step = tf.cast(tf.range(steps), tf.uint32)[None, :]
    first, _ = threefry((low, tf.cast(high, tf.uint32)), (step, tf.zeros_like(step)))
    kept = tf.cast(tf.bitwise.right_shift(first, 8), tf.float32)  # 24 bits are exact
    return kept * 2.0**-24


def threefry(key: Pair, counter: Pair) -> Pair:
    """Threefry-2x32: two random uint32 tensors from a key and a counter."""
    third = tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(*key), _PARITY)
    keys = (*key, third)
    left, right = counter[0] + keys[0], counter[1] + keys[1]
    for turn in range(20):
        left += right
        right = tf.bitwise.bitwise_xor(_rotated(right, _ROTATIONS[turn % 8]), left)
        if turn % 4 == 3:
            number = turn // 4 + 1
            left += keys[number % 3]
            right += keys[(number + 1) % 3] + tf.cast(number, tf.uint32)
    return left, right


def _rotated(value: tf.Tensor, places: int) -> tf.Tensor:
    left = tf.bitwise.left_shift(value, tf.cast(places, tf.uint32))
    right = tf.bitwise.right_shift(value, tf.cast(32 - places, tf.uint32))
    return tf.bitwise.bitwise_or(left, right)
