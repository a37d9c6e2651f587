"""Strings that become one, in graph: names of classes, and neighbouring words."""

from collections.abc import Sequence

import tensorflow as tf

from tfnlp.text import ops


@ops.primitive("join_labels")
def join_chosen(chosen: tf.Tensor, names: Sequence[str], separator: str) -> tf.Tensor:
    """Joins the chosen ones of some names, in their order: bool [B, C] → string [B].

    Example:
    >>> join_chosen([[True, True], [False, False]], ("joy", "love"), ",").numpy()
    array([b'joy,love', b''], dtype=object)
    """
    chosen = tf.convert_to_tensor(chosen)
    every = tf.tile(tf.constant([names]), [tf.shape(chosen)[0], 1])
    kept = tf.ragged.boolean_mask(every, chosen)
    return tf.strings.reduce_join(kept, axis=-1, separator=separator)


@ops.primitive("concatenate_neighbours")
def beside(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Puts each of some strings before its neighbour, with a space between them.

    Example:
    >>> beside(["New", ""], ["York", "Rome"]).numpy()
    array([b'New York', b' Rome'], dtype=object)
    """
    return tf.strings.join([first, second], " ")
