"""When a text is over: its end mark, a sequence of ids, or whatever a caller says."""

import tensorflow as tf

from tfnlp.decoding.generation_state import Rules


def ending(
    history: tf.Tensor, count: tf.Tensor, rules: Rules
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which texts their last token ends, and how many tokens are no part of them.

    Args:
        history: int32 [N, S + T], `count` new tokens in it.

    Returns:
        Bool [N], and int32 [N]: 1 for an end mark, its length for a stop sequence.
    """
    ids = history[:, rules.start :]
    ended = tf.zeros([tf.shape(ids)[0]], tf.bool)
    dropped = tf.zeros_like(ids[:, 0])
    marks = rules.stops if rules.end is None else ((rules.end,), *rules.stops)
    for mark in marks:
        here = _ends_with(ids, count, mark)
        ended |= here
        dropped = tf.maximum(dropped, tf.where(here, len(mark), 0))
    if rules.stopped is not None:
        ended |= rules.stopped(ids, tf.zeros_like(dropped) + count)
    return ended, dropped


def _ends_with(ids: tf.Tensor, count: tf.Tensor, mark: tuple[int, ...]) -> tf.Tensor:
    same = tf.fill([tf.shape(ids)[0]], count >= len(mark))
    for back, token in enumerate(reversed(mark), start=1):
        same &= tf.gather(ids, tf.maximum(count - back, 0), axis=1) == token
    return same
