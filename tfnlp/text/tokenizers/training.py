"""Trains any tokenizer by its name, as a flag gives it."""

from collections.abc import Iterable
from typing import Any

from tfnlp.errors import UsageError, nearest
from tfnlp.specs import Rows
from tfnlp.text.tokenizers.characters import CharacterTokenizer
from tfnlp.text.tokenizers.sentencepiece import SentencePieceTokenizer
from tfnlp.text.tokenizers.sentencepiece_trainer import MODEL_TYPES
from tfnlp.text.tokenizers.tokenizer import Tokenizer
from tfnlp.text.tokenizers.wordpiece import WordPieceTokenizer
from tfnlp.text.tokenizers.words import WordTokenizer

_WHOLE = {"characters": CharacterTokenizer, "words": WordTokenizer}
SUBWORDS = (*MODEL_TYPES, "wordpiece")
"""Tokenizers whose tokens are parts of words."""
TOKENIZERS = (*SUBWORDS, *_WHOLE)
"""Every tokenizer that can be trained, by name."""


def train_tokenizer(
    rows: Rows, fields: Iterable[str], *, tokenizer: str = "bpe", **options: Any
) -> Tokenizer:
    """Trains a tokenizer on text columns of rows.

    Args:
        rows: dataset of rows, not batched.
        fields: the text columns, which share the vocabulary.
        tokenizer: ``bpe`` or ``unigram`` (`SentencePieceTokenizer`), ``wordpiece``
            (`WordPieceTokenizer`), ``words`` (`WordTokenizer`) or ``characters``
            (`CharacterTokenizer`).
        options: those of `from_rows` of that class, such as `vocabulary_size`.

    Raises:
        DataError: there is no text, or it cannot give that size.
        SchemaError: the rows lack a field.
        UsageError: there is no such tokenizer, or an option has a value it cannot have.

    Example:
    >>> from tfnlp.text.text_columns import as_rows
    >>> phones = as_rows(["K AE T", "D AO G"])
    >>> train_tokenizer(phones, ["text"], tokenizer="words").entries[4:]
    ('AE', 'AO', 'D', 'G', 'K', 'T')
    """
    if tokenizer not in TOKENIZERS:
        raise UsageError(
            f"tokenizer must be one of {', '.join(TOKENIZERS)}. "
            f"Received: {tokenizer!r}.{nearest(str(tokenizer), TOKENIZERS)}"
        )
    if tokenizer in MODEL_TYPES:
        return SentencePieceTokenizer.from_rows(
            rows, fields, model_type=tokenizer, **options
        )
    kind = WordPieceTokenizer if tokenizer == "wordpiece" else _WHOLE[tokenizer]
    return kind.from_rows(rows, fields, **options)
