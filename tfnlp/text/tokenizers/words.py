"""Word tokenizer: whole words of pre-tokenized text, looked up in a vocabulary."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.specs import Rows
from tfnlp.text.normalize import standardizer
from tfnlp.text.splitters import splitter
from tfnlp.text.text_columns import as_rows, text_batches
from tfnlp.text.tokenizers.tokenizer import SPECIAL_TOKENS, Tokenizer
from tfnlp.text.vectorizer.term_counts import most_common
from tfnlp.text.vectorizer.vectorizer import check_min_frequency
from tfnlp.text.vocabulary import Vocabulary

_LINE = "\ue00a"  # Of private use: stands for a line feed while blanks are cut.


class WordTokenizer(Tokenizer):
    """Word tokenizer for pre-tokenized texts: splits at white space.

    For corpora such as the Penn Treebank, and for symbols with blanks between
    them such as phones ("K AE T"). Decoding puts one blank between words; a word
    that the vocabulary lacks becomes ``[UNK]``.

    Args:
        tokens: distinct words, without `SPECIAL_TOKENS`.
        lines: whether a line feed is a word too, not just white space: in running
            text it marks the end of a sentence.
        standardize: see `Tokenizer`.

    Raises:
        DataError: there is no token, or one occurs twice.

    Example:
    >>> words = WordTokenizer.from_texts(
    ...     ["the cat sat", "the dog sat"], vocabulary_size=7)
    >>> words.entries[4:]
    ('sat', 'the', 'cat')
    >>> words.encode(["the  dog sat", ""]).to_list()
    [[5, 1, 4], []]
    >>> words.decode([[5, 6, 4, 3, 0]]).numpy()
    array([b'the cat sat'], dtype=object)
    >>> poem = WordTokenizer.from_texts(["the cat\\nthe dog\\n"], lines=True)
    >>> poem.decode(poem.encode(["the dog \\n the cat"])).numpy()
    array([b'the dog\\nthe cat'], dtype=object)
    """

    splitter: ClassVar[str] = "whitespace"
    separator: ClassVar[str] = " "

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        lines: bool = False,
        standardize: Sequence[str] = (),
    ):
        super().__init__(standardize)
        if len(tokens) == 0:
            raise DataError(
                "A tokenizer is trained on texts. "
                "Received: no text, or only empty ones. "
                "Check that the text column is the right one."
            )
        self.vocabulary = Vocabulary(tokens, special=SPECIAL_TOKENS)
        self.lines = lines

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        fields: Iterable[str],
        *,
        vocabulary_size: int = 20_000,
        min_frequency: int = 1,
        lines: bool = False,
        standardize: Sequence[str] = (),
    ) -> Self:
        """Learns the most frequent tokens of text columns, in one pass.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the vocabulary.
            vocabulary_size: ids at most, the four special tokens included.
            min_frequency: rarer tokens are unknown.
            lines: whether a line feed is a word.
            standardize: see `Tokenizer`.

        Raises:
            DataError: there is no text to learn from.
            SchemaError: the rows lack a field.
            UsageError: vocabulary_size or min_frequency is too small.
        """
        check_room(vocabulary_size)
        check_min_frequency(min_frequency)
        plain = standardizer(tuple(standardize))
        found = most_common(
            text_batches(rows, fields),
            lambda texts: _tokens(plain(texts), cls.splitter, lines),
            size=vocabulary_size,
            min_frequency=min_frequency,
        )
        tokens = [token for token in found if token not in SPECIAL_TOKENS]
        tokens = tokens[: vocabulary_size - len(SPECIAL_TOKENS)]
        return cls(tokens, lines=lines, standardize=standardize)

    @classmethod
    def from_texts(cls, texts: Iterable[str], **options: Any) -> Self:
        """Learns from strings; see `from_rows`."""
        return cls.from_rows(as_rows(texts), ["text"], **options)

    @property
    def entries(self) -> tuple[str, ...]:
        """Every token by its id, special ones included."""
        return self.vocabulary.entries

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""
        ids = self.vocabulary.ids(_tokens(texts, self.splitter, self.lines))
        # A text that spells a special token does not mean it.
        special = ids.flat_values <= self.end
        return ids.with_flat_values(tf.where(special, self.unknown, ids.flat_values))

    def detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids int32 [B, (T)] → string [B]."""
        texts = tf.strings.reduce_join(
            self.vocabulary.tokens(ids), axis=-1, separator=self.separator
        )
        return tf.strings.regex_replace(texts, " ?\n ?", "\n") if self.lines else texts

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "tokens": self.vocabulary.config()["tokens"],
            "lines": self.lines,
            "standardize": self.standardize,
        }


def _tokens(texts: tf.Tensor, name: str, lines: bool) -> tf.RaggedTensor:
    """What strings [B] are cut into: string [B, (T)]."""
    cut = splitter(name)
    if not lines or name == "characters":  # which keep line feeds in any case
        return cut(texts)
    found = cut(tf.strings.regex_replace(texts, "\n", f" {_LINE} "))
    flat = found.flat_values
    return found.with_flat_values(tf.where(flat == _LINE, "\n", flat))


def check_room(vocabulary_size: int) -> None:
    """Raises if a number of ids leaves no room beside the special tokens.

    Raises:
        UsageError: it is too small, or not a whole number.
    """
    if not isinstance(vocabulary_size, int) or vocabulary_size <= len(SPECIAL_TOKENS):
        raise UsageError(
            "vocabulary_size counts ids: padding, unknown, start, end and one or more. "
            f"Received: vocabulary_size={vocabulary_size!r}. "
            "Use 5 or more; thousands are usual."
        )
