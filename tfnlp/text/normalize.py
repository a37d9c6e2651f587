"""Named string → string functions, in graph and right for every alphabet.

Each takes and returns string [N]. They are named so that a configuration can say
them in JSON, and composable: `standardizer(("nfkc", "lower"))`. Nothing here knows
tokens.
"""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfnlp.errors import UsageError, nearest
from tfnlp.text import ops, unicode_tables

StringFunction = Callable[[tf.Tensor], tf.Tensor]

# RE2 patterns and what takes the place of a match, for other runtimes as well.
ASCII = r"[\x01-\x7F]*"
HTML_BREAKS = (r"(?i)<br\s*/?>", " ")
INVISIBLE = (
    r"[\x{AD}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]",
    "",
)
PUNCTUATION = (
    (r"[^\pL\pM\pN\pZ\pC'\x{2019}]", " "),
    (
        r"['\x{2019}]+\s['\x{2019}\s]*|\s['\x{2019}]+\s*|^['\x{2019}]+|['\x{2019}]+$",
        " ",
    ),
)
URLS = (r"(?i)\b(?:https?://|www\.)\S+", " url ")
USERS = (r"\B@\w+", " user ")
WHITESPACE = (r"[\s\v\x{85}\pZ]+", " ")


def utf8(texts: tf.Tensor) -> tf.Tensor:
    """Replaces bytes that are not UTF-8 by U+FFFD and changes nothing else.

    Example:
    >>> [text.decode() for text in utf8([b"caf\\xe9", b"a\\x00b"]).numpy()]
    ['caf�', 'a\\x00b']
    """
    texts = tf.convert_to_tensor(texts, tf.string)
    sound = tf.strings.regex_full_match(texts, r"(?s)[^\x{D800}-\x{DFFF}]*")
    return unicode_tables.change_rows(texts, ~sound, _repair)


def valid(texts: tf.Tensor) -> tf.Tensor:
    """Replaces bytes that are not UTF-8 by U+FFFD and NUL by a space.

    Every chain begins with it: what follows may rely on characters.

    Example:
    >>> [text.decode() for text in valid([b"caf\\xe9", b"a\\x00b"]).numpy()]
    ['caf�', 'a b']
    """
    texts = tf.convert_to_tensor(texts, tf.string)
    sound = tf.strings.regex_full_match(texts, r"(?s)[^\x00\x{D800}-\x{DFFF}]*")
    return unicode_tables.change_rows(texts, ~sound, _repair_all)


