"""WordPiece: words and, where the vocabulary lacks a word, the longest parts of it.

Learnt with the byte-pair merges of sentencepiece, applied by tensorflow-text in graph.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import tensorflow as tf

from tfnlp.errors import DataError
from tfnlp.specs import Rows
from tfnlp.text.normalize import standardizer
from tfnlp.text.optional_packages import tensorflow_text
from tfnlp.text.splitters import words
from tfnlp.text.text_columns import as_rows, text_batches
from tfnlp.text.tokenizers.sentencepiece_trainer import (
    BLANK,
    SAMPLE,
    learn,
    sample,
    strings,
)
from tfnlp.text.tokenizers.tokenizer import MARKS, Pieces
from tfnlp.text.tokenizers.words import check_room
from tfnlp.text.vocabulary import Vocabulary

_INSIDE = "##"
_LONGEST = 100  # bytes of a word


class WordPieces(Pieces):
    """Pieces as those of BERT: ``watching`` is ``watch`` and ``##ing``.

    A text is cut into words and single signs as by `tfnlp.text.splitters.words`, then
    each word from the left into the longest pieces there are (Schuster & Nakajima
    2012). What this loses: white space (decoding puts one blank between words and
    signs), and words with a character that no piece has or of more than 100 bytes,
    which become ``[UNK]``. `Subwords` lose nothing.

    Args:
        tokens: distinct pieces, without `MARKS`; those inside words begin with ``##``.
        standardize: see `Pieces`; ``("lower",)`` is that of uncased models.

    Raises:
        DataError: there is no piece, or one occurs twice.
        UsageError: tensorflow-text is not installed.

    Example:
    >>> pieces = WordPieces(("watch", "##ing", "."), standardize=("lower",))
    >>> ids = pieces.encode(["Watching.", "zzz"])
    >>> ids.to_list()
    [[4, 5, 6], [1]]
    >>> pieces.decode(ids).numpy()
    array([b'watching .', b'[UNK]'], dtype=object)
    """

    def __init__(self, tokens: Sequence[str], *, standardize: Sequence[str] = ()):
        super().__init__(standardize)
        self.vocabulary = Vocabulary(tokens, special=MARKS)
        with tf.device("CPU:0"):
            self._tokenizer = tensorflow_text().FastWordpieceTokenizer(
                vocab=["[PAD]", *self.vocabulary.entries[1:]],
                suffix_indicator=_INSIDE,
                max_bytes_per_word=_LONGEST,
                token_out_type=tf.int32,
                unknown_token=MARKS[1],
                no_pretokenization=True,
            )

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        vocabulary_size: int = 8000,
        coverage: float = 0.9995,
        standardize: Sequence[str] = (),
        characters: int = SAMPLE,
    ) -> Self:
        """Learns pieces from text columns of rows; the same rows give the same ids.

        The pieces are the byte-pair merges of the words, those at the beginning of
        words without and the others with ``##``; every character is there both ways.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the pieces.
            vocabulary_size: ids at most, the four marks included.
            coverage: share of the characters of the texts that must be pieces.
            standardize: see `Pieces`.
            characters: how many are learnt from at most; from longer texts evenly
                spread lines are taken.

        Raises:
            DataError: there is no text, or it has too many characters for that size.
            SchemaError: the rows lack a field.
            UsageError: an option has a value that it cannot have, or sentencepiece
                is not installed.
        """
        check_room(vocabulary_size)
        plain = standardizer(tuple(standardize))

        def cut(texts: tf.Tensor) -> tf.Tensor:
            return tf.strings.reduce_join(words(plain(texts)), axis=-1, separator=" ")

        texts = strings(text_batches(rows, fields).map(cut))
        parts = sample((f" {text}" for text in texts), characters=characters)
        model = learn(
            parts,
            kind="bpe",
            vocabulary_size=vocabulary_size,
            exact=False,
            byte_fallback=False,
            coverage=coverage,
        )
        return cls(_tokens(model, vocabulary_size), standardize=standardize)

    @classmethod
    def from_texts(cls, texts: Iterable[str], **options: Any) -> Self:
        """Learns pieces from strings; see `from_rows`.

        Example:
        >>> pieces = WordPieces.from_texts(
        ...     ["low lower", "new newer"], vocabulary_size=30)
        >>> pieces.strings(pieces.encode(["newer rower"])).to_list()
        [[b'newer', b'r', b'##ow', b'##er']]
        """
        return cls.from_rows(as_rows(texts), ["text"], **options)

    @property
    def entries(self) -> tuple[str, ...]:
        """Every piece by its id, marks included."""
        return self.vocabulary.entries

    def cut(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""
        return self._tokenizer.tokenize(words(texts)).merge_dims(1, 2)

    def joined(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids int32 [B, (T)] → string [B]."""
        texts = tf.strings.reduce_join(
            self.vocabulary.tokens(ids), axis=-1, separator=" "
        )
        return tf.strings.regex_replace(texts, rf"(^| ){_INSIDE}", "")

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "tokens": self.vocabulary.config()["tokens"],
            "standardize": self.standardize,
        }


def _tokens(model: Any, vocabulary_size: int) -> list[str]:
    """The pieces of a model, characters first, then by falling frequency."""
    found = [piece.piece for piece in model.pieces[len(MARKS) :]]
    letters = sorted({letter for piece in found for letter in piece} - {BLANK})
    room = vocabulary_size - len(MARKS)
    if room < 2 * len(letters):
        raise DataError(
            "Every character of the texts is a piece, at the beginning of words and "
            f"inside them. Received: vocabulary_size={vocabulary_size} for "
            f"{len(letters)} characters. "
            f"Use {2 * len(letters) + len(MARKS)} or more, or a lower coverage."
        )
    both = [piece for letter in letters for piece in (letter, _INSIDE + letter)]
    longer = [
        piece[1:] if piece.startswith(BLANK) else _INSIDE + piece
        for piece in found
        if piece != BLANK
    ]
    return list(dict.fromkeys(both + longer))[:room]
