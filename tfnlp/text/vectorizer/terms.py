"""Texts → the strings that a vocabulary counts and looks up, in graph.

A term is a token, an n-gram of tokens or a piece of a token. Counting and encoding
call the same function, so a vocabulary always fits its vectorizer. Nothing here
knows ids.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.text.normalize import DEFAULT, standardizer
from tfnlp.text.splitters import splitter

_PIECE = "\x1f"  # Begins every piece of a token: no token is mistaken for one.


@dataclasses.dataclass(frozen=True)
class Terms:
    """A function string [B] → terms string [B, (T)], with options in JSON values.

    Args:
        standardize: names out of `tfnlp.text.normalize.NORMALIZERS`.
        tokenizer: "words", "whitespace", "characters" or "bytes".
        ngrams: word n-grams of 1 … n tokens; those of 2 and more come behind the
            tokens of a row and make it longer.
        character_ngrams: fewest and most characters of the pieces of each token,
            with `<` and `>` put at its ends; they come last in a row.
        stop_words: tokens to leave out, written as they are after `standardize`;
            "english" is scikit-learn's list.
        sequence_length: tokens kept of every text, before n-grams are built.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> Terms(ngrams=2, sequence_length=3)(["A good film, really"]).to_list()
    [[b'a', b'good', b'film', b'a good', b'good film']]
    """

    standardize: Sequence[str] = DEFAULT
    tokenizer: str = "words"
    ngrams: int = 1
    character_ngrams: Sequence[int] | None = None
    stop_words: Sequence[str] | str = ()
    sequence_length: int = 256

    def __post_init__(self) -> None:
        if isinstance(self.standardize, str):
            object.__setattr__(self, "standardize", (self.standardize,))
        object.__setattr__(self, "standardize", tuple(self.standardize))
        object.__setattr__(self, "stop_words", _stop_words(self.stop_words))
        if self.character_ngrams is not None:
            sizes = tuple(self.character_ngrams)
            object.__setattr__(self, "character_ngrams", sizes)
        _check(self)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return self.from_standardized(self.standardized(texts))

    def standardized(self, texts: tf.Tensor) -> tf.Tensor:
        """Does the first half: string [B] → string [B]."""
        return standardizer(self.standardize)(texts)

    def from_standardized(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Does the second half: standardised string [B] → terms string [B, (T)]."""
        tokens = self._first(texts)
        terms = [tokens]
        if self.ngrams > 1:
            widths = tuple(range(2, self.ngrams + 1))
            terms.append(tf.strings.ngrams(tokens, widths, separator=" "))
        if self.character_ngrams is not None:
            terms.append(_pieces(tokens, *self.character_ngrams))
        return tf.concat(terms, axis=1) if len(terms) > 1 else tokens

    @property
    def are_runs_of_words(self) -> bool:
        """Whether terms are runs of several tokens, none of which holds a blank."""
        words = self.tokenizer in ("words", "whitespace")
        return self.ngrams > 1 and words and self.character_ngrams is None

    def kept_tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The tokens that n-grams are built of: string [B] → [B, (T)]."""
        return self._first(self.standardized(texts))

    def _first(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return self.tokens(texts)[:, : self.sequence_length]

    def tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits standardised texts, without stop words and not yet cut."""
        tokens = splitter(self.tokenizer)(texts)
        if not self.stop_words:
            return tokens
        pattern = "|".join(re.escape(word) for word in self.stop_words)
        stops = tf.strings.regex_full_match(tokens.flat_values, f"(?:{pattern})")
        return tf.ragged.boolean_mask(tokens, tokens.with_flat_values(~stops))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self)
        }


def _pieces(tokens: tf.RaggedTensor, fewest: int, most: int) -> tf.RaggedTensor:
    """Character n-grams inside each token: [B, (T)] → [B, (P)]."""
    distinct, places = tf.unique(tokens.flat_values)
    framed = tf.strings.join(["<", distinct, ">"])
    characters = tf.strings.unicode_split(framed, "UTF-8")  # [U, (C)]
    widths = tuple(range(fewest, most + 1))
    pieces = tf.strings.ngrams(characters, widths, separator="")
    marked = pieces.with_flat_values(tf.strings.join([_PIECE, pieces.flat_values]))
    return tokens.with_flat_values(tf.gather(marked, places)).merge_dims(1, 2)


def _stop_words(words: Sequence[str] | str) -> tuple[str, ...]:
    if not isinstance(words, str):
        return tuple(words)
    if words != "english":
        raise UsageError(
            "Stop words are a list, or the name of one: 'english'. "
            f"Received: {words!r}. Hand in the words themselves."
        )
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return tuple(sorted(ENGLISH_STOP_WORDS))


def _check(terms: Terms) -> None:
    standardizer(terms.standardize)
    splitter(terms.tokenizer)
    for name in ("ngrams", "sequence_length"):
        value = getattr(terms, name)
        if not isinstance(value, int) or value < 1:
            raise UsageError(
                f"{name} counts tokens: a whole number of 1 or more. "
                f"Received: {name}={value!r}."
            )
    sizes = terms.character_ngrams
    if sizes is not None and not (len(sizes) == 2 and 1 <= sizes[0] <= sizes[1]):
        raise UsageError(
            "character_ngrams are two numbers, the fewest and the most characters, "
            f"from 1 up. Received: {sizes!r}. fastText uses (3, 6)."
        )
