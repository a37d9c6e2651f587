"""Stopping criteria: the end token, stop sequences, or a function of the caller."""

import tensorflow as tf

from tfnlp.decoding.generation_request import GenerationRequest


def find_finished(
    history: tf.Tensor, count: tf.Tensor, request: GenerationRequest
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which texts end with their last token, and how many tokens are cut off.

    Args:
        history: int32 [N, S + T], `count` new tokens in it.

    Returns:
        Bool [N], and int32 [N]: 1 for an end token, the length of a stop sequence.
    """
    ids = history[:, request.start :]
    ended = tf.zeros([tf.shape(ids)[0]], tf.bool)
    dropped = tf.zeros_like(ids[:, 0])
    marks = (
        request.stop_sequences
        if request.end_token_id is None
        else ((request.end_token_id,), *request.stop_sequences)
    )
    for mark in marks:
        here = _ends_with(ids, count, mark)
        ended |= here
        dropped = tf.maximum(dropped, tf.where(here, len(mark), 0))
    if request.stopping_criterion is not None:
        ended |= request.stopping_criterion(ids, tf.zeros_like(dropped) + count)
    return ended, dropped


def _ends_with(ids: tf.Tensor, count: tf.Tensor, mark: tuple[int, ...]) -> tf.Tensor:
    same = tf.fill([tf.shape(ids)[0]], count >= len(mark))
    for back, token in enumerate(reversed(mark), start=1):
        same &= tf.gather(ids, tf.maximum(count - back, 0), axis=1) == token
    return same
