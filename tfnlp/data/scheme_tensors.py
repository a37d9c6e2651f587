"""Tagging schemes in graph: tags written in another scheme, and the spans they spell.

The same rule of reading as in `tfnlp.data.schemes`, which the tests hold this
against, on whole batches of strings.
"""

from typing import NamedTuple

import tensorflow as tf

from tfnlp.data.schemes import LETTERS, OUTSIDE, known

_LETTERED = r"(?s)[BIESMLU](-.+)?"


class Spans(NamedTuple):
    """The spans of each row, in words; the end is not included."""

    types: tf.RaggedTensor
    """String [B, (S)]."""
    starts: tf.RaggedTensor
    """Int32 [B, (S)]."""
    ends: tf.RaggedTensor
    """Int32 [B, (S)]."""


class _Read(NamedTuple):
    """What each word is, through all rows: [N]."""

    inside: tf.Tensor  # whether it is of a span
    first: tf.Tensor
    last: tf.Tensor
    types: tf.Tensor


def rewritten(tags: tf.RaggedTensor, scheme: str) -> tf.RaggedTensor:
    """Writes the spans of tags of any scheme in another one; see `schemes.convert`.

    Args:
        tags: string [B, (T)].
        scheme: one of `schemes.SCHEMES`.

    Example:
    >>> rewritten(tf.ragged.constant([["B-A", "I-A", "O", "I-B"]]), "BIOES").to_list()
    [[b'B-A', b'E-A', b'O', b'S-B']]
    """
    name = known(scheme)
    read = _read(tags)
    begin, inside, end, single = LETTERS[name]
    letters = tf.where(
        read.first,
        tf.where(read.last, single, begin),
        tf.where(read.last, end, inside),
    )
    if name == "IOB1":
        letters = tf.where(read.first & _follows_its_type(tags, read), "B", letters)
    hyphen = tf.where(read.types == "", "", "-")
    written = tf.strings.join([letters, hyphen, read.types])
    return tags.with_flat_values(tf.where(read.inside, written, OUTSIDE))


def spans(tags: tf.RaggedTensor) -> Spans:
    """The spans that tags spell; see `schemes.spans`.

    Args:
        tags: string [B, (T)] of any scheme.

    Example:
    >>> found = spans(tf.ragged.constant([["B-A", "I-A", "O", "S-B"]]))
    >>> found.types.to_list(), found.starts.to_list(), found.ends.to_list()
    ([[b'A', b'B']], [[0, 3]], [[2, 4]])
    """
    read = _read(tags)
    places = tf.ragged.range(tf.cast(tags.row_lengths(), tf.int32))
    first = tags.with_flat_values(read.first)
    last = tags.with_flat_values(read.last)
    return Spans(
        tf.ragged.boolean_mask(tags.with_flat_values(read.types), first),
        tf.ragged.boolean_mask(places, first),
        tf.ragged.boolean_mask(places + 1, last),
    )


def _read(tags: tf.RaggedTensor) -> _Read:
    flat = tags.flat_values
    lettered = tf.strings.regex_full_match(flat, _LETTERED)
    letters = tf.where(lettered, tf.strings.substr(flat, 0, 1), "I")
    inside = (flat != OUTSIDE) & (flat != "")
    types = tf.where(lettered, tf.strings.regex_replace(flat, r"^[A-Z]-?", ""), flat)
    types = tf.where(inside, types, "")
    open_before = _earlier(_any(letters, "BIM") & inside, tags, False)
    same = _earlier(types, tags, "") == types
    goes_on = _any(letters, "IMEL") & inside & open_before & same
    first = inside & ~goes_on
    last = inside & ~_later(goes_on, tags)
    return _Read(inside, first, last, types)


def _follows_its_type(tags: tf.RaggedTensor, read: _Read) -> tf.Tensor:
    ended = _earlier(read.last, tags, False)
    return ended & (_earlier(read.types, tags, "") == read.types)


def _any(letters: tf.Tensor, wanted: str) -> tf.Tensor:
    return tf.strings.regex_full_match(letters, f"[{wanted}]")


def _earlier(
    values: tf.Tensor, tags: tf.RaggedTensor, nothing: str | bool
) -> tf.Tensor:
    """The value of the word before, in the same row: [N]."""
    shifted = tf.concat([values[:0], values[:1], values[:-1]], axis=0)
    places = tf.ragged.range(tags.row_lengths()).flat_values
    return tf.where(places == 0, tf.constant(nothing, values.dtype), shifted)


def _later(values: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether it is true of the word behind, in the same row: bool [N]."""
    shifted = tf.concat([values[1:], values[:1]], axis=0)
    lengths = tags.row_lengths()
    left = tf.gather(lengths, tags.value_rowids())
    places = tf.ragged.range(lengths).flat_values
    return tf.where(places + 1 == left, False, shifted)
