"""Texts → token ids: standardise, split, look up, cut and pad, in graph.

Around `keras.layers.TextVectorization`, with what the layer lacks: Unicode-correct
functions, stop words, character n-grams, a vocabulary that is JSON, and a promise:
every row has at least one real token, also for an empty text. Nothing here knows
a network.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypedDict, Unpack

import keras
import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.specs import TEXT, Rows, check_rows
from tfnlp.text.counting import most_common
from tfnlp.text.terms import Terms
from tfnlp.text.vocabulary import SPECIAL, Vocabulary

_BATCH = 1024


class Options(TypedDict, total=False):
    """What a vectorizer takes besides its vocabulary; see `Terms`."""

    standardize: Sequence[str]
    split: str
    ngrams: int
    character_ngrams: Sequence[int] | None
    stop_words: Sequence[str] | str
    length: int


class Vectorizer(tf.Module):
    """Turns string [B] into token ids int32 [B, T] and their padding mask.

    T is the longest row of the batch and at least 1. Padding has id 0 and unknown
    terms id 1; a text without any token is one unknown token.

    Args:
        vocabulary: terms by falling frequency, without the special ones.
        options: those of `tfnlp.text.terms.Terms`: standardize, split, ngrams,
            character_ngrams, stop_words, length.

    Raises:
        DataError: the vocabulary is empty or names a term twice.
        UsageError: an option has a value that it cannot have.

    Example:
    >>> vectorizer = Vectorizer(("a", "film", "good"), length=4)
    >>> features = vectorizer(["A good film!", ""])
    >>> features["token_ids"].numpy()
    array([[2, 4, 3, 1],
           [1, 0, 0, 0]], dtype=int32)
    >>> features["padding_mask"].numpy()
    array([[1, 1, 1, 1],
           [1, 0, 0, 0]], dtype=int32)
    """

    def __init__(self, vocabulary: Sequence[str], **options: Unpack[Options]):
        super().__init__()
        if len(vocabulary) == 0:
            raise DataError(
                "A vocabulary needs at least one term. Received: none. "
                "Check that the texts are not all empty, or lower minimum_count."
            )
        self.terms = Terms(**options)
        self.vocabulary = Vocabulary(vocabulary, special=SPECIAL)
        self._layer = keras.layers.TextVectorization(
            standardize=self.terms.standardized,
            split=self.terms.from_standardized,
            ragged=True,
            vocabulary=list(vocabulary),
        )

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        size: int = 20_000,
        minimum_count: int = 1,
        **options: Unpack[Options],
    ) -> Self:
        """Learns the vocabulary from text columns of rows, in one pass.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the vocabulary.
            size: entries of the vocabulary at most, special ones included.
            minimum_count: terms seen less often are left out.

        Raises:
            DataError: there is no term to learn.
            SchemaError: the rows lack a field.
            UsageError: size or minimum_count is too small.

        Example:
        >>> rows = tf.data.Dataset.from_tensors({"text": "so good, so good"})
        >>> Vectorizer.from_rows(rows, ["text"], size=4).vocabulary.entries
        ('', '[UNK]', 'good', 'so')
        """
        _check_size(size)
        _check_minimum_count(minimum_count)
        terms = Terms(**options)
        texts = _batches(rows, tuple(fields))
        found = most_common(texts, terms, size=size, minimum_count=minimum_count)
        return cls(
            [term for term in found if term not in SPECIAL][: size - 2], **options
        )

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        *,
        size: int = 20_000,
        minimum_count: int = 1,
        **options: Unpack[Options],
    ) -> Self:
        """Learns the vocabulary from strings; see `from_rows`.

        Example:
        >>> vectorizer = Vectorizer.from_texts(["a film", "a play"], ngrams=2)
        >>> vectorizer.vocabulary.entries[2:]
        ('a', 'a film', 'a play', 'film', 'play')
        """
        column = tf.constant(list(texts), tf.string)
        rows = tf.data.Dataset.from_tensor_slices({"text": column})
        return cls.from_rows(
            rows, ["text"], size=size, minimum_count=minimum_count, **options
        )

    def __call__(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes string [B].

        Returns:
            token_ids int32 [B, T] and padding_mask int32 [B, T].
        """
        ids = self._layer(tf.convert_to_tensor(texts, tf.string))  # [B, (T)]
        lengths = tf.maximum(ids.row_lengths(), 1)
        length = tf.maximum(tf.reduce_max(lengths), 1)
        mask = tf.sequence_mask(lengths, length)
        padded = tf.cast(ids.to_tensor(shape=tf.stack([-1, length])), tf.int32)
        unknown = self.vocabulary.unknown
        return {
            "token_ids": tf.where(mask & (padded == 0), unknown, padded),
            "padding_mask": tf.cast(mask, tf.int32),
        }

    def cut_share(self, rows: Rows, fields: Iterable[str]) -> dict[str, float]:
        """Says how much of the texts `length` cuts and how much is unknown.

        Returns:
            shares: "texts" longer than `length`, "tokens" cut, and "unknown" of
            the tokens kept.

        Example:
        >>> rows = tf.data.Dataset.from_tensors({"text": "a good long film"})
        >>> Vectorizer(("a", "film"), length=2).cut_share(rows, ["text"])
        {'texts': 1.0, 'tokens': 0.5, 'unknown': 0.5}
        """
        batches = _batches(rows, tuple(fields)).map(self._cut, num_parallel_calls=2)
        counts = [int(count) for count in batches.reduce(tf.zeros(5, tf.int64), tf.add)]
        texts, cut_texts, tokens, kept, unknown = counts
        return {
            "texts": cut_texts / max(texts, 1),
            "tokens": 1 - kept / max(tokens, 1),
            "unknown": unknown / max(kept, 1),
        }

    def _cut(self, texts: tf.Tensor) -> tf.Tensor:
        """Counts texts, texts cut, tokens, tokens kept and tokens unknown: [5]."""
        tokens = self.terms.tokens(self.terms.standardized(texts))
        lengths = tokens.row_lengths()
        kept = tf.minimum(lengths, self.terms.length)
        ids = self.vocabulary.ids(tokens[:, : self.terms.length].flat_values)
        unknown = tf.cast(ids == self.vocabulary.unknown, tf.int64)
        cut = tf.cast(lengths > kept, tf.int64)
        counts = (
            tf.size(lengths, tf.int64),
            *map(tf.reduce_sum, (cut, lengths, kept, unknown)),
        )
        return tf.stack(counts)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {"vocabulary": self.vocabulary.entries[2:], **self.terms.config()}


def _check_size(size: int) -> None:
    if size <= len(SPECIAL):
        raise UsageError(
            "A vocabulary has room for padding, [UNK] and at least one term. "
            f"Received: size={size}. Use 3 or more; 20,000 is usual."
        )


def _check_minimum_count(minimum_count: int) -> None:
    if minimum_count < 1:
        raise UsageError(
            "minimum_count says how often a term must occur, at least once. "
            f"Received: {minimum_count}. Use 1 to keep every term."
        )


def _batches(rows: Rows, fields: tuple[str, ...]) -> tf.data.Dataset:
    """The text columns of rows as batches of string [B]."""
    options = tf.data.Options()
    options.autotune.enabled = False

    def joined(columns: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.concat([columns[field] for field in fields], axis=0)

    schema = dict.fromkeys(fields, TEXT)
    return check_rows(rows, schema).batch(_BATCH).map(joined).with_options(options)
