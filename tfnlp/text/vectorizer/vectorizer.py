"""Texts → token ids: standardise, tokenize, look up, truncate and pad, in graph.

Around `keras.layers.TextVectorization`, with what the layer lacks: Unicode-correct
functions, stop words, character n-grams, a vocabulary that is JSON, and a promise:
every row has at least one real token, also for an empty text. Runs of words are looked
up by `NgramIds` instead, which needs no string of theirs. Nothing here knows a network.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypedDict, Unpack

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.specs import Rows
from tfnlp.text import ops
from tfnlp.text.text_columns import as_rows, text_batches
from tfnlp.text.vectorizer.ngram_counts import most_common_ngrams
from tfnlp.text.vectorizer.ngram_ids import NgramIds
from tfnlp.text.vectorizer.padding import cut_counts, cut_shares, padded
from tfnlp.text.vectorizer.term_counts import most_common
from tfnlp.text.vectorizer.terms import Terms
from tfnlp.text.vocabulary import SPECIAL, Vocabulary


class VectorizerOptions(TypedDict, total=False):
    """What a vectorizer takes besides its vocabulary; see `Terms`."""

    standardize: Sequence[str]
    tokenizer: str
    ngrams: int
    character_ngrams: Sequence[int] | None
    stop_words: Sequence[str] | str
    sequence_length: int


class Vectorizer(tf.Module):
    """Turns string [B] into token ids int32 [B, T] and their padding mask.

    T is the longest row of the batch and at least 1. Padding has id 0 and unknown
    terms id 1; a text without any token is one unknown token.

    Args:
        vocabulary: terms by falling frequency, without the special ones.
        options: those of `tfnlp.text.vectorizer.terms.Terms`: standardize, tokenizer,
            ngrams, character_ngrams, stop_words, sequence_length.

    Raises:
        DataError: the vocabulary is empty or names a term twice.
        UsageError: an option has a value that it cannot have.

    Example:
    >>> vectorizer = Vectorizer(("a", "film", "good"), sequence_length=4)
    >>> features = vectorizer(["A good film!", ""])
    >>> features["token_ids"].numpy()
    array([[2, 4, 3, 1],
           [1, 0, 0, 0]], dtype=int32)
    >>> features["padding_mask"].numpy()
    array([[1, 1, 1, 1],
           [1, 0, 0, 0]], dtype=int32)
    """

    def __init__(self, vocabulary: Sequence[str], **options: Unpack[VectorizerOptions]):
        super().__init__()
        if len(vocabulary) == 0:
            raise DataError(
                "A vocabulary needs at least one term. Received: none. "
                "Check that the texts are not all empty, or lower min_frequency."
            )
        self.terms = Terms(**options)
        self.vocabulary = Vocabulary(vocabulary, special=SPECIAL)
        self._layer: Any = None
        self._runs: NgramIds | None = None
        if self.terms.are_runs_of_words:
            first, unknown = len(SPECIAL), self.vocabulary.unknown
            self._runs = NgramIds(
                vocabulary, first=first, unknown=unknown, ngrams=self.terms.ngrams
            )
            return
        self._layer = keras.layers.TextVectorization(
            standardize=self.terms.standardized,
            split=self.terms.from_standardized,
            ragged=True,
            vocabulary=np.array([*vocabulary], object),  # Keras tracks those of a list
        )

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        vocabulary_size: int = 20_000,
        min_frequency: int = 1,
        **options: Unpack[VectorizerOptions],
    ) -> Self:
        """Learns the vocabulary from text columns of rows, in one pass.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the vocabulary.
            vocabulary_size: entries of the vocabulary at most, special ones included.
            min_frequency: terms seen less often are left out.

        Raises:
            DataError: there is no term to learn.
            SchemaError: the rows lack a field.
            UsageError: vocabulary_size or min_frequency is too small.

        Example:
        >>> rows = tf.data.Dataset.from_tensors({"text": "so good, so good"})
        >>> Vectorizer.from_rows(rows, ["text"], vocabulary_size=4).vocabulary.entries
        ('', '[UNK]', 'good', 'so')
        """
        _check_size(vocabulary_size)
        check_min_frequency(min_frequency)
        terms = Terms(**options)
        texts = text_batches(rows, fields)
        most = {"size": vocabulary_size, "min_frequency": min_frequency}
        if terms.ngrams > 1 and terms.character_ngrams is None:
            tokens = terms.kept_tokens
            found = most_common_ngrams(texts, tokens, ngrams=terms.ngrams, **most)
        else:
            found = most_common(texts, terms, **most)
        return cls(
            [term for term in found if term not in SPECIAL][: vocabulary_size - 2],
            **options,
        )

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        *,
        vocabulary_size: int = 20_000,
        min_frequency: int = 1,
        **options: Unpack[VectorizerOptions],
    ) -> Self:
        """Learns the vocabulary from strings; see `from_rows`.

        Example:
        >>> vectorizer = Vectorizer.from_texts(["a film", "a play"], ngrams=2)
        >>> vectorizer.vocabulary.entries[2:]
        ('a', 'a film', 'a play', 'film', 'play')
        """
        return cls.from_rows(
            as_rows(texts),
            ["text"],
            vocabulary_size=vocabulary_size,
            min_frequency=min_frequency,
            **options,
        )

    @ops.primitive("vectorize")
    @tf.autograph.experimental.do_not_convert
    def __call__(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes string [B].

        Returns:
            token_ids int32 [B, T] and padding_mask int32 [B, T].
        """
        texts = tf.convert_to_tensor(texts, tf.string)
        if self._runs is None:
            ids = self._layer(texts)  # [B, (T)]
        else:
            flat = tf.squeeze(texts, 1) if texts.shape.rank == 2 else texts  # [B, 1]
            ids = self._runs(self.terms.kept_tokens(flat))
        return padded(ids, unknown=self.vocabulary.unknown)

    def cut_share(self, rows: Rows, fields: Iterable[str]) -> dict[str, float]:
        """Measures how much `sequence_length` truncates and how much is unknown.

        Returns:
            shares: "texts" longer than `sequence_length`, "tokens" cut off, and
            "unknown" of the tokens kept.

        Example:
        >>> rows = tf.data.Dataset.from_tensors({"text": "a good long film"})
        >>> Vectorizer(("a", "film"), sequence_length=2).cut_share(rows, ["text"])
        {'texts': 1.0, 'tokens': 0.5, 'unknown': 0.5}
        """
        counts = text_batches(rows, fields).map(self._cut, num_parallel_calls=2)
        return cut_shares(counts)

    def _cut(self, texts: tf.Tensor) -> tf.Tensor:
        """Counts texts, texts cut, tokens, tokens kept and tokens unknown: [5]."""
        ids = self.vocabulary.ids(self.terms.tokens(self.terms.standardized(texts)))
        return cut_counts(
            ids, length=self.terms.sequence_length, unknown=self.vocabulary.unknown
        )

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {"vocabulary": self.vocabulary.entries[2:], **self.terms.config()}


def _check_size(vocabulary_size: int) -> None:
    if vocabulary_size <= len(SPECIAL):
        raise UsageError(
            "A vocabulary has room for padding, [UNK] and at least one term. "
            f"Received: vocabulary_size={vocabulary_size}. "
            "Use 3 or more; 20,000 is usual."
        )


def check_min_frequency(min_frequency: int) -> None:
    if min_frequency < 1:
        raise UsageError(
            "min_frequency says how often a term must occur, at least once. "
            f"Received: {min_frequency}. Use 1 to keep every term."
        )