def _repair(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.unicode_transcode(
        texts, "UTF-8", "UTF-8", errors="replace", replace_control_characters=False
    )


def _repair_all(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(_repair(texts), r"\x00", " ")


def nfkc(texts: tf.Tensor) -> tf.Tensor:
    """Replaces compatibility characters: full-width forms, ligatures, NBSP, ….

    Every single character is mapped as NFKC maps it and marks are composed with
    the letter before them (e + ◌́ → é, Hangul jamo → syllables). Unlike full NFKC,
    several marks on one letter are not put into canonical order first.

    Example:
    >>> print(nfkc(["\\uff26\\uff55ll \\ufb01ne \\u2460"]).numpy()[0].decode())
    Full fine 1
    """
    return unicode_tables.compose(
        unicode_tables.replace(texts, unicode_tables.nfkc_table())
    )


def strip_accents(texts: tf.Tensor) -> tf.Tensor:
    """Removes accents: é → e, й → и, ü → u. Other marks stay (Hindi, Thai).

    Example:
    >>> print(strip_accents(["École naïve"]).numpy()[0].decode())
    Ecole naive
    """
    return unicode_tables.replace(texts, unicode_tables.accent_table())


@ops.primitive("lower")
def lower(texts: tf.Tensor) -> tf.Tensor:
    """Lower-cases every alphabet.

    Example:
    >>> print(lower(["ÉCOLE Яя"]).numpy()[0].decode())
    école яя
    """
    return tf.strings.lower(texts, encoding="utf-8")


def html_breaks(texts: tf.Tensor) -> tf.Tensor:
    """Replaces `<br />` by a space.

    Example:
    >>> html_breaks(["one<br />two"]).numpy()
    array([b'one two'], dtype=object)
    """
    return tf.strings.regex_replace(texts, *HTML_BREAKS)


def typography(texts: tf.Tensor) -> tf.Tensor:
    """Replaces typographic quotes, apostrophes and dashes by those of a keyboard.

    Example:
    >>> print(typography(["“quoted” don\\u2019t \\u2014 so"]).numpy()[0].decode())
    "quoted" don't - so
    """
    return unicode_tables.replace(texts, unicode_tables.typography_table())


def invisible(texts: tf.Tensor) -> tf.Tensor:
    """Removes soft hyphens, byte-order and direction marks.

    The joiners U+200C and U+200D stay: Persian words and emoji are made with them.

    Example:
    >>> invisible(["\\ufeffso\\u00adlid"]).numpy()
    array([b'solid'], dtype=object)
    """
    return tf.strings.regex_replace(texts, *INVISIBLE)


def punctuation(texts: tf.Tensor) -> tf.Tensor:
    """Drops punctuation and symbols, keeping apostrophes inside words.

    Exclamation marks and emoticons carry feeling; without this function the
    splitter `words` keeps them as tokens of their own.

    Example:
    >>> print(punctuation(["«Don't!» 'naïve'—dash"]).numpy()[0].decode().split())
    ["Don't", 'naïve', 'dash']
    """
    for pattern, rewrite in PUNCTUATION:
        texts = tf.strings.regex_replace(texts, pattern, rewrite)
    return texts


def whitespace(texts: tf.Tensor) -> tf.Tensor:
    """Replaces every run of white space, of any kind, by one space.

    Example:
    >>> whitespace(["a\\u3000\\n b "]).numpy()
    array([b'a b'], dtype=object)
    """
    return tf.strings.strip(tf.strings.regex_replace(texts, *WHITESPACE))


def urls(texts: tf.Tensor) -> tf.Tensor:
    """Replaces addresses of web pages by the word `url`.

    Example:
    >>> urls(["see https://a.org/b?c=d."]).numpy()
    array([b'see  url '], dtype=object)
    """
    return tf.strings.regex_replace(texts, *URLS)


def users(texts: tf.Tensor) -> tf.Tensor:
    """Replaces `@name` by the word `user`; mail addresses stay.

    Example:
    >>> users(["@anna says"]).numpy()
    array([b' user  says'], dtype=object)
    """
    return tf.strings.regex_replace(texts, *USERS)


NORMALIZERS: dict[str, StringFunction] = {
    function.__name__: function
    for function in (
        *(html_breaks, invisible, lower, nfkc, punctuation, strip_accents),
        *(typography, urls, users, valid, whitespace),
    )
}
"""Every function that a configuration can name."""

_OF_ASCII: dict[str, StringFunction | None] = {
    "lower": tf.strings.lower,
    **dict.fromkeys(("invisible", "nfkc", "strip_accents", "typography", "valid")),
}
"""What a function is to texts of ASCII, where that is faster; None if it is nothing."""

DEFAULT = ("html_breaks", "typography", "nfkc", "invisible", "lower")
"""What texts of words are standardised with unless something else is said."""


def standardizer(names: Sequence[str]) -> StringFunction:
    """Composes named functions, from left to right, behind `valid`.

    The same names give the same graph of string [N] in the whole process: datasets,
    vocabularies and endpoints call it, and its 500 operations take a second to trace.
    Most functions change nothing in a text of ASCII, and it goes past them.

    Raises:
        UsageError: a name is unknown.

    Example:
    >>> standardizer(("strip_accents", "lower"))(["ÉCOLE"]).numpy()
    array([b'ecole'], dtype=object)
    """
    unknown = [name for name in names if name not in NORMALIZERS]
    if unknown:
        raise UsageError(
            "A standardisation must be one that tfnlp knows. "
            f"Received: {unknown[0]!r}.{nearest(unknown[0], NORMALIZERS)} "
            f"Known: {', '.join(NORMALIZERS)}."
        )

    return _standardizer(tuple(names))


@functools.cache
def _standardizer(names: tuple[str, ...]) -> StringFunction:
    def of_all(texts: tf.Tensor) -> tf.Tensor:
        return _chained(valid(texts), [NORMALIZERS[name] for name in names])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def standardize(texts: tf.Tensor) -> tf.Tensor:
        rows = tf.where(~tf.strings.regex_full_match(texts, ASCII))
        short = [_OF_ASCII.get(name, NORMALIZERS[name]) for name in names]
        found = _chained(texts, [function for function in short if function])
        others = of_all(tf.gather_nd(texts, rows))
        return tf.tensor_scatter_nd_update(found, rows, others)

    def call(texts: tf.Tensor) -> tf.Tensor:
        texts = tf.convert_to_tensor(texts, tf.string)
        with tf.init_scope():  # belongs to no caller's graph
            shared = standardize.get_concrete_function()
        return tf.ensure_shape(shared(texts), texts.shape)

    return call


def _chained(texts: tf.Tensor, functions: Sequence[StringFunction]) -> tf.Tensor:
    for function in functions:
        texts = function(texts)
    return texts
