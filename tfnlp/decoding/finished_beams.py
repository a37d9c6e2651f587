"""The best texts that a search has finished so far, for each of R rows."""

from typing import NamedTuple

import tensorflow as tf

LOWEST = tf.float32.min
"""The score of a text that does not exist."""


class Pool(NamedTuple):
    """At most w finished texts for each of R rows, best first."""

    ids: tf.Tensor  # int32 [R, w, T]
    lengths: tf.Tensor  # int32 [R, w]
    scores: tf.Tensor  # float32 [R, w]
    ended: tf.Tensor  # bool [R, w]


def empty(rows: tf.Tensor, width: int | tf.Tensor, size: int | tf.Tensor) -> Pool:
    """A pool of texts that do not exist."""
    return Pool(
        ids=tf.zeros([rows, width, size], tf.int32),
        lengths=tf.zeros([rows, width], tf.int32),
        scores=tf.fill([rows, width], LOWEST),
        ended=tf.zeros([rows, width], tf.bool),
    )


def joined(pool: Pool, other: Pool) -> Pool:
    """Both pools' texts, in the order of the first, then of the second."""
    return Pool(*(tf.concat(pair, axis=1) for pair in zip(pool, other, strict=True)))


def best(pool: Pool, number: int | tf.Tensor) -> Pool:
    """The best texts of a pool, in falling order; of equals the earlier ones."""
    scores, places = tf.math.top_k(pool.scores, number)
    return Pool(*(tf.gather(part, places, batch_dims=1) for part in pool))._replace(
        scores=scores
    )


def limited(pool: Pool, number: tf.Tensor) -> Pool:
    """A pool in which rows have so many texts, [R] or [1], and no more."""
    there = tf.range(tf.shape(pool.scores)[1]) < number[:, None]
    return only(pool, there & (pool.scores > LOWEST))


def only(pool: Pool, there: tf.Tensor) -> Pool:
    """A pool without the texts that are not there, bool [R, w]."""
    return Pool(
        ids=tf.where(there[..., None], pool.ids, 0),
        lengths=tf.where(there, pool.lengths, 0),
        scores=tf.where(there, pool.scores, LOWEST),
        ended=there & pool.ended,
    )
