"""Replaces characters by tables of Unicode, in graph and without a lookup resource.

The tables are constants of the graph, taken from Python's `unicodedata` when a
function is traced. Only rows that hold a character of the table are taken apart;
for the others a replacement costs one scan.
"""

import functools
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_ASSIGNED = 0x30000  # No character above changes; leaves out 900,000 code points.
MARKS_ON_A_LETTER = 3
"""Marks that are composed with one letter at most."""


class Table(NamedTuple):
    """Code points and what each becomes: `pieces[start : start + size]`."""

    codes: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    pieces: np.ndarray
    pattern: str
    """RE2 pattern of the texts that may change."""


class Pairs(NamedTuple):
    """Letter and mark, as one key, and the letter that they compose to."""

    keys: np.ndarray
    letters: np.ndarray
    pattern: str
    """RE2 pattern of the texts that hold such a mark."""


def replace(texts: tf.Tensor, table: Table) -> tf.Tensor:
    """Replaces characters of string [N] by the table."""
    return _rewrite(texts, table.pattern, lambda codes: _look_up(codes, table))


def compose(texts: tf.Tensor) -> tf.Tensor:
    """Composes letters of string [N] with the marks behind them."""
    return _rewrite(texts, canonical_pairs().pattern, _composed)


def ranges(codes: Iterable[int]) -> str:
    """Code points as the inside of a class of RE2.

    Example:
    >>> ranges([0x41, 0x43, 0x42, 0xE9])
    '\\\\x{41}-\\\\x{43}\\\\x{E9}-\\\\x{E9}'
    """
    array = np.array(sorted(codes), np.int64)
    if not array.size:
        return ""
    breaks = np.flatnonzero(np.diff(array) != 1)
    firsts = array[np.r_[0, breaks + 1]]
    lasts = array[np.r_[breaks, len(array) - 1]]
    return "".join(
        rf"\x{{{first:X}}}-\x{{{last:X}}}"
        for first, last in zip(firsts, lasts, strict=True)
    )


