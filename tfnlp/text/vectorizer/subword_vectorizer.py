"""Subword vectorizer: token ids for tasks that read texts and write none."""

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.saving import pack
from tfnlp.specs import Rows
from tfnlp.text import ops
from tfnlp.text.normalize import DEFAULT
from tfnlp.text.text_columns import text_batches
from tfnlp.text.tokenizers.tokenizer import Tokenizer
from tfnlp.text.tokenizers.training import SUBWORDS, train_tokenizer
from tfnlp.text.vectorizer.padding import cut_counts, cut_shares, padded
from tfnlp.text.vectorizer.vectorizer import Vectorizer
from tfnlp.text.vocabulary import SPECIAL, Vocabulary

_NO_OPTION = {
    "ngrams": 1,
    "min_frequency": 1,
    "character_ngrams": None,
    "stop_words": (),
}
"""Options of `Vectorizer` that subwords do without, and what says nothing."""


class SubwordVectorizer(tf.Module):
    """Turns string [B] into subword ids int32 [B, T] and their padding mask.

    What `Vectorizer` does with words: T is the longest row of the batch and at
    least 1; a text without any token is one unknown token.

    Args:
        tokenizer: what texts are tokenized by.
        sequence_length: tokens kept of every text.

    Raises:
        UsageError: sequence_length is below 1.

    Example:
    >>> from tfnlp.text.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer(("a", "b"))
    >>> vectorizer = SubwordVectorizer(tokenizer, sequence_length=3)
    >>> vectorizer(["abba", ""])["token_ids"].numpy()
    array([[4, 5, 5],
           [1, 0, 0]], dtype=int32)
    """

    def __init__(self, tokenizer: Tokenizer, *, sequence_length: int = 256):
        super().__init__()
        if not isinstance(sequence_length, int) or sequence_length < 1:
            raise UsageError(
                "sequence_length counts tokens: a whole number of 1 or more. "
                f"Received: sequence_length={sequence_length!r}."
            )
        self.tokenizer, self.sequence_length = tokenizer, sequence_length

    @property
    def vocabulary(self) -> Vocabulary:
        """Every token and its id."""
        return Vocabulary(self.tokenizer.entries[len(SPECIAL) :], special=SPECIAL)

    @ops.primitive("subword_ids")
    @tf.autograph.experimental.do_not_convert
    def __call__(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes string [B].

        Returns:
            token_ids int32 [B, T] and padding_mask int32 [B, T].
        """
        ids = self.tokenizer.encode(texts)[:, : self.sequence_length]
        return padded(ids, unknown=self.tokenizer.unknown)

    def cut_share(self, rows: Rows, fields: Iterable[str]) -> dict[str, float]:
        """Measures how much `sequence_length` truncates and how much is unknown.

        Returns:
            shares: "texts" longer than `sequence_length`, "tokens" cut off, and
            "unknown" of the tokens kept.
        """

        def counts(texts: tf.Tensor) -> tf.Tensor:
            ids = self.tokenizer.encode(texts)
            return cut_counts(
                ids, length=self.sequence_length, unknown=self.tokenizer.unknown
            )

        return cut_shares(text_batches(rows, fields).map(counts))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "tokenizer": pack(self.tokenizer),
            "sequence_length": self.sequence_length,
        }


def learn_vectorizer(
    rows: Rows,
    fields: Iterable[str],
    *,
    tokenizer: str = "words",
    vocabulary_size: int = 20_000,
    sequence_length: int = 256,
    standardize: Sequence[str] = DEFAULT,
    **options: Any,
) -> Vectorizer | SubwordVectorizer:
    """Learns what turns texts into ids: of words, or of subwords in place of them.

    Args:
        rows: dataset of rows, not batched.
        fields: the text columns, which share the vocabulary.
        tokenizer: one of `tfnlp.text.splitters.SPLITTERS`, or of `SUBWORDS`.
        vocabulary_size: ids at most.
        sequence_length: tokens kept of every text.
        standardize: names out of `tfnlp.text.normalize.NORMALIZERS`.
        options: more of `Vectorizer.from_rows`; for words only.

    Raises:
        DataError: there is nothing to learn.
        SchemaError: the rows lack a field.
        UsageError: an option has a value that it cannot have, or subwords lack it.

    Example:
    >>> from tfnlp.text.text_columns import as_rows
    >>> rows = as_rows(["low lower", "new newer"])
    >>> vectorizer = learn_vectorizer(
    ...     rows, ["text"], tokenizer="bpe", sequence_length=3)
    >>> vectorizer(["Newest"])["token_ids"].shape
    TensorShape([1, 3])
    """
    if tokenizer not in SUBWORDS:
        options |= {
            "vocabulary_size": vocabulary_size,
            "sequence_length": sequence_length,
            "standardize": standardize,
        }
        return Vectorizer.from_rows(rows, fields, tokenizer=tokenizer, **options)
    for name, value in options.items():
        if name not in _NO_OPTION or value != _NO_OPTION[name]:
            raise UsageError(
                f"{name} is an option of words, not of subwords. "
                f"Received: {name}={value!r} with tokenizer={tokenizer!r}. "
                "Leave it out."
            )
    own = {"exact": False, "leading_blank": True} if tokenizer != "wordpiece" else {}
    trained = train_tokenizer(
        rows,
        fields,
        tokenizer=tokenizer,
        vocabulary_size=vocabulary_size,
        standardize=standardize,
        **own,
    )
    return SubwordVectorizer(trained, sequence_length=sequence_length)
