"""WordPiece tokenizer: words, or the longest parts of them that are in a vocabulary.

Trained with the byte-pair merges of sentencepiece, applied by tensorflow-text in graph.
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
from tfnlp.text.tokenizers.tokenizer import SPECIAL_TOKENS, Tokenizer
from tfnlp.text.tokenizers.words import check_room
from tfnlp.text.vocabulary import Vocabulary

_INSIDE = "##"
_LONGEST = 100  # bytes of a word


class WordPieceTokenizer(Tokenizer):
    """WordPiece tokenizer, as of BERT: ``watching`` is ``watch`` and ``##ing``.

    A text is split into words and single signs by `tfnlp.text.splitters.words`, then
    each word from the left into the longest tokens there are (Schuster & Nakajima
    2012). What this loses: white space (decoding puts one blank between words and
    signs), and words with a character that no token has or of more than 100 bytes,
    which become ``[UNK]``. `SentencePieceTokenizer` loses nothing.

    Args:
        tokens: distinct subwords, without `SPECIAL_TOKENS`; those inside words begin
            with ``##``.
        standardize: see `Tokenizer`; ``("lower",)`` is that of uncased models.

    Raises:
        DataError: there is no token, or one occurs twice.
        UsageError: tensorflow-text is not installed.

    Example:
    >>> tokenizer = WordPieceTokenizer(("watch", "##ing", "."), standardize=("lower",))
    >>> ids = tokenizer.encode(["Watching.", "zzz"])
    >>> ids.to_list()
    [[4, 5, 6], [1]]
    >>> tokenizer.decode(ids).numpy()
    array([b'watching .', b'[UNK]'], dtype=object)
    """

    def __init__(self, tokens: Sequence[str], *, standardize: Sequence[str] = ()):
        super().__init__(standardize)
        self.vocabulary = Vocabulary(tokens, special=SPECIAL_TOKENS)
        with tf.device("CPU:0"):
            self._tokenizer = tensorflow_text().FastWordpieceTokenizer(
                vocab=["[PAD]", *self.vocabulary.entries[1:]],
                suffix_indicator=_INSIDE,
                max_bytes_per_word=_LONGEST,
                token_out_type=tf.int32,
                unknown_token=SPECIAL_TOKENS[1],
                no_pretokenization=True,
            )

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        vocabulary_size: int = 8000,
        character_coverage: float = 0.9995,
        standardize: Sequence[str] = (),
        characters: int = SAMPLE,
    ) -> Self:
        """Trains a tokenizer on text columns of rows; the same rows give the same ids.

        The tokens are the byte-pair merges of the words, those at the beginning of
        words without and the others with ``##``; every character is there both ways.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the vocabulary.
            vocabulary_size: ids at most, the four special tokens included.
            character_coverage: share of the characters of the texts that must be
                tokens.
            standardize: see `Tokenizer`.
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
            model_type="bpe",
            vocabulary_size=vocabulary_size,
            exact=False,
            byte_fallback=False,
            character_coverage=character_coverage,
        )
        return cls(_tokens(model, vocabulary_size), standardize=standardize)

    @classmethod
    def from_texts(cls, texts: Iterable[str], **options: Any) -> Self:
        """Trains a tokenizer on strings; see `from_rows`.

        Example:
        >>> tokenizer = WordPieceTokenizer.from_texts(
        ...     ["low lower", "new newer"], vocabulary_size=30)
        >>> tokenizer.strings(tokenizer.encode(["newer rower"])).to_list()
        [[b'newer', b'r', b'##ow', b'##er']]
        """
        return cls.from_rows(as_rows(texts), ["text"], **options)

    @property
    def entries(self) -> tuple[str, ...]:
        """Every token by its id, special ones included."""
        return self.vocabulary.entries

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""
        return self._tokenizer.tokenize(words(texts)).merge_dims(1, 2)

    def detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
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
    """The tokens of a model, characters first, then by falling frequency."""
    found = [piece.piece for piece in model.pieces[len(SPECIAL_TOKENS) :]]
    letters = sorted({letter for piece in found for letter in piece} - {BLANK})
    room = vocabulary_size - len(SPECIAL_TOKENS)
    if room < 2 * len(letters):
        raise DataError(
            "Every character of the texts is a token, at the beginning of words and "
            f"inside them. Received: vocabulary_size={vocabulary_size} for "
            f"{len(letters)} characters. "
            f"Use {2 * len(letters) + len(SPECIAL_TOKENS)} or more, "
            "or a lower character_coverage."
        )
    both = [piece for letter in letters for piece in (letter, _INSIDE + letter)]
    longer = [
        piece[1:] if piece.startswith(BLANK) else _INSIDE + piece
        for piece in found
        if piece != BLANK
    ]
    return list(dict.fromkeys(both + longer))[:room]
