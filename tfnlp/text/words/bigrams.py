"""Pairs of neighbours: what a word stands beside.

Where words are characters, as in Chinese, pairs of them are often words; vectors of
bigrams so give a tagger what no single character does (Chen et al. 2015; `bichar` in
Zhang and Yang 2018).
"""

import tensorflow as tf

from tfnlp.text import joining


def word_pairs(words: tf.RaggedTensor) -> tf.Tensor:
    """The two pairs that each word is in, with the word before and the one behind.

    Args:
        words: string [B, (T)].

    Returns:
        string [N, 2], for the N words of all rows; beyond the ends of a row there is
        an empty word.

    Example:
    >>> word_pairs(tf.ragged.constant([["中", "国"], []])).numpy().tolist() == [
    ...     [" 中".encode(), "中 国".encode()],
    ...     ["中 国".encode(), "国 ".encode()],
    ... ]
    True
    """
    flat, rows = words.flat_values, words.value_rowids()
    before = tf.concat([[""], flat], axis=0)[:-1]
    behind = tf.concat([flat, [""]], axis=0)[1:]
    none = tf.constant([-1], rows.dtype)
    begins = rows != tf.concat([none, rows], axis=0)[:-1]
    ends = rows != tf.concat([rows, none], axis=0)[1:]
    pairs = [
        joining.beside(tf.where(begins, "", before), flat),
        joining.beside(flat, tf.where(ends, "", behind)),
    ]
    return tf.stack(pairs, axis=1)
