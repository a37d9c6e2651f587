"""Requests of a tagger as words, with the characters of the request they stand at.

A request is a text, which is split here, or words joined with single spaces, as
rows of tagged sentences carry them. Offsets count characters (code points), so
`text[start:end]` in Python is the word. Nothing here knows a vocabulary.
"""

from typing import NamedTuple

import tensorflow as tf

from tfnlp.text import ops
from tfnlp.text.splitters import offsets
from tfnlp.text.unicode_tables import change_rows


class Words(NamedTuple):
    """The words of each request and where they stand in it."""

    texts: tf.Tensor
    """String [B]: the requests."""
    tokens: tf.RaggedTensor
    """String [B, (T)]."""
    starts: tf.RaggedTensor
    """Int32 [B, (T)]: the first character of each word."""
    ends: tf.RaggedTensor
    """Int32 [B, (T)]: the character behind the last one."""


@ops.primitive("split_texts")
def of_texts(texts: tf.Tensor, tokenizer: str = "words") -> Words:
    """Splits texts with a named splitter; see `tfnlp.text.splitters`.

    Raises:
        UsageError: no splitter has that name.

    Example:
    >>> found = of_texts(["né, so"])
    >>> found.starts.to_list(), found.ends.to_list()
    ([[0, 2, 4]], [[2, 3, 6]])
    """
    texts = _sound(tf.convert_to_tensor(texts, tf.string))
    return Words(texts, *offsets(texts, tokenizer))


@ops.primitive("split_tokens")
def of_tokens(joined: tf.Tensor) -> Words:
    """Takes words apart that are joined with single spaces.

    Two spaces in a row have an empty word between them; the empty string has none.

    Example:
    >>> found = of_tokens(["in New\\xa0York", ""])
    >>> found.starts.to_list(), found.ends.to_list()
    ([[0, 3], []], [[2, 11], []])
    """
    joined = _sound(tf.convert_to_tensor(joined, tf.string))
    tokens = spaced(joined)
    sizes = tf.strings.length(tokens.flat_values, unit="UTF8_CHAR")
    running = tf.cumsum(sizes + 1) - 1  # ends, counted through all rows
    first = tf.cumsum(tf.strings.length(joined, unit="UTF8_CHAR") + 1, exclusive=True)
    empty = tf.cast(tf.strings.length(joined) == 0, tf.int32)  # has no word to count
    first -= tf.cumsum(empty, exclusive=True)
    ends = running - tf.gather(first, tokens.value_rowids())
    return Words(
        joined,
        tokens,
        tokens.with_flat_values(ends - sizes),
        tokens.with_flat_values(ends),
    )


@ops.primitive("substrings")
def cut(texts: tf.Tensor, starts: tf.RaggedTensor, ends: tf.RaggedTensor) -> tf.Tensor:
    """What stands between characters of texts: string [N], for all rows together.

    Args:
        texts: string [B].
        starts: int32 [B, (S)].
        ends: likewise; the character behind the last one.

    Example:
    >>> ends = tf.ragged.constant([[2, 7], []], dtype=tf.int32)
    >>> cut(["né, so", ""], ends - 2, ends).numpy().tolist()
    [b'n\\xc3\\xa9', b'o']
    """
    return tf.strings.substr(
        tf.gather(texts, starts.value_rowids()),
        starts.flat_values,
        ends.flat_values - starts.flat_values,
        unit="UTF8_CHAR",
    )


def spaced(joined: tf.Tensor) -> tf.RaggedTensor:
    """What is joined with single spaces, as string [B, (T)].

    Example:
    >>> spaced(["B-PER O", ""]).to_list()
    [[b'B-PER', b'O'], []]
    """
    parts = tf.strings.split(joined, " ")
    filled = tf.strings.length(joined) > 0
    return tf.ragged.boolean_mask(parts, tf.gather(filled, _rows(parts)))


def _rows(parts: tf.RaggedTensor) -> tf.RaggedTensor:
    return parts.with_flat_values(parts.value_rowids())


def _sound(joined: tf.Tensor) -> tf.Tensor:
    """Replaces bytes that are not UTF-8; NUL stays, as it is sliced out of answers."""
    sound = tf.strings.regex_full_match(joined, r"(?s)[^\x{D800}-\x{DFFF}]*")
    return change_rows(
        joined,
        ~sound,
        lambda rows: tf.strings.unicode_transcode(
            rows, "UTF-8", "UTF-8", errors="replace"
        ),
    )
