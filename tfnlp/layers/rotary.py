"""Rotary position embedding (RoPE): attention by relative distance."""

import tensorflow as tf

BASE = 10_000.0
"""The longest wavelength, in tokens, over 2π (Hugging Face: rope_theta)."""


def apply_rotary(vectors: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Rotates queries or keys by angles that grow with position (Su et al. 2021).

    The product of two rotated vectors depends on the distance of their positions
    alone, so nothing is learned and rows may be of any length.

    Args:
        vectors: float [..., T, D] with an even D; of one head.
        places: int32 [..., T], broadcast against the vectors.

    Returns:
        float [..., T, D], of the type of the vectors.

    Example:
    >>> turned = apply_rotary(tf.constant([[1.0, 0.0]]), tf.constant([1]))
    >>> turned.numpy().round(2)
    array([[0.54, 0.84]], dtype=float32)
    """
    half = vectors.shape[-1] // 2
    steps = tf.range(half, dtype=tf.float32) / float(half)
    angles = tf.expand_dims(tf.cast(places, tf.float32), -1) * tf.pow(BASE, -steps)
    cos = tf.cast(tf.cos(angles), vectors.dtype)  # [..., T, D / 2]
    sin = tf.cast(tf.sin(angles), vectors.dtype)
    first, second = tf.split(vectors, 2, axis=-1)
    return tf.concat([first * cos - second * sin, second * cos + first * sin], axis=-1)
