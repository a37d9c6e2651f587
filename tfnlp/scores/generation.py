"""Metrics of generated texts by name: BLEU, chrF, TER, ROUGE, error rates.

Each metric has its own module: `tfnlp.scores.bleu_chrf_ter`, `rouge`, `error_rates`.
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
    """The statistics of each metric, which scores are made of.

    Args:
        gold: the references, str [N].
        answered: str [N].
        names: of `NAMES`.
        tokenize: the tokenizer of BLEU, see `tfnlp.scores.bleu_chrf_ter.TOKENIZERS`.
        stemmed: whether ROUGE stems English words.

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
    """Paired bootstrap test of two systems on the same rows.

    Koehn: Statistical Significance Tests for Machine Translation Evaluation (EMNLP
    2004).

    Args:
        gold: the references, str [N].
        first: what the first system answered, str [N].
        second: what the second system answered, str [N].
        names: of `NAMES`.
        repeats: number of bootstrap samples.
        seed: of the samples.
        level: confidence level of the interval.

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
