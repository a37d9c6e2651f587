"""Scores of generated texts by name: of all rows, of rows drawn anew, of two systems.

What each score is, its own module says: `tfnlp.scores.bleu_chrf_ter`, `rouge`, `edits`.
Gold strings may hold several references, see `tfnlp.specs.REFERENCES`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tfnlp.errors import UsageError, nearest
from tfnlp.scores import bleu_chrf_ter, corpus_statistics, error_rates
from tfnlp.scores.corpus_statistics import Scores, Statistics
from tfnlp.scores.intervals import Difference
from tfnlp.scores.rouge import rouge

Texts = np.ndarray | Sequence[str]

NAMES = (
    "bleu",
    "chrf",
    "ter",
    "rouge",
    "exact_match",
    "word_error",
    "phone_error",
    "character_error",
)


def statistics(
    gold: Texts,
    answered: Texts,
    names: Sequence[str] = ("bleu", "chrf"),
    *,
    tokenize: str = "13a",
    stemmed: bool = False,
) -> tuple[Statistics, ...]:
    """Counts what the scores are made of.

    Args:
        gold: the references, str [N].
        answered: str [N].
        names: of `NAMES`.
        tokenize: how BLEU cuts words, see `tfnlp.scores.bleu_chrf_ter.TOKENIZERS`.
        stemmed: whether ROUGE counts English words without their endings.

    Raises:
        UsageError: there is no such score, or its package is not installed.

    Example:
    >>> [counted] = statistics(["a cat"], ["a cat"], ["chrf"])
    >>> corpus_statistics.corpus_scores([counted]), counted.signatures["chrf"][:19]
    ({'chrf': 100.0}, 'nrefs:1|case:mixed|')
    """

    def bleu(gold: Texts, answered: Texts) -> Statistics:
        return bleu_chrf_ter.bleu(gold, answered, tokenize=tokenize)

    def errors(
        name: str, unit: error_rates.Unit = "words"
    ) -> Callable[..., Statistics]:
        return lambda *texts: error_rates.error_rate(*texts, name=name, unit=unit)

    makers: dict[str, Callable[..., Statistics]] = {
        "bleu": bleu,
        "chrf": bleu_chrf_ter.chrf,
        "ter": bleu_chrf_ter.ter,
        "rouge": lambda *texts: rouge(*texts, stemmed=stemmed),
        "exact_match": error_rates.exact_match,
        "word_error": errors("word_error"),
        "phone_error": errors("phone_error"),
        "character_error": errors("character_error", "characters"),
    }
    for name in names:
        if name not in makers:
            raise UsageError(
                f"Scores of texts are {', '.join(NAMES)}. Received: {name!r}."
                f"{nearest(name, NAMES)} Choose among them."
            )
    return tuple(makers[name](gold, answered) for name in names)


def score(
    gold: Texts, answered: Texts, names: Sequence[str] = ("bleu", "chrf")
) -> Scores:
    """The scores of all rows, from `statistics` with its defaults.

    Raises:
        UsageError: there is no such score, or its package is not installed.

    Example:
    >>> score(["K AE T"], ["K AE T"], ["exact_match", "phone_error"])
    {'exact_match': 1.0, 'phone_error': 0.0}
    """
    return corpus_statistics.corpus_scores(statistics(gold, answered, names))


def paired(
    gold: Texts,
    first: Texts,
    second: Texts,
    names: Sequence[str] = ("bleu", "chrf"),
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Difference]:
    """Whether a second system scores otherwise than a first one on the same rows.

    Koehn: Statistical Significance Tests for Machine Translation Evaluation (EMNLP
    2004).

    Args:
        gold: the references, str [N].
        first: what the first system answered, str [N].
        second: what the second system answered, str [N].
        names: of `NAMES`.
        repeats: how often as many rows are drawn, with replacement.
        seed: what decides the draws.
        level: the share of draws that the interval holds.

    Returns:
        score → difference on all rows, its interval, and a two-sided p-value.

    Raises:
        UsageError: there is no such score, or its package is not installed.

    Example:
    >>> gold, wrong = ["K AE T"] * 20, ["K AE"] * 20
    >>> paired(gold, wrong, gold, ["exact_match"])["exact_match"].value
    1.0
    """
    both = (statistics(gold, answered, names) for answered in (first, second))
    return corpus_statistics.paired(*both, repeats=repeats, seed=seed, level=level)
