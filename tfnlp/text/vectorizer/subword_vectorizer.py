"""Pieces in place of words: for tasks that read texts and write none."""

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.saving import pack
from tfnlp.specs import Rows
from tfnlp.text.normalize import DEFAULT
from tfnlp.text.text_columns import text_batches
from tfnlp.text.tokenizers.tokenizer import Pieces
from tfnlp.text.tokenizers.training import SUBWORDS, learn_pieces
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


class PieceVectorizer(tf.Module):
    """Turns string [B] into piece ids int32 [B, T] and their padding mask.

    What `Vectorizer` does with words: T is the longest row of the batch and at
    least 1; a text without any piece is one unknown token.

    Args:
        pieces: what cuts texts.
        sequence_length: pieces kept of every text.

    Raises:
        UsageError: sequence_length is below 1.

    Example:
    >>> from tfnlp.text.tokenizers.words import Characters
    >>> vectorizer = PieceVectorizer(Characters(("a", "b")), sequence_length=3)
    >>> vectorizer(["abba", ""])["token_ids"].numpy()
    array([[4, 5, 5],
           [1, 0, 0]], dtype=int32)
    """

    def __init__(self, pieces: Pieces, *, sequence_length: int = 256):
        super().__init__()
        if not isinstance(sequence_length, int) or sequence_length < 1:
            raise UsageError(
                "sequence_length counts pieces: a whole number of 1 or more. "
                f"Received: sequence_length={sequence_length!r}."
            )
        self.pieces, self.sequence_length = pieces, sequence_length

    @property
    def vocabulary(self) -> Vocabulary:
        """Every piece and its id."""
        return Vocabulary(self.pieces.entries[len(SPECIAL) :], special=SPECIAL)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes string [B].

        Returns:
            token_ids int32 [B, T] and padding_mask int32 [B, T].
        """
        ids = self.pieces.encode(texts)[:, : self.sequence_length]
        return padded(ids, unknown=self.pieces.unknown)

    def cut_share(self, rows: Rows, fields: Iterable[str]) -> dict[str, float]:
        """Measures how much `sequence_length` truncates and how much is unknown.

        Returns:
            shares: "texts" longer than `sequence_length`, "tokens" cut off, and
            "unknown" of the tokens kept.
        """

        def counts(texts: tf.Tensor) -> tf.Tensor:
            ids = self.pieces.encode(texts)
            return cut_counts(
                ids, length=self.sequence_length, unknown=self.pieces.unknown
            )

        return cut_shares(text_batches(rows, fields).map(counts))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {"pieces": pack(self.pieces), "sequence_length": self.sequence_length}


def learn_vectorizer(
    rows: Rows,
    fields: Iterable[str],
    *,
    tokenizer: str = "words",
    vocabulary_size: int = 20_000,
    sequence_length: int = 256,
    standardize: Sequence[str] = DEFAULT,
    **options: Any,
) -> Vectorizer | PieceVectorizer:
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
    pieces = learn_pieces(
        rows,
        fields,
        tokenizer=tokenizer,
        vocabulary_size=vocabulary_size,
        standardize=standardize,
        **own,
    )
    return PieceVectorizer(pieces, sequence_length=sequence_length)
