"""BLEU, chrF and TER of sacrebleu, as statistics of rows.

Post: A Call for Clarity in Reporting BLEU Scores (WMT 2018). Every score has the
signature that sacrebleu gives it. Answers and references are plain texts; gold
strings may hold several references, see `tfnlp.specs.REFERENCES`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfnlp.errors import UsageError, nearest
from tfnlp.scores import references
from tfnlp.scores.corpus_statistics import Scores, Statistics

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
"""How BLEU cuts texts into words: `13a` is the default; `zh` for Chinese, `char`
for any language without spaces, `none` at spaces. sacrebleu's others need more."""
ORDER = 4
"""Words of the longest n-gram that BLEU counts."""


def bleu(
    gold: np.ndarray | Sequence[str],
    answered: np.ndarray | Sequence[str],
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
) -> Statistics:
    """BLEU, from 0 to 100, with sacrebleu's defaults.

    Where no reference has four words, n-grams that long cannot be counted; then the
    signature says `eff:yes`. The rule looks at references only, so two systems on
    the same rows are always counted alike.

    Papineni et al.: BLEU: a Method for Automatic Evaluation of Machine Translation
    (ACL 2002).

    Args:
        gold: the references, str [N].
        answered: str [N].
        tokenize: one of `TOKENIZERS`.
        lowercase: whether case does not count.

    Raises:
        UsageError: there is no such tokenizer, or sacrebleu is not installed.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([bleu(["the cat sat on the mat"], ["the cat sat on the mat"])])
    {'bleu': 100.0}
    """
    if tokenize not in TOKENIZERS:
        raise UsageError(
            f"A tokenizer of BLEU is one of {', '.join(TOKENIZERS)}. "
            f"Received: {tokenize!r}.{nearest(tokenize, TOKENIZERS)} Choose one."
        )
    known, texts = references.apart(gold), list(answered)
    options = {"tokenize": tokenize, "lowercase": lowercase, "force": True}
    counter = _metrics().BLEU(effective_order=True, **options)
    short = not any(
        len(counter.tokenizer(text).split()) >= ORDER for each in known for text in each
    )
    counts = [_bleu_counts(counter, *pair) for pair in zip(texts, known, strict=True)]

    def score(sums: np.ndarray) -> Scores:
        found = counter.compute_bleu(
            correct=sums[:ORDER].astype(int).tolist(),
            total=sums[ORDER:-2].astype(int).tolist(),
            sys_len=int(sums[-2]),
            ref_len=int(sums[-1]),
            smooth_method=counter.smooth_method,
            smooth_value=counter.smooth_value,
            effective_order=short,
        )
        return {"bleu": min(found.score, 100.0)}  # 100.00000000000004 of sacrebleu

    metric = _metrics().BLEU(effective_order=short, **options)
    signature = {"bleu": _signature(metric, texts, known)}
    return Statistics(_table(counts, 2 * ORDER + 2), score, signature)


def chrf(
    gold: np.ndarray | Sequence[str],
    answered: np.ndarray | Sequence[str],
    *,
    word_order: int = 0,
) -> Statistics:
    """chrF, from 0 to 100; chrF++ with two words.

    Popović: chrF: character n-gram F-score for automatic MT evaluation (WMT 2015).

    Args:
        gold: the references, str [N].
        answered: str [N].
        word_order: words of the longest n-gram of words that counts too.

    Raises:
        UsageError: sacrebleu is not installed.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([chrf(["the cat"], ["the cat"])])
    {'chrf': 100.0}
    """
    metric = _metrics().CHRF(word_order=word_order)
    known, texts = references.apart(gold), list(answered)
    # sacrebleu makes the counts of chrF public in no other way; a test compares the
    # scores made of them with those of `corpus_score`.
    counts = metric._extract_corpus_statistics(texts, references.streams(known))

    def score(sums: np.ndarray) -> Scores:
        return {"chrf": float(metric._compute_score_from_stats(sums.tolist()).score)}

    signature = {"chrf": _signature(metric, texts, known)}
    return Statistics(
        _table(counts, 3 * (metric.char_order + word_order)), score, signature
    )


def ter(
    gold: np.ndarray | Sequence[str], answered: np.ndarray | Sequence[str]
) -> Statistics:
    """Translation edit rate in percent: 0 is perfect, and it may be above 100.

    Snover et al.: A Study of Translation Edit Rate with Targeted Human Annotation
    (AMTA 2006).

    Args:
        gold: the references, str [N].
        answered: str [N].

    Raises:
        UsageError: sacrebleu is not installed.

    Example:
    >>> from tfnlp.scores.corpus_statistics import corpus_scores
    >>> corpus_scores([ter(["the cat sat down"], ["the cat sat"])])
    {'ter': 25.0}
    """
    metric = _metrics().TER()
    known, texts = references.apart(gold), list(answered)
    found = [metric.sentence_score(*pair) for pair in zip(texts, known, strict=True)]
    counts = [[each.num_edits, each.ref_length] for each in found]

    def score(sums: np.ndarray) -> Scores:
        edits, length = sums
        return {"ter": float(100 * (edits / length if length else edits > 0))}

    return Statistics(
        _table(counts, 2), score, {"ter": _signature(metric, texts, known)}
    )


def sentence_chrf(
    gold: np.ndarray | Sequence[str], answered: np.ndarray | Sequence[str]
) -> np.ndarray:
    """chrF of each row by itself, float64 [N], from 0 to 100.

    Raises:
        UsageError: sacrebleu is not installed.

    Example:
    >>> sentence_chrf(["the cat", "a dog"], ["the cat", ""]).tolist()
    [100.0, 0.0]
    """
    metric = _metrics().CHRF()
    pairs = zip(answered, references.apart(gold), strict=True)
    return np.array([metric.sentence_score(*pair).score for pair in pairs], float)


def _bleu_counts(metric: Any, text: str, known: Sequence[str]) -> list[float]:
    found = metric.sentence_score(text, known)
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]


def _signature(metric: Any, texts: Sequence[str], known: list[list[str]]) -> str:
    """The signature of sacrebleu, with the number of references."""
    if not texts:
        return ""
    order = sorted(range(len(known)), key=lambda row: len(known[row]))
    ends = [order[0], order[-1]]
    streams = references.streams([known[row] for row in ends])
    metric.corpus_score([texts[row] for row in ends], streams)
    return metric.get_signature().format()


def _table(counts: Sequence[Sequence[float]], width: int) -> np.ndarray:
    return np.array(counts, np.float64).reshape(-1, width)


def _metrics() -> Any:
    try:
        from sacrebleu import metrics
    except ImportError as error:
        raise UsageError(
            f"BLEU, chrF and TER need the package sacrebleu. Received: {error}. "
            "Install it with: pip install 'tfnlp[generation]'"
        ) from error
    return metrics
