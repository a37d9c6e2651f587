"""Character tokenizer: every character (code point) is a token."""

from typing import ClassVar

from tfnlp.text.tokenizers.words import WordTokenizer


class CharacterTokenizer(WordTokenizer):
    """Character tokenizer: code points, white space and line breaks included.

    Decoding gives the text back as it was, as long as the vocabulary has all its
    characters; others become ``[UNK]``.

    Example:
    >>> tokenizer = CharacterTokenizer.from_texts(["no\\non"])
    >>> tokenizer.encode(["on\\n"]).to_list()
    [[5, 4, 6]]
    >>> tokenizer.decode([[4, 5, 6]]).numpy()
    array([b'no\\n'], dtype=object)
    """

    splitter: ClassVar[str] = "characters"
    separator: ClassVar[str] = ""
