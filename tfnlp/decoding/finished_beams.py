"""Finished beams: the best finished texts of a beam search, for each of R rows."""

from typing import NamedTuple

import tensorflow as tf

LOWEST = tf.float32.min
"""The score of a text that does not exist."""


class FinishedBeams(NamedTuple):
    """At most w finished beams for each of R rows, best first."""

    ids: tf.Tensor  # int32 [R, w, T]
    lengths: tf.Tensor  # int32 [R, w]
    scores: tf.Tensor  # float32 [R, w]
    ended: tf.Tensor  # bool [R, w]


def empty(
    rows: tf.Tensor, width: int | tf.Tensor, size: int | tf.Tensor
) -> FinishedBeams:
    """Beams that do not exist, of the lowest score."""
    return FinishedBeams(
        ids=tf.zeros([rows, width, size], tf.int32),
        lengths=tf.zeros([rows, width], tf.int32),
        scores=tf.fill([rows, width], LOWEST),
        ended=tf.zeros([rows, width], tf.bool),
    )


def concatenated(pool: FinishedBeams, other: FinishedBeams) -> FinishedBeams:
    """Concatenates two sets of beams, the first one first."""
    return FinishedBeams(
        *(tf.concat(pair, axis=1) for pair in zip(pool, other, strict=True))
    )


def top(pool: FinishedBeams, number: int | tf.Tensor) -> FinishedBeams:
    """The top `number` beams by score; of equal scores the earlier ones."""
    scores, places = tf.math.top_k(pool.scores, number)
    return FinishedBeams(
        *(tf.gather(part, places, batch_dims=1) for part in pool)
    )._replace(scores=scores)


def truncated(pool: FinishedBeams, number: tf.Tensor) -> FinishedBeams:
    """Keeps the first `number` beams of each row, [R] or [1]."""
    there = tf.range(tf.shape(pool.scores)[1]) < number[:, None]
    return masked(pool, there & (pool.scores > LOWEST))


def masked(pool: FinishedBeams, there: tf.Tensor) -> FinishedBeams:
    """Removes the beams where the mask, bool [R, w], is false."""
    return FinishedBeams(
        ids=tf.where(there[..., None], pool.ids, 0),
        lengths=tf.where(there, pool.lengths, 0),
        scores=tf.where(there, pool.scores, LOWEST),
        ended=there & pool.ended,
    )
