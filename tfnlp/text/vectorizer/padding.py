"""Ragged ids → what a network takes, and how much of the texts it does not get."""

import tensorflow as tf


def padded(ids: tf.RaggedTensor, *, unknown: int) -> dict[str, tf.Tensor]:
    """Fills rows of ids up with 0; a row without any id is one unknown token.

    Args:
        ids: [B, (T)] of any integer type.

    Returns:
        token_ids int32 [B, T] and padding_mask int32 [B, T], with T ≥ 1.

    Example:
    >>> padded(tf.ragged.constant([[5, 6], []]), unknown=1)["token_ids"].numpy()
    array([[5, 6],
           [1, 0]], dtype=int32)
    """
    lengths = tf.maximum(ids.row_lengths(), 1)
    length = tf.maximum(tf.reduce_max(lengths), 1)
    mask = tf.sequence_mask(lengths, length)
    token_ids = tf.cast(ids.to_tensor(shape=tf.stack([-1, length])), tf.int32)
    return {
        "token_ids": tf.where(mask & (token_ids == 0), unknown, token_ids),
        "padding_mask": tf.cast(mask, tf.int32),
    }


def cut_counts(ids: tf.RaggedTensor, *, length: int, unknown: int) -> tf.Tensor:
    """Counts texts, texts cut, tokens, tokens kept and those unknown: int64 [5]."""
    lengths = ids.row_lengths()
    kept = tf.minimum(lengths, length)
    unknowns = tf.cast(ids[:, :length].flat_values == unknown, tf.int64)
    counts = (
        tf.size(lengths, tf.int64),
        *(tf.cast(lengths > kept, tf.int64), lengths, kept, unknowns),
    )
    return tf.stack([tf.reduce_sum(count) for count in counts])


def cut_shares(counts: tf.data.Dataset) -> dict[str, float]:
    """Adds up what `cut_counts` counted of each batch.

    Returns:
        shares: "texts" that were cut, "tokens" cut, and "unknown" of those kept.

    Example:
    >>> counts = tf.data.Dataset.from_tensors(tf.constant([4, 1, 20, 10, 5], tf.int64))
    >>> cut_shares(counts)
    {'texts': 0.25, 'tokens': 0.5, 'unknown': 0.5}
    """
    total = counts.reduce(tf.zeros(5, tf.int64), tf.add)
    texts, cut_texts, tokens, kept, unknown = (int(count) for count in total)
    return {
        "texts": cut_texts / max(texts, 1),
        "tokens": 1 - kept / max(tokens, 1),
        "unknown": unknown / max(kept, 1),
    }
