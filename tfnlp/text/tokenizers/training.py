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
"""Splits whose pieces are parts of words."""
SPLITS = (*SUBWORDS, *_WHOLE)
"""Every split that pieces can be learnt for."""


def learn_pieces(
    rows: Rows, fields: Iterable[str], *, split: str = "bpe", **options: Any
) -> Pieces:
    """Learns pieces from text columns of rows.

    Args:
        rows: dataset of rows, not batched.
        fields: the text columns, which share the pieces.
        split: ``bpe`` or ``unigram`` (`Subwords`), ``wordpiece`` (`WordPieces`),
            ``words`` (`Words`) or ``characters`` (`Characters`).
        options: those of `from_rows` of that class, such as `size`.

    Raises:
        DataError: there is no text, or it cannot give that size.
        SchemaError: the rows lack a field.
        UsageError: the split is unknown, or an option has a value it cannot have.

    Example:
    >>> from tfnlp.text.text_columns import as_rows
    >>> phones = as_rows(["K AE T", "D AO G"])
    >>> learn_pieces(phones, ["text"], split="words").entries[4:]
    ('AE', 'AO', 'D', 'G', 'K', 'T')
    """
    if split not in SPLITS:
        raise UsageError(
            f"Pieces are {', '.join(SPLITS)}. "
            f"Received: {split!r}.{nearest(str(split), SPLITS)}"
        )
    if split in KINDS:
        return Subwords.from_rows(rows, fields, kind=split, **options)
    kind = WordPieces if split == "wordpiece" else _WHOLE[split]
    return kind.from_rows(rows, fields, **options)
