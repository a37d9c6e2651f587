"""What changes logits before a token is chosen: penalties, bans and forced tokens.

Each costs one look at a scalar where no row asks for it, and nothing where that is
known when the graph is built.
"""

import numpy as np
import tensorflow as tf

from tfnlp.decoding.generation_state import Rules, when

_NEVER = float("-inf")


def processed(
    logits: tf.Tensor, history: tf.Tensor, count: tf.Tensor, rules: Rules
) -> tf.Tensor:
    """Logits float32 [N, V] of the token after `count` new ones in a history [N, L].

    The repetition penalty comes first, then bans (padding, banned tokens, an end
    before min_tokens), then n-grams that would come twice, then forced tokens.
    """
    options = rules.options
    place = rules.start + count
    logits = when(
        options.any("repetition_penalty", lambda factor: factor != 1.0),
        lambda: _repetition(logits, history, rules),
        lambda: logits,
    )
    logits += _bans(rules.banned, logits.shape[-1])
    if rules.end is not None:
        logits = when(
            options.any("min_tokens", lambda least: least > 0),
            lambda: _without_end(logits, count, rules),
            lambda: logits,
        )
    logits = when(
        options.any("no_repeat_ngram_size", lambda size: size > 0),
        lambda: _without_repeats(logits, history, place, rules),
        lambda: logits,
    )
    if rules.forced is None:
        return logits
    return tf.cond(
        count < tf.shape(rules.forced)[1],
        lambda: _forced(logits, count, rules.forced),
        lambda: logits,
    )


def _repetition(logits: tf.Tensor, history: tf.Tensor, rules: Rules) -> tf.Tensor:
    """Makes tokens of the history less probable; a token counts once."""
    factor = rules.options.column("repetition_penalty")
    found = tf.gather(logits, history, batch_dims=1)  # [N, L]
    changed = tf.where(found > 0.0, found / factor, found * factor)
    changed = tf.where(history > 0, changed, found)
    return tf.tensor_scatter_nd_update(logits, _places(history), changed)


def _bans(banned: tuple[int, ...], size: int) -> tf.Tensor:
    bans = np.zeros([size], np.float32)
    bans[list(banned)] = _NEVER
    return tf.constant(bans)


def _without_end(logits: tf.Tensor, count: tf.Tensor, rules: Rules) -> tf.Tensor:
    early = count < rules.options.column("min_tokens")  # [N, 1]
    ends = tf.range(logits.shape[-1]) == rules.end  # [V]
    return tf.where(early & ends, _NEVER, logits)


def _without_repeats(
    logits: tf.Tensor, history: tf.Tensor, place: tf.Tensor, rules: Rules
) -> tf.Tensor:
    """Bans tokens that followed, somewhere before, the tokens that are last now.

    Where that would leave nothing to choose, nothing is banned.
    """
    size = rules.options.column("no_repeat_ngram_size")  # [N, 1]
    places = tf.range(tf.shape(history)[1])

    def compared(back: tf.Tensor, same: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        before = tf.gather(history, tf.maximum(places - back, 0), axis=1)
        last = tf.gather(history, tf.maximum(place - back, 0), axis=1)[:, None]
        there = (places >= back) & (place >= back) & (last > 0)
        return back + 1, same & ((before == last) & there | (back >= size))

    same = (size > 0) & (places < place) & (history > 0)  # [N, L]
    most = rules.options.highest("no_repeat_ngram_size")
    _, same = tf.while_loop(lambda back, _: back < most, compared, (1, same))
    limits = tf.where(same, _NEVER, float("inf"))
    limited = tf.tensor_scatter_nd_min(logits, _places(history), limits)
    some = tf.reduce_max(limited, axis=-1, keepdims=True) > _NEVER
    return tf.where(some, limited, logits)


def _forced(logits: tf.Tensor, count: tf.Tensor, forced: tf.Tensor) -> tf.Tensor:
    token = tf.gather(forced, count, axis=1)[:, None]  # [N, 1]
    only = tf.where(tf.range(logits.shape[-1]) == token, 0.0, _NEVER)
    return tf.where(token > 0, only, logits)


def _places(history: tf.Tensor) -> tf.Tensor:
    """Where the tokens of a history are among logits: int32 [N, L, 2]."""
    rows = tf.range(tf.shape(history)[0])[:, None]
    return tf.stack([tf.zeros_like(history) + rows, history], axis=-1)
