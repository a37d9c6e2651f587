"""One function that learns any kind of pieces, named as a flag names it."""

from collections.abc import Iterable
from typing import Any

from tfnlp.errors import UsageError, nearest
from tfnlp.specs import Rows
from tfnlp.text.tokenizers.sentencepiece import Subwords
from tfnlp.text.tokenizers.sentencepiece_trainer import KINDS
from tfnlp.text.tokenizers.tokenizer import Pieces
from tfnlp.text.tokenizers.wordpiece import WordPieces
from tfnlp.text.tokenizers.words import Characters, Words

_WHOLE = {"characters": Characters, "words": Words}
SUBWORDS = (*KINDS, "wordpiece")
"""Tokenizers whose tokens are parts of words."""
TOKENIZERS = (*SUBWORDS, *_WHOLE)
"""Every tokenizer that can be trained, by name."""


def learn_pieces(
    rows: Rows, fields: Iterable[str], *, tokenizer: str = "bpe", **options: Any
) -> Pieces:
    """Learns pieces from text columns of rows.

    Args:
        rows: dataset of rows, not batched.
        fields: the text columns, which share the pieces.
        tokenizer: ``bpe`` or ``unigram`` (`Subwords`), ``wordpiece`` (`WordPieces`),
            ``words`` (`Words`) or ``characters`` (`Characters`).
        options: those of `from_rows` of that class, such as `vocabulary_size`.

    Raises:
        DataError: there is no text, or it cannot give that size.
        SchemaError: the rows lack a field.
        UsageError: there is no such tokenizer, or an option has a value it cannot have.

    Example:
    >>> from tfnlp.text.text_columns import as_rows
    >>> phones = as_rows(["K AE T", "D AO G"])
    >>> learn_pieces(phones, ["text"], tokenizer="words").entries[4:]
    ('AE', 'AO', 'D', 'G', 'K', 'T')
    """
    if tokenizer not in TOKENIZERS:
        raise UsageError(
            f"tokenizer must be one of {', '.join(TOKENIZERS)}. "
            f"Received: {tokenizer!r}.{nearest(str(tokenizer), TOKENIZERS)}"
        )
    if tokenizer in KINDS:
        return Subwords.from_rows(rows, fields, kind=tokenizer, **options)
    kind = WordPieces if tokenizer == "wordpiece" else _WHOLE[tokenizer]
    return kind.from_rows(rows, fields, **options)
