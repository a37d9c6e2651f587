"""ROUGE of the package rouge-score, as statistics of rows, for texts in any script.

Its own tokenizer knows the letters a to z only: of a Chinese summary nothing would be
left, and `café` would be `caf`. The one here gives the same words for ASCII texts and
keeps all letters of others.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module, metadata
from typing import Any

import numpy as np

from tfnlp.errors import UsageError
from tfnlp.scores import references
from tfnlp.scores.corpus_statistics import Scores, Statistics

KINDS = {"rouge1": 1, "rouge2": 2, "rougeL": 1}
"""Score → length of a reference in words, at least."""

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


class Words:
    """Tokenizer for rouge-score: lower-cased words of letters and digits.

    Scripts without spaces between words are cut into characters. With a stemmer,
    words of the letters a to z lose their English endings.

    Args:
        stem: rouge-score's own tokenizer, with a stemmer or without.

    Example:
    >>> cut = words(stemmed=True)
    >>> cut.tokenize("The dogs' café, 2 日本")
    ['the', 'dog', 'café', '2', '日', '本']
    """

    def __init__(self, stem: Any) -> None:
        self._stem = stem

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        if text.isascii():
            return self._stem.tokenize(text)
        spaced = "".join(map(_spaced, unicodedata.normalize("NFC", text.lower())))
        return [
            part
            for word in spaced.split()
            for part in (self._stem.tokenize(word) if word.isascii() else [word])
        ]


def words(*, stemmed: bool = False) -> Words:
    """The tokenizer of all scripts.

    Raises:
        UsageError: rouge-score is not installed.

    Example:
    >>> words().tokenize("Grüße, 世界")
    ['grüße', '世', '界']
    """
    return Words(_package("tokenizers").DefaultTokenizer(stemmed))


def rouge(
    gold: np.ndarray | Sequence[str],
    answered: np.ndarray | Sequence[str],
    *,
    stemmed: bool = False,
) -> Statistics:
    """ROUGE-1, ROUGE-2 and ROUGE-L: mean F1 of the rows, from 0 to 1.

    Of several references the best counts, for each score by itself. A row whose
    references all have fewer words than a score counts at once is left out of it.

    Lin: ROUGE: A Package for Automatic Evaluation of Summaries (ACL 2004).

    Args:
        gold: the references, str [N].
        answered: str [N].
        stemmed: whether English words count as the same without their endings.

    Raises:
        UsageError: rouge-score is not installed.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([rouge(["a cat sat\\x1ethe cat"], ["the cat"])])
    {'rouge1': 1.0, 'rouge2': 1.0, 'rougeL': 1.0}
    """
    cut = words(stemmed=stemmed)
    scorer = _package("rouge_scorer").RougeScorer(list(KINDS), tokenizer=cut)
    counts = [
        _counts(scorer, cut, text, known)
        for text, known in zip(answered, references.apart(gold), strict=True)
    ]
    version = metadata.version("rouge-score")
    signature = (
        f"mean F1, best of references|tok:unicode|stem:{'yes' if stemmed else 'no'}"
    )
    return Statistics(
        np.array(counts, np.float64).reshape(-1, 2 * len(KINDS)),
        _means,
        dict.fromkeys(KINDS, f"{signature}|rouge-score:{version}"),
    )


def _counts(scorer: Any, cut: Words, text: str, known: Sequence[str]) -> list[float]:
    """F1 of each score, and whether the row counts for it."""
    longest = max(len(cut.tokenize(reference)) for reference in known)
    found = scorer.score_multi(known, text)
    used = [longest >= needed for needed in KINDS.values()]
    values = [found[kind].fmeasure * use for kind, use in zip(KINDS, used, strict=True)]
    return [*values, *map(float, used)]


def _means(sums: np.ndarray) -> Scores:
    values, rows = np.split(sums, 2)
    return {
        kind: float(value / count)
        for kind, value, count in zip(KINDS, values, rows, strict=True)
        if count
    }


@lru_cache(maxsize=65536)
def _spaced(character: str) -> str:
    """A character of a word; a space for others, and around what is its own word."""
    if unicodedata.category(character)[0] not in "LMN":
        return " "
    script = unicodedata.name(character, "").split(" ")[0]
    return f" {character} " if script in _UNSPACED else character


def _package(module: str) -> Any:
    try:
        return import_module(f"rouge_score.{module}")
    except ImportError as error:
        raise UsageError(
            f"ROUGE needs the package rouge-score. Received: {error}. "
            "Install it with: pip install 'tfnlp[generation]'"
        ) from error
