"""Pre-tokenization by name: string [B] → tokens [B, (T)], in graph, with offsets.

A splitter never changes a character, it only leaves out white space, so every
token can be found again in its text: `offsets` says where. Nothing here knows a
vocabulary.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError, nearest
from tfnlp.text import ops

Splitter = Callable[[tf.Tensor], tf.RaggedTensor]

_MARK = "\x1f"  # Unit separator: cuts a text into pieces that join to it again.
SPACES = (
    r"[\x00\v\x1c-\x1f\x{85}\x{A0}\x{1680}\x{2000}-\x{200B}"
    r"\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
)
UNSPACED = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}]"
    r"|[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\pM*"
)
"""RE2 pattern of one character of the alphabets that write no spaces."""

# RE2 patterns, for other runtimes as well.
TOKENS = "|".join(
    (
        r"[\pL\pM]+(?:['\x{2019}][\pL\pM]+)+",  # don't, l'été
        r"\pN+(?:[.,:/]\pN+)+",  # 3.5, 10/10, 12:30
        r"[!?]+|\.\.+|[:;=]-?[()]+",  # ?!, ..., :-)
        r"[\x{1F1E6}-\x{1F1FF}]{2}",  # Flags are two letters.
        r"\p{So}(?:[\x{FE0F}\x{20E3}\x{1F3FB}-\x{1F3FF}]|\x{200D}\p{So})*",
        UNSPACED,
        r"[\pP\pS]",
    )
)


def whitespace(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits at white space of any kind.

    Example:
    >>> whitespace(["don't stop!"]).to_list()
    [[b"don't", b'stop!']]
    """
    return tf.strings.split(_plain_spaces(texts))


def words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits into words, numbers and single signs.

    Apostrophes stay inside words, points inside numbers; runs of `!` and `?`,
    emoticons and emoji stay whole. Characters of alphabets that write no spaces
    (Chinese, Japanese, Thai, …) are a token each.

    Example:
    >>> words(["Don't stop, 10/10!!!"]).to_list()
    [[b"Don't", b'stop', b',', b'10/10', b'!!!']]
    >>> [token.decode() for token in words(["我爱 it"]).to_list()[0]]
    ['我', '爱', 'it']
    """
    return tf.strings.split(
        tf.strings.regex_replace(_plain_spaces(texts), TOKENS, r" \0 ")
    )


@ops.primitive("characters")
def characters(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits into characters (code points), white space included.

    Example:
    >>> characters(["né\\n"]).to_list()
    [[b'n', b'\\xc3\\xa9', b'\\n']]
    """
    return tf.strings.unicode_split(texts, "UTF-8")


def bytes_(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits into bytes; those outside printable ASCII are written `<0xE9>`.

    Example:
    >>> bytes_(["né"]).to_list()
    [[b'n', b'<0xC3>', b'<0xA9>']]
    """
    split = tf.strings.bytes_split(texts)
    return split.with_flat_values(tf.gather(_byte_names(), _byte_codes(split)))


SPLITTERS: dict[str, Splitter] = {
    "bytes": bytes_,
    "characters": characters,
    "whitespace": whitespace,
    "words": words,
}
"""Every splitter that a configuration can name."""


def splitter(name: str) -> Splitter:
    """Finds a splitter by its name.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in SPLITTERS:
        raise UsageError(
            "tokenizer must be one that tfnlp knows. "
            f"Received: {name!r}.{nearest(name, SPLITTERS)} "
            f"Known: {', '.join(SPLITTERS)}."
        )
    return SPLITTERS[name]


def offsets(
    texts: tf.Tensor, tokenizer: str
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """Splits and says which characters of the text each token is.

    Returns:
        tokens string [B, (T)], starts int32 [B, (T)] and ends int32 [B, (T)]: the
        token is `text[start:end]` in Python. Bytes say the character they are of.

    Example:
    >>> tokens, starts, ends = offsets(["né, so"], "words")
    >>> starts.to_list(), ends.to_list()
    ([[0, 2, 4]], [[2, 3, 6]])
    """
    tokens = splitter(tokenizer)(texts)
    if tokenizer == "characters":
        starts = tf.ragged.range(tf.cast(tokens.row_lengths(), tf.int32))
        return tokens, starts, starts + 1
    if tokenizer == "bytes":
        starts = _characters_of_bytes(texts)
        return tokens, starts, starts + 1
    pattern = rf"\s+|{TOKENS}" if tokenizer == "words" else r"\s+"
    return _pieces(_plain_spaces(texts), pattern)


def _pieces(
    texts: tf.Tensor, pattern: str
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    marked = tf.strings.regex_replace(texts, pattern, rf"{_MARK}\0{_MARK}")
    pieces = tf.strings.split(marked, _MARK)
    sizes = pieces.with_flat_values(
        tf.strings.length(pieces.flat_values, unit="UTF8_CHAR")
    )
    ends = _cumulated(sizes)
    kept = pieces.with_flat_values(
        ~tf.strings.regex_full_match(pieces.flat_values, r"\s*")
    )
    parts = (pieces, ends - sizes, ends)
    tokens, starts, ends = (tf.ragged.boolean_mask(part, kept) for part in parts)
    return tokens, starts, ends


def _characters_of_bytes(texts: tf.Tensor) -> tf.RaggedTensor:
    split = tf.strings.bytes_split(texts)
    begins = tf.cast(_byte_codes(split) & 0xC0 != 0x80, tf.int32)
    return _cumulated(split.with_flat_values(begins)) - 1


def _cumulated(sizes: tf.RaggedTensor) -> tf.RaggedTensor:
    """The running sum of int32 [B, (T)] along every row."""
    total = tf.concat([[0], tf.cumsum(sizes.flat_values)], axis=0)
    before = tf.gather(total, sizes.row_starts())
    return sizes.with_flat_values(total[1:] - tf.gather(before, sizes.value_rowids()))


def _plain_spaces(texts: tf.Tensor) -> tf.Tensor:
    """Turns every white-space character into one that the split op knows."""
    return tf.strings.regex_replace(texts, SPACES, " ")


def _byte_codes(split: tf.RaggedTensor) -> tf.Tensor:
    codes = tf.io.decode_raw(split.flat_values, tf.uint8)  # [N, 1]
    return tf.cast(tf.reshape(codes, [-1]), tf.int32)


def _byte_names() -> np.ndarray:
    return np.array(
        [chr(code) if 32 <= code < 127 else f"<0x{code:02X}>" for code in range(256)]
    )
