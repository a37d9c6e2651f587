"""The script that a text is written in: Latin, Cyrillic, Han and so on.

By the names of its letters in Python's `unicodedata`. Knows nothing of languages.
"""

import unicodedata
from collections import Counter
from functools import lru_cache

EAST_ASIAN = "HAN OR KANA"
"""Chinese and Japanese: a Japanese text may hold characters of Chinese only."""

_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA")


@lru_cache(maxsize=65536)
def of_letter(letter: str) -> str:
    """The script of one character; empty if it is no letter.

    Example:
    >>> of_letter("я"), of_letter("語"), of_letter("ﬁ"), of_letter("3")
    ('CYRILLIC', 'HAN OR KANA', 'LATIN', '')
    """
    plain = unicodedata.normalize("NFKC", letter)[0]
    if unicodedata.category(plain) not in ("Ll", "Lu", "Lt", "Lo"):
        return ""
    script = unicodedata.name(plain, "").split(" ")[0]
    return EAST_ASIAN if script in _EAST_ASIAN else script


def majority(text: str) -> str:
    """The script of most letters of a text; empty if there is none.

    Example:
    >>> majority("Привет, Bob"), majority("42"), majority("a dog")
    ('CYRILLIC', '', 'LATIN')
    """
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else ""
    counts: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        counts[of_letter(letter)] += count
    del counts[""]
    return max(counts, key=lambda name: (counts[name], name), default="")