def change_rows(
    texts: tf.Tensor, chosen: tf.Tensor, change: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Applies a function to the chosen rows of string [N] only."""
    rows = tf.where(chosen)  # [R, 1]
    changed = change(tf.gather_nd(texts, rows))
    return tf.tensor_scatter_nd_update(texts, rows, changed)


@functools.cache
def nfkc_table() -> Table:
    """What NFKC makes of every single character that it changes."""
    return _table(lambda text: unicodedata.normalize("NFKC", text))


@functools.cache
def typography_table() -> Table:
    """Quotes, apostrophes and dashes of print and those of a keyboard."""
    signs = {code: "'" for code in (0x2018, 0x2019, 0x201A, 0x201B, 0x2BC, 0xB4)}
    signs |= dict.fromkeys((0x201C, 0x201D, 0x201E, 0x201F), '"')
    signs |= dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
    return _table(lambda text: text.translate(signs))


@functools.cache
def accent_table() -> Table:
    """Letters with accents and the letters without."""
    return _table(_strip)


@functools.cache
def canonical_pairs() -> Pairs:
    """Every letter that Unicode composes of a letter and a mark."""
    pairs = {}
    for character in _characters():
        parts = unicodedata.normalize("NFD", character)
        if len(parts) > 1 and unicodedata.is_normalized("NFC", character):
            first = unicodedata.normalize("NFC", parts[:-1])
            if len(first) == 1:
                pairs[(ord(first) << 21) | ord(parts[-1])] = ord(character)
    keys = sorted(pairs)
    return Pairs(
        keys=np.array(keys, np.int64),
        letters=np.array([pairs[key] for key in keys], np.int32),
        pattern=_pattern({key & 0x1FFFFF for key in keys}),
    )


def _rewrite(
    texts: tf.Tensor,
    pattern: str,
    change: Callable[[tf.RaggedTensor], tf.RaggedTensor],
) -> tf.Tensor:
    """Changes the code points [R, (C)] of the rows that match a pattern."""

    def rewrite(rows: tf.Tensor) -> tf.Tensor:
        codes = change(tf.strings.unicode_decode(rows, "UTF-8"))
        return tf.strings.unicode_encode(codes, "UTF-8")

    texts = tf.convert_to_tensor(texts, tf.string)
    return change_rows(texts, tf.strings.regex_full_match(texts, pattern), rewrite)


def _look_up(codes: tf.RaggedTensor, table: Table) -> tf.RaggedTensor:
    """Replaces code points [N, (C)] by none, one or several."""
    flat = codes.flat_values
    found, place = _find(flat, tf.constant(table.codes))
    size = tf.where(found, tf.gather(table.sizes, place), 1)
    inside = tf.ragged.range(size).flat_values
    piece = tf.repeat(tf.gather(table.starts, place), size) + inside
    found = tf.repeat(found, size)
    pieces = tf.gather(table.pieces, tf.where(found, piece, 0))
    replaced = tf.where(found, pieces, tf.repeat(flat, size))
    sizes = tf.reduce_sum(codes.with_flat_values(size), axis=1)
    return tf.RaggedTensor.from_row_lengths(replaced, sizes, validate=False)


def _composed(codes: tf.RaggedTensor) -> tf.RaggedTensor:
    """Composes letters of [N, (C)] with all marks behind them."""
    pairs = canonical_pairs()
    keys, letters = tf.constant(pairs.keys), tf.constant(pairs.letters)
    for _ in range(MARKS_ON_A_LETTER):
        codes = _compose(codes, keys, letters)
    return codes


def _compose(
    codes: tf.RaggedTensor, keys: tf.Tensor, letters: tf.Tensor
) -> tf.RaggedTensor:
    """Composes each letter of [N, (C)] with the mark behind it, once."""
    flat = tf.cast(codes.flat_values, tf.int64)
    rows = codes.value_rowids()
    behind = tf.concat([flat[1:], [0]], axis=0)[: tf.size(flat)]
    same_row = tf.concat([rows[1:] == rows[:-1], [False]], axis=0)[: tf.size(flat)]
    found, place = _find(tf.bitwise.left_shift(flat, 21) | behind, keys)
    found &= same_row
    composed = tf.where(found, tf.gather(letters, place), codes.flat_values)
    kept = ~tf.concat([[False], found[:-1]], axis=0)[: tf.size(flat)]
    return tf.ragged.boolean_mask(
        codes.with_flat_values(composed), codes.with_flat_values(kept)
    )


def _find(values: tf.Tensor, keys: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Says for every value whether it is a key, and where."""
    place = tf.minimum(tf.searchsorted(keys, values), tf.size(keys) - 1)
    return tf.gather(keys, place) == values, place


def _table(change: Callable[[str], str]) -> Table:
    changed = {}
    for character in _characters():
        replacement = change(character)
        if replacement != character:
            changed[ord(character)] = [ord(piece) for piece in replacement]
    sizes = np.array([len(pieces) for pieces in changed.values()], np.int32)
    return Table(
        codes=np.array(list(changed), np.int32),
        starts=(np.cumsum(sizes) - sizes).astype(np.int32),
        sizes=sizes,
        pieces=np.concatenate(list(changed.values())).astype(np.int32),
        pattern=_pattern(changed),
    )


def _characters() -> Iterable[str]:
    return (chr(code) for code in range(_ASSIGNED) if not 0xD800 <= code < 0xE000)


def _strip(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    bare = "".join(part for part in parts if not "\u0300" <= part <= "\u036f")
    return unicodedata.normalize("NFC", bare) if bare != parts else character


def _pattern(codes: Iterable[int]) -> str:
    """Writes a RE2 pattern of texts that hold one of the code points."""
    return f"(?s).*[{ranges(codes)}].*"
