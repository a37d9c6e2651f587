"""Whole words or single characters as pieces, looked up in a vocabulary."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.specs import Rows
from tfnlp.text.normalize import standardizer
from tfnlp.text.splitters import splitter
from tfnlp.text.text_columns import as_rows, text_batches
from tfnlp.text.tokenizers.tokenizer import MARKS, Pieces
from tfnlp.text.vectorizer.term_counts import most_common
from tfnlp.text.vectorizer.vectorizer import check_min_frequency
from tfnlp.text.vocabulary import Vocabulary

_LINE = "\ue00a"  # Of private use: stands for a line feed while blanks are cut.


class Words(Pieces):
    """Words of texts that are already cut: what stands between white space.

    For corpora such as the Penn Treebank, and for symbols with blanks between
    them such as phones ("K AE T"). Decoding puts one blank between words; a word
    that the vocabulary lacks becomes ``[UNK]``.

    Args:
        tokens: distinct words, without `MARKS`.
        lines: whether a line feed is a word too, not just white space: in running
            text it tells where a sentence ends.
        standardize: see `Pieces`.

    Raises:
        DataError: there is no token, or one occurs twice.

    Example:
    >>> words = Words.from_texts(["the cat sat", "the dog sat"], vocabulary_size=7)
    >>> words.entries[4:]
    ('sat', 'the', 'cat')
    >>> words.encode(["the  dog sat", ""]).to_list()
    [[5, 1, 4], []]
    >>> words.decode([[5, 6, 4, 3, 0]]).numpy()
    array([b'the cat sat'], dtype=object)
    >>> poem = Words.from_texts(["the cat\\nthe dog\\n"], lines=True)
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
                "Pieces are learnt from texts. Received: no text, or only empty ones. "
                "Check that the text column is the right one."
            )
        self.vocabulary = Vocabulary(tokens, special=MARKS)
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
        """Learns the commonest pieces of text columns, in one pass.

        Args:
            rows: dataset of rows, not batched.
            fields: the text columns, which share the pieces.
            vocabulary_size: ids at most, the four marks included.
            min_frequency: rarer pieces are unknown.
            lines: whether a line feed is a word.
            standardize: see `Pieces`.

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
        tokens = [token for token in found if token not in MARKS]
        tokens = tokens[: vocabulary_size - len(MARKS)]
        return cls(tokens, lines=lines, standardize=standardize)

    @classmethod
    def from_texts(cls, texts: Iterable[str], **options: Any) -> Self:
        """Learns from strings; see `from_rows`."""
        return cls.from_rows(as_rows(texts), ["text"], **options)

    @property
    def entries(self) -> tuple[str, ...]:
        """Every piece by its id, marks included."""
        return self.vocabulary.entries

    def cut(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""
        ids = self.vocabulary.ids(_tokens(texts, self.splitter, self.lines))
        marks = ids.flat_values <= self.end  # a text that spells one means no mark
        return ids.with_flat_values(tf.where(marks, self.unknown, ids.flat_values))

    def joined(self, ids: tf.RaggedTensor) -> tf.Tensor:
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


class Characters(Words):
    """Characters (code points), white space and line breaks included.

    Decoding gives the text back as it was, as long as the vocabulary has all its
    characters; others become ``[UNK]``.

    Example:
    >>> characters = Characters.from_texts(["no\\non"])
    >>> characters.encode(["on\\n"]).to_list()
    [[5, 4, 6]]
    >>> characters.decode([[4, 5, 6]]).numpy()
    array([b'no\\n'], dtype=object)
    """

    splitter: ClassVar[str] = "characters"
    separator: ClassVar[str] = ""


def _tokens(texts: tf.Tensor, name: str, lines: bool) -> tf.RaggedTensor:
    """What strings [B] are cut into: string [B, (T)]."""
    cut = splitter(name)
    if not lines or name == Characters.splitter:  # which keep line feeds in any case
        return cut(texts)
    found = cut(tf.strings.regex_replace(texts, "\n", f" {_LINE} "))
    flat = found.flat_values
    return found.with_flat_values(tf.where(flat == _LINE, "\n", flat))


def check_room(vocabulary_size: int) -> None:
    """Raises if a number of ids leaves no room beside the marks.

    Raises:
        UsageError: it is too small, or not a whole number.
    """
    if not isinstance(vocabulary_size, int) or vocabulary_size <= len(MARKS):
        raise UsageError(
            "vocabulary_size counts ids: padding, unknown, start, end and one or more. "
            f"Received: vocabulary_size={vocabulary_size!r}. "
            "Use 5 or more; thousands are usual."
        )
