"""SentencePiece tokenizer: subwords that give every text back unchanged.

Trained by `tfnlp.text.tokenizers.sentencepiece_trainer`, applied by tensorflow-text in
graph.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Self

import tensorflow as tf

from tfnlp.errors import DataError
from tfnlp.specs import Rows
from tfnlp.text.normalize import standardizer
from tfnlp.text.optional_packages import tensorflow_text
from tfnlp.text.text_columns import as_rows, text_batches
from tfnlp.text.tokenizers.sentencepiece_trainer import (
    SAMPLE,
    check_model_type,
    learn,
    sample,
    strings,
)
from tfnlp.text.tokenizers.tokenizer import SPECIAL_TOKENS, Tokenizer
from tfnlp.text.tokenizers.words import check_room

_TEXTS = tf.TensorSpec([None], tf.string)
_IDS = tf.RaggedTensorSpec([None, None], tf.int32)


class SentencePieceTokenizer(Tokenizer):
    """SentencePiece tokenizer: byte-pair encoding or unigram subwords, lossless.

    Without `standardize` decoding gives every text back as it was: blanks, tabs and
    line breaks, emoji, NUL. A character that the vocabulary lacks is spelt in bytes
    (byte fallback), so nothing is unknown.

    Args:
        model: a model of sentencepiece in base64, as `from_rows` learns it.
        leading_blank: whether a blank is put before every text and removed when
            decoding, so that a first word has the tokens it has elsewhere (the dummy
            prefix of sentencepiece). Without it the texts of two sequences of ids,
            joined, are the text of the joined ids.
        standardize: see `Tokenizer`.

    Raises:
        DataError: the model is none, or its first ids are not `SPECIAL_TOKENS`.
        UsageError: tensorflow-text is not installed.

    Example:
    >>> texts = ["low lower lowest", "new newer newest"]
    >>> subwords = SentencePieceTokenizer.from_texts(texts, vocabulary_size=280)
    >>> ids = subwords.encode(["newest  low 🙂"])
    >>> subwords.strings(ids)[0, :3].numpy().tolist()
    [b'ne', b'west', b'\\xe2\\x96\\x81']
    >>> subwords.decode(ids).numpy()[0].decode()
    'newest  low 🙂'
    """

    # Else saving looks for variables in every token, several times over.
    _TF_MODULE_IGNORED_PROPERTIES = tf.Module._TF_MODULE_IGNORED_PROPERTIES | {
        "_entries"
    }

    def __init__(
        self,
        model: str,
        *,
        leading_blank: bool = False,
        standardize: Sequence[str] = (),
    ):
        super().__init__(standardize)
        self._model, self.leading_blank = model, leading_blank
        self._entries = _entries(_tokenizer(model))

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        model_type: str = "bpe",
        vocabulary_size: int = 8000,
        exact: bool = True,
        character_coverage: float = 0.9995,
        leading_blank: bool = False,
        standardize: Sequence[str] = (),
        characters: int = SAMPLE,
    ) -> Self:
        """Trains a tokenizer on text columns of rows; the same rows give the same ids.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the vocabulary.
            model_type: ``bpe`` (Sennrich et al. 2016) or ``unigram`` (Kudo 2018).
            vocabulary_size: ids, the four special tokens and 256 bytes included.
            exact: whether it is an error if the texts give fewer.
            character_coverage: share of the characters of the texts that must be
                tokens; the rarest are spelt in bytes.
            leading_blank: see the class.
            standardize: see `Tokenizer`.
            characters: how many are learnt from at most; from longer texts evenly
                spread lines are taken.

        Raises:
            DataError: there is no text, or the texts cannot give that many ids.
            SchemaError: the rows lack a field.
            UsageError: an option has a value that it cannot have, or sentencepiece
                is not installed.
        """
        check_room(vocabulary_size)
        check_model_type(model_type)
        texts = text_batches(rows, fields).map(standardizer(tuple(standardize)))
        lead = " " if leading_blank else ""
        parts = sample((lead + text for text in strings(texts)), characters=characters)
        model = learn(
            parts,
            model_type=model_type,
            vocabulary_size=vocabulary_size,
            exact=exact,
            character_coverage=character_coverage,
        )
        written = base64.b64encode(model.SerializeToString(deterministic=True))
        return cls(
            written.decode(), leading_blank=leading_blank, standardize=standardize
        )

    @classmethod
    def from_texts(cls, texts: Iterable[str], **options: Any) -> Self:
        """Trains a tokenizer on strings; see `from_rows`."""
        return cls.from_rows(as_rows(texts), ["text"], **options)

    @property
    def entries(self) -> tuple[str, ...]:
        """Every token by its id, special ones included; U+2581 is a blank."""
        return self._entries

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)].

        No token spans a blank, so each distinct word of a batch is tokenized once.
        """
        words = tf.strings.split(texts, " ")  # joined by blanks the texts again
        distinct, places = tf.unique(self._led(words))
        ids = tf.gather(self._tokenize(distinct), places)  # [N, (P)]
        return words.with_flat_values(ids).merge_dims(1, 2)

    # The operation that holds the model stands in each graph. An eager one would be
    # lost with the kernels that keras.backend.clear_session() and tuners throw away.
    @tf.function(input_signature=[_TEXTS], autograph=False)
    def _tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return _tokenizer(self._model).tokenize(texts)

    @tf.function(input_signature=[_IDS], autograph=False)
    def _detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return _tokenizer(self._model).detokenize(ids)

    def _led(self, words: tf.RaggedTensor) -> tf.Tensor:
        """Puts back the blank that was before each of the words: string [N]."""
        flat = words.flat_values
        led = tf.strings.join([" ", flat])
        if self.leading_blank:
            return led
        first = tf.ragged.range(words.row_lengths()).flat_values == 0
        return tf.where(first, flat, led)

    def detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids int32 [B, (T)] → string [B]."""
        texts = self._detokenize(ids)
        if not self.leading_blank:
            return texts
        return tf.strings.regex_replace(texts, "^ ", "", replace_global=False)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "model": self._model,
            "leading_blank": self.leading_blank,
            "standardize": self.standardize,
        }


def _tokenizer(model: str) -> Any:
    text = tensorflow_text()
    try:
        return text.SentencepieceTokenizer(model=base64.b64decode(model, validate=True))
    except (binascii.Error, tf.errors.OpError) as error:
        raise DataError(
            "A SentencePieceTokenizer holds a model of sentencepiece in base64. "
            f"Received: {model[:20]!r}…, {len(model)} characters. "
            "Train one with SentencePieceTokenizer.from_rows."
        ) from error


def _entries(tokenizer: Any) -> tuple[str, ...]:
    names = tokenizer.id_to_string(tf.range(tokenizer.vocab_size())).numpy()
    entries = tuple(name.decode() for name in names.tolist())
    if entries[1 : len(SPECIAL_TOKENS)] != SPECIAL_TOKENS[1:]:
        raise DataError(
            f"The first ids of subwords are padding, {', '.join(SPECIAL_TOKENS[1:])}. "
            f"Received: {', '.join(entries[: len(SPECIAL_TOKENS)])}. "
            "Train the model with SentencePieceTokenizer.from_rows."
        )
    return (SPECIAL_TOKENS[0], *entries[1:])
