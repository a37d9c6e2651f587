"""Tokens too improbable to be drawn: top_k, top_p and min_p, exact by definition.

A filter names the last token that it keeps, in falling order of logits and rising
order of ids among equals, and everything up to that token stays where it is. What
is drawn afterwards therefore does not depend on how the last one was found: among
256 tokens, which is quick and nearly always enough, or among all.
"""

import tensorflow as tf

from tfnlp.decoding.options import Options
from tfnlp.decoding.rules import when

_FEW = 256
_NEVER = float("-inf")


def filtered(logits: tf.Tensor, options: Options) -> tf.Tensor:
    """Sets the logits of tokens that are not kept to -inf.

    Args:
        logits: float32 [N, V], the highest of each row 0.
    """
    cuts = options.any("top_k", lambda k: k > 0)
    shares = options.any("top_p", lambda p: p < 1.0)
    known = not (tf.is_tensor(cuts) or tf.is_tensor(shares))
    ranks = (cuts or shares) if known else tf.logical_or(cuts, shares)
    logits = when(ranks, lambda: _ranked(logits, options), lambda: logits)
    return when(
        options.any("min_p", lambda p: p > 0.0),
        lambda: _probable(logits, options),
        lambda: logits,
    )


def _probable(logits: tf.Tensor, options: Options) -> tf.Tensor:
    return tf.where(logits >= tf.math.log(options.column("min_p")), logits, _NEVER)


def _ranked(logits: tf.Tensor, options: Options) -> tf.Tensor:
    size = logits.shape[-1]
    if size <= _FEW:
        return _up_to(logits, *_last(logits, options, size)[:2])
    value, token, enough = _last(logits, options, _FEW)
    value, token = tf.cond(
        tf.reduce_all(enough),
        lambda: (value, token),
        lambda: _last(logits, options, size)[:2],
    )
    return _up_to(logits, value, token)


def _last(
    logits: tf.Tensor, options: Options, most: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The last token that each row keeps among its `most` most probable ones.

    Returns:
        Its logit, float32 [N, 1], its id, int32 [N, 1], and whether it is truly the
        last: bool [N, 1]. A row that keeps all has -inf and the highest id.
    """
    size = logits.shape[-1]
    values, ids = tf.math.top_k(logits, most)  # [N, most]
    mass = tf.cumsum(tf.exp(values), axis=1)
    whole = tf.reduce_sum(tf.exp(logits), axis=1, keepdims=True)  # [N, 1]
    asked, share = options.column("top_k"), options.column("top_p")
    k = tf.where((asked > 0) & (asked < size), asked, size) + tf.zeros_like(ids[:, :1])
    cut = tf.gather(mass, tf.minimum(k, most) - 1, batch_dims=1)
    needed = share * tf.where(k < size, cut, whole)  # [N, 1]
    under = tf.reduce_sum(tf.cast(mass < needed, tf.int32), axis=1, keepdims=True)
    kept = tf.where(share < 1.0, tf.minimum(k, under + 1), k)
    last = tf.minimum(kept, most) - 1
    free = kept == size
    value = tf.where(free, _NEVER, tf.gather(values, last, batch_dims=1))
    token = tf.where(free, size - 1, tf.gather(ids, last, batch_dims=1))
    idle = (share >= 1.0) & free
    return value, token, idle | (k <= most) | ((kept <= most) & (share < 1.0))


def _up_to(logits: tf.Tensor, value: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
    equal = (logits == value) & (tf.range(logits.shape[-1]) <= token)
    return tf.where((logits > value) | equal, logits, _NEVER)
