"""Logits filters: top-k, top-p (nucleus) and min-p sampling, exact by definition.

A filter finds the last token that it keeps, in falling order of logits and rising
order of ids among equals, and sets all tokens after it to -inf. Sorting 50,000
tokens would take longer than many networks, and is not needed: nearly always the
last token is among the 256 most probable ones; for a wide nucleus, a histogram of
the masses gives the narrow band that it lies in. Which of these ways finds it
depends on the row alone, not on its batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfnlp.decoding.generation_config import GenerationConfig
from tfnlp.decoding.generation_request import when

_FEW = 256
_BANDS = 2048
_LEAST = -32.0  # below it, whole vocabularies have no mass that counts
_NEVER = float("-inf")


def filter_logits(logits: tf.Tensor, config: GenerationConfig) -> tf.Tensor:
    """Applies top_k, top_p and min_p: logits of removed tokens become -inf.

    Args:
        logits: float32 [N, V], the highest of each row 0.
    """
    cuts = config.any("top_k", lambda k: k > 0)
    shares = config.any("top_p", lambda p: p < 1.0)
    known = not (tf.is_tensor(cuts) or tf.is_tensor(shares))
    ranks = (cuts or shares) if known else tf.logical_or(cuts, shares)
    logits = when(ranks, lambda: _ranked(logits, config), lambda: logits)
    return when(
        config.any("min_p", lambda p: p > 0.0),
        lambda: _probable(logits, config),
        lambda: logits,
    )


def _probable(logits: tf.Tensor, config: GenerationConfig) -> tf.Tensor:
    return tf.where(logits >= tf.math.log(config.column("min_p")), logits, _NEVER)


class _Last(NamedTuple):
    """The last token that each row keeps, and whether that is certain."""

    logit: tf.Tensor  # float32 [N, 1]
    token: tf.Tensor  # int32 [N, 1]
    sure: tf.Tensor  # bool [N, 1]


def _ranked(logits: tf.Tensor, config: GenerationConfig) -> tf.Tensor:
    size = logits.shape[-1]
    if size <= _FEW:
        return _up_to(logits, _last(logits, config, size))
    last = _last(logits, config, _FEW)
    last = _if_unsure(last, lambda: _last_in_band(logits, config))
    return _up_to(logits, _if_unsure(last, lambda: _last(logits, config, size)))


def _if_unsure(last: _Last, otherwise: Callable[[], _Last]) -> _Last:
    """Rows that are sure, and a second way for the others, if there are any."""

    def mended() -> _Last:
        pairs = zip(last, otherwise(), strict=True)
        return _Last(*(tf.where(last.sure, one, other) for one, other in pairs))

    return tf.cond(tf.reduce_all(last.sure), lambda: last, mended)


def _last(logits: tf.Tensor, config: GenerationConfig, most: int) -> _Last:
    """Searches the `most` most probable tokens; -inf for rows that keep all."""
    size = logits.shape[-1]
    values, ids = tf.math.top_k(logits, most)  # [N, most]
    mass = tf.cumsum(tf.exp(values), axis=1)
    k, share = _effective_k(logits, config), config.column("top_p")
    cut = tf.gather(mass, tf.minimum(k, most) - 1, batch_dims=1)
    needed = share * tf.where(k < size, cut, _total_mass(logits))  # [N, 1]
    under = tf.reduce_sum(tf.cast(mass < needed, tf.int32), axis=1, keepdims=True)
    kept = tf.where(share < 1.0, tf.minimum(k, under + 1), k)
    last = tf.minimum(kept, most) - 1
    free = kept == size
    return _Last(
        logit=tf.where(free, _NEVER, tf.gather(values, last, batch_dims=1)),
        token=tf.where(free, size - 1, tf.gather(ids, last, batch_dims=1)),
        sure=(kept <= most) & ((k <= most) | (k == size)) | (free & (share >= 1.0)),
    )


def _last_in_band(logits: tf.Tensor, config: GenerationConfig) -> _Last:
    """Searches the band of logits in which the cumulative mass passes top_p.

    Sure where top_k is off and no more than 256 tokens share the band.
    """
    shown = tf.maximum(logits, _LEAST)
    lowest = tf.reduce_min(shown, axis=1, keepdims=True)
    bands = tf.cast(shown / lowest * (_BANDS - 1.0), tf.int32)  # rising, [N, V]
    bands = tf.where(lowest < 0.0, bands, 0)
    rows = tf.shape(logits)[0]
    places = bands + _BANDS * tf.range(rows)[:, None]
    masses = tf.math.unsorted_segment_sum(tf.exp(logits), places, rows * _BANDS)
    masses = tf.reshape(masses, [-1, _BANDS])
    needed = config.column("top_p") * _total_mass(logits)
    until = tf.cumsum(masses, axis=1)
    under = tf.cast((until < needed) & (until < until[:, -1:]), tf.int32)
    band = tf.reduce_sum(under, axis=1, keepdims=True)  # [N, 1]
    before = tf.cumsum(masses, axis=1, exclusive=True)
    before = tf.gather(before, band, batch_dims=1)
    inside = bands == band
    values, ids = tf.math.top_k(tf.where(inside, logits, _NEVER), _FEW)
    mass = before + tf.cumsum(tf.exp(values), axis=1)
    number = tf.reduce_sum(tf.cast(inside, tf.int32), axis=1, keepdims=True)
    under = tf.reduce_sum(tf.cast(mass < needed, tf.int32), axis=1, keepdims=True)
    last = tf.minimum(under, tf.minimum(number, _FEW) - 1)
    every = _effective_k(logits, config) == logits.shape[-1]
    return _Last(
        logit=tf.gather(values, last, batch_dims=1),
        token=tf.gather(ids, last, batch_dims=1),
        sure=every & (number <= _FEW),
    )


def _effective_k(logits: tf.Tensor, config: GenerationConfig) -> tf.Tensor:
    """The k of top_k, int32 [N, 1]: the vocabulary size where it is off."""
    k, size = config.column("top_k"), logits.shape[-1]
    k = tf.where((k > 0) & (k < size), k, size)
    return tf.broadcast_to(k, [tf.shape(logits)[0], 1])


def _total_mass(logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.exp(logits), axis=1, keepdims=True)


def _up_to(logits: tf.Tensor, last: _Last) -> tf.Tensor:
    tokens = tf.range(logits.shape[-1])
    equal = (logits == last.logit) & (tokens <= last.token)
    return tf.where((logits > last.logit) | equal, logits, _NEVER)
