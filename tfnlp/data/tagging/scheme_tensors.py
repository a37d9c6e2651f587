"""Tagging schemes in graph: tags written in another scheme, and the spans they spell.

The same rule of reading as in `tfnlp.data.tagging.schemes`, which the tests hold this
against, on whole batches of strings.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfnlp.data.tagging.schemes import LETTERS, OUTSIDE, known, parse

_LETTERED = r"(?s)[BIESMLU](-.+)?"
_BEGIN, _INSIDE, _END, _SINGLE, _BESIDE = range(5)
"""The letters of a scheme by number, and what IOB1 begins a neighbour with."""


class Spans(NamedTuple):
    """The spans of each row, in words; the end is not included."""

    types: tf.RaggedTensor
    """String [B, (S)]."""
    starts: tf.RaggedTensor
    """Int32 [B, (S)]."""
    ends: tf.RaggedTensor
    """Int32 [B, (S)]."""


class _Parsed(NamedTuple):
    """What the tag of each word says by itself, through all rows: [N]."""

    inside: tf.Tensor  # whether it is of a span
    opens: tf.Tensor  # whether the next word may go on with the span
    goes_on: tf.Tensor  # whether it may itself
    types: tf.Tensor  # strings, or numbers of them


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
    read = _read(_parsed(tags.flat_values), tags)
    letters = tf.gather(_letters(name), _written(read, tags, name))
    hyphen = tf.where(read.types == "", "", "-")
    written = tf.strings.join([letters, hyphen, read.types])
    return tags.with_flat_values(tf.where(read.inside, written, OUTSIDE))


def rewritten_numbers(
    numbers: tf.RaggedTensor, tags: Sequence[str], scheme: str
) -> tuple[tf.RaggedTensor, tuple[str, ...]]:
    """`rewritten` for tags by number: no string is touched, so that it is fast.

    Args:
        numbers: int32 [B, (T)], places in `tags`.
        tags: what the numbers stand for.
        scheme: one of `schemes.SCHEMES`.

    Returns:
        Other numbers, and the tags that they stand for.

    Example:
    >>> found, tags = rewritten_numbers(
    ...     tf.ragged.constant([[0, 1, 2]]), ("B-A", "I-A", "O"), "BIOES"
    ... )
    >>> [tags[number] for number in found[0].numpy()]
    ['B-A', 'E-A', 'O']
    """
    name = known(scheme)
    types = _types(tags)
    letters = _letters(name)
    every = tuple(
        f"{letter}-{type}" if type else letter for type in types for letter in letters
    )
    read = _read(_parsed_numbers(numbers.flat_values, tags), numbers)
    written = read.types * len(letters) + _written(read, numbers, name)
    written = tf.where(read.inside, written, len(every))
    return numbers.with_flat_values(written), (*every, OUTSIDE)


def spans(tags: tf.RaggedTensor) -> Spans:
    """The spans that tags spell; see `schemes.spans`.

    Args:
        tags: string [B, (T)] of any scheme.

    Example:
    >>> found = spans(tf.ragged.constant([["B-A", "I-A", "O", "S-B"]]))
    >>> found.types.to_list(), found.starts.to_list(), found.ends.to_list()
    ([[b'A', b'B']], [[0, 3]], [[2, 4]])
    """
    read = _read(_parsed(tags.flat_values), tags)
    places = tf.ragged.range(tf.cast(tags.row_lengths(), tf.int32))
    types = tags.with_flat_values(read.types)
    return _spans(read, types, places, places + 1)


def spans_of_numbers(
    numbers: tf.RaggedTensor,
    tags: Sequence[str],
    starts: tf.RaggedTensor,
    ends: tf.RaggedTensor,
) -> Spans:
    """The spans that tags spell by number, from where to where their words stand.

    Args:
        numbers: int32 [B, (T)], places in `tags`.
        tags: what the numbers stand for.
        starts: of each word, int32 [B, (T)].
        ends: likewise.

    Example:
    >>> found = spans_of_numbers(
    ...     tf.ragged.constant([[0, 1]]), ("B-A", "I-A"),
    ...     starts=tf.ragged.constant([[0, 4]]), ends=tf.ragged.constant([[3, 8]]),
    ... )
    >>> found.types.to_list(), found.starts.to_list(), found.ends.to_list()
    ([[b'A']], [[0]], [[8]])
    """
    read = _read(_parsed_numbers(numbers.flat_values, tags), numbers)
    found = _spans(read, numbers.with_flat_values(read.types), starts, ends)
    names = tf.gather(tf.constant(_types(tags)), found.types.flat_values)
    return found._replace(types=found.types.with_flat_values(names))


def _spans(
    read: _Read,
    types: tf.RaggedTensor,
    starts: tf.RaggedTensor,
    ends: tf.RaggedTensor,
) -> Spans:
    first = starts.with_flat_values(read.first)
    last = ends.with_flat_values(read.last)
    return Spans(
        tf.ragged.boolean_mask(types, first),
        tf.ragged.boolean_mask(starts, first),
        tf.ragged.boolean_mask(ends, last),
    )


def _parsed(tags: tf.Tensor) -> _Parsed:
    lettered = tf.strings.regex_full_match(tags, _LETTERED)
    letters = tf.where(lettered, tf.strings.substr(tags, 0, 1), "I")
    inside = (tags != OUTSIDE) & (tags != "")
    types = tf.where(lettered, tf.strings.regex_replace(tags, r"^[A-Z]-?", ""), tags)
    types = tf.where(inside, types, "")
    return _Parsed(inside, _any(letters, "BIM"), _any(letters, "IMEL"), types)


def _parsed_numbers(numbers: tf.Tensor, tags: Sequence[str]) -> _Parsed:
    types = _types(tags)
    parsed = [parse(tag) for tag in tags]
    return _Parsed(
        inside=_of([role != OUTSIDE for role, _ in parsed], numbers),
        opens=_of([role in "BI" for role, _ in parsed], numbers),
        goes_on=_of([role in "IE" for role, _ in parsed], numbers),
        types=_of([types.index(type) for _, type in parsed], numbers),
    )


def _of(each: Sequence[bool | int], numbers: tf.Tensor) -> tf.Tensor:
    """What is known of every tag, of those at numbers [N]."""
    known = np.array(each)
    return tf.gather(known if known.dtype == bool else np.int32(known), numbers)


def _types(tags: Sequence[str]) -> tuple[str, ...]:
    """Every type of tags, once; "" for those without one."""
    return tuple(dict.fromkeys(parse(tag)[1] for tag in tags))


def _letters(scheme: str) -> tuple[str, ...]:
    return (*LETTERS[scheme], "B")


def _read(parsed: _Parsed, tags: tf.RaggedTensor) -> _Read:
    inside, types = parsed.inside, parsed.types
    open_before = _earlier(parsed.opens & inside, tags)
    same = _earlier(types, tags) == types
    goes_on = parsed.goes_on & inside & open_before & same
    first = inside & ~goes_on
    last = inside & ~_later(goes_on, tags)
    return _Read(inside, first, last, types)


def _written(read: _Read, tags: tf.RaggedTensor, scheme: str) -> tf.Tensor:
    """The number of the letter of each word, int32 [N]; of any that is in no span."""
    begins = tf.where(read.last, _SINGLE, _BEGIN)
    if scheme == "IOB1":
        begins = tf.where(_follows_its_type(tags, read), _BESIDE, begins)
    return tf.where(read.first, begins, tf.where(read.last, _END, _INSIDE))


def _follows_its_type(tags: tf.RaggedTensor, read: _Read) -> tf.Tensor:
    ended = _earlier(read.last, tags)
    return ended & (_earlier(read.types, tags) == read.types)


def _any(letters: tf.Tensor, wanted: str) -> tf.Tensor:
    return tf.strings.regex_full_match(letters, f"[{wanted}]")


def _earlier(values: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """The value of the word before, in the same row: [N]; nothing at its start."""
    shifted = tf.concat([values[:1], values[:-1]], axis=0)
    places = tf.ragged.range(tags.row_lengths()).flat_values
    return tf.where(places == 0, tf.zeros([], values.dtype), shifted)


def _later(values: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether it is true of the word behind, in the same row: bool [N]."""
    shifted = tf.concat([values[1:], values[:1]], axis=0)
    lengths = tags.row_lengths()
    left = tf.gather(lengths, tags.value_rowids())
    places = tf.ragged.range(lengths).flat_values
    return tf.where(places + 1 == left, False, shifted)
