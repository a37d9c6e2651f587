"""Logits processors: repetition penalty, suppressed, n-gram and forced tokens.

Each costs the test of one scalar where no row uses it, and nothing where that is
known when the graph is built.
"""

import numpy as np
import tensorflow as tf

from tfnlp.decoding.generation_request import GenerationRequest, when

_NEVER = float("-inf")


def process_logits(
    logits: tf.Tensor, history: tf.Tensor, count: tf.Tensor, request: GenerationRequest
) -> tf.Tensor:
    """Applies the logits processors of a request to logits float32 [N, V].

    They are the logits of the token after `count` new ones in a history [N, L]. The
    repetition penalty comes first, then suppressed tokens (padding, suppress_tokens,
    the end token before min_tokens), then n-grams that would repeat, then forced
    tokens.
    """
    config = request.config
    place = request.start + count
    logits = when(
        config.any("repetition_penalty", lambda factor: factor != 1.0),
        lambda: _repetition(logits, history, request),
        lambda: logits,
    )
    logits += _bans(request.suppress_tokens, logits.shape[-1])
    if request.end_token_id is not None:
        logits = when(
            config.any("min_tokens", lambda least: least > 0),
            lambda: _without_end(logits, count, request),
            lambda: logits,
        )
    logits = when(
        config.any("no_repeat_ngram_size", lambda size: size > 0),
        lambda: _without_repeats(logits, history, place, request),
        lambda: logits,
    )
    if request.forced_tokens is None:
        return logits
    return tf.cond(
        count < tf.shape(request.forced_tokens)[1],
        lambda: _forced(logits, count, request.forced_tokens),
        lambda: logits,
    )


def _repetition(
    logits: tf.Tensor, history: tf.Tensor, request: GenerationRequest
) -> tf.Tensor:
    """Repetition penalty on the tokens of the history; a token counts once."""
    factor = request.config.column("repetition_penalty")
    found = tf.gather(logits, history, batch_dims=1)  # [N, L]
    changed = tf.where(found > 0.0, found / factor, found * factor)
    changed = tf.where(history > 0, changed, found)
    return tf.tensor_scatter_nd_update(logits, _places(history), changed)


def _bans(suppress_tokens: tuple[int, ...], size: int) -> tf.Tensor:
    bans = np.zeros([size], np.float32)
    bans[list(suppress_tokens)] = _NEVER
    return tf.constant(bans)


def _without_end(
    logits: tf.Tensor, count: tf.Tensor, request: GenerationRequest
) -> tf.Tensor:
    early = count < request.config.column("min_tokens")  # [N, 1]
    ends = tf.range(logits.shape[-1]) == request.end_token_id  # [V]
    return tf.where(early & ends, _NEVER, logits)


def _without_repeats(
    logits: tf.Tensor, history: tf.Tensor, place: tf.Tensor, request: GenerationRequest
) -> tf.Tensor:
    """Bans tokens that would complete an n-gram of the history.

    Where that would ban every token, nothing is banned.
    """
    size = request.config.column("no_repeat_ngram_size")  # [N, 1]
    places = tf.range(tf.shape(history)[1])

    def compared(back: tf.Tensor, same: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        before = tf.gather(history, tf.maximum(places - back, 0), axis=1)
        last = tf.gather(history, tf.maximum(place - back, 0), axis=1)[:, None]
        there = (places >= back) & (place >= back) & (last > 0)
        return back + 1, same & ((before == last) & there | (back >= size))

    same = (size > 0) & (places < place) & (history > 0)  # [N, L]
    most = request.config.highest("no_repeat_ngram_size")
    _, same = tf.while_loop(lambda back, _: back < most, compared, (1, same))
    limits = tf.where(same, _NEVER, float("inf"))
    limited = tf.tensor_scatter_nd_min(logits, _places(history), limits)
    some = tf.reduce_max(limited, axis=-1, keepdims=True) > _NEVER
    return tf.where(some, limited, logits)


def _forced(logits: tf.Tensor, count: tf.Tensor, forced_tokens: tf.Tensor) -> tf.Tensor:
    token = tf.gather(forced_tokens, count, axis=1)[:, None]  # [N, 1]
    only = tf.where(tf.range(logits.shape[-1]) == token, 0.0, _NEVER)
    return tf.where(token > 0, only, logits)


def _places(history: tf.Tensor) -> tf.Tensor:
    """Indices of the tokens of a history in logits: int32 [N, L, 2]."""
    rows = tf.range(tf.shape(history)[0])[:, None]
    return tf.stack([tf.zeros_like(history) + rows, history], axis=-1)
