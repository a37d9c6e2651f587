"""Figures of generated texts: samples, lengths, perplexity by place, attention.

Strings and numbers in, plain data out (`tfnlp.scores.figures`). Gold strings may
hold several references, see `tfnlp.specs.REFERENCES`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tfnlp.scores import references
from tfnlp.scores.bleu_chrf_ter import sentence_chrf
from tfnlp.scores.classification_figures import cut
from tfnlp.scores.figures import Curve, Figure, Heat, Highlights, Line

SHOWN = 5
"""Samples of each kind: worst, typical and best."""
POINTS = 15
"""Points of a curve of lengths."""
TOKENS = 60
"""Tokens of a side that an attention map shows."""
EMPTY = "(empty)"
BETWEEN = " ‖ "
"""Stands between references."""


def figures(
    sources: np.ndarray, gold: np.ndarray, answered: np.ndarray
) -> tuple[Figure, ...]:
    """All figures of answers with references; none without rows.

    Args:
        sources: what was answered, str [N].
        gold: the references, str [N].
        answered: str [N].

    Raises:
        UsageError: sacrebleu is not installed, which tells good samples from bad.

    Example:
    >>> texts = np.array(["a cat", "a dog", "a bird"], object)
    >>> [figure.title for figure in figures(texts, texts, texts)]
    ['Length of answers', 'Worst answers', 'Typical answers', 'Best answers']
    """
    if not len(gold):
        return ()
    return (lengths(gold, answered), *samples(sources, gold, answered))


def samples(
    sources: np.ndarray, gold: np.ndarray, answered: np.ndarray, *, shown: int = SHOWN
) -> tuple[Highlights, ...]:
    """Answers beside their references: the worst, typical and best ones by chrF.

    Args:
        sources: what was answered, str [N]; each text is cut at 300 characters.
        gold: the references, str [N].
        answered: str [N].
        shown: how many of each, if there are rows enough.

    Raises:
        UsageError: sacrebleu is not installed.

    Example:
    >>> texts = np.array(["a cat", "a dog"], object)
    >>> [len(figure.rows) for figure in samples(texts, texts, texts[::-1])]
    [1, 1]
    """
    quality = sentence_chrf(gold, answered)
    order = np.argsort(quality, kind="stable")
    size = max(1, min(shown, len(order) // 3))
    worst, others = order[:size], order[size:]
    best, between = others[::-1][:size], others[: max(len(others) - size, 0)]
    start = (len(between) - size) // 2
    typical = between[max(start, 0) :][:size]
    kinds = {"Worst": worst, "Typical": typical, "Best": best}
    return tuple(
        Highlights(
            f"{name} answers",
            tuple(
                _lines(sources[row], gold[row], answered[row], quality[row])
                for row in rows
            ),
            f"{len(rows)} of {len(order):,}, by chrF of the sentence.",
        )
        for name, rows in kinds.items()
        if len(rows)
    )


def continued(
    halves: Sequence[tuple[str, str]], made: Sequence[str], *, temperature: float
) -> Highlights:
    """Continuations: prompts with the generated text beside the original one.

    Args:
        halves: prompt and what followed it, of each text.
        made: what was generated after each prompt.
        temperature: it was generated with.

    Example:
    >>> figure = continued([("to be", " or not")], [" or bee"], temperature=0.8)
    >>> figure.rows[0][2]
    ('generated', ((' or bee', '', False),))
    """
    rows = tuple(
        tuple(
            (name, ((cut(text) if text.strip() else EMPTY, "", False),))
            for name, text in (("prompt", prompt), ("text", text), ("generated", more))
        )
        for (prompt, text), more in zip(halves, made, strict=True)
    )
    note = f"Drawn with temperature {temperature}, and not chosen."
    return Highlights("Continuations", rows, note)


def lengths(gold: np.ndarray, answered: np.ndarray) -> Curve:
    """Lengths of answers by lengths of references, in words.

    In characters where spaces are rare. Of several references the first counts.

    Example:
    >>> texts = np.array(["a cat", "a black cat"], object)
    >>> lengths(texts, texts).series[0]
    ('answers', (2.0, 3.0), (2.0, 3.0))
    """
    first = [known[0] for known in references.apart(gold)]
    spaced = sum(map(len, first)) <= 10 * sum(len(text.split()) for text in first)
    unit = "words" if spaced else "characters"
    wanted, found = (
        np.array([len(text.split()) if spaced else len(text) for text in texts], float)
        for texts in (first, answered)
    )
    order = np.argsort(wanted, kind="stable")
    points = [
        (wanted[group].mean(), found[group].mean()) for group in _groups(wanted, order)
    ]
    xs, ys = zip(*points, strict=True) if points else ((), ())
    equal = (float(min(xs)), float(max(xs))) if points else ()
    series = (
        ("answers", tuple(map(float, xs)), tuple(map(float, ys))),
        ("equally long", equal, equal),
    )
    return Curve("Length of answers", f"{unit} of the reference", unit, series)


def perplexity_by_place(
    log_probabilities: np.ndarray, weight: np.ndarray, *, points: int = 30
) -> Curve:
    """Perplexity by the position of a token.

    Args:
        log_probabilities: of each token, natural logarithms, float [N, T].
        weight: 1.0 for tokens, 0.0 for padding, float [N, T].
        points: of the curve; places are put together where there are more.

    Example:
    >>> curve = perplexity_by_place(np.log([[0.25, 0.5]]), np.ones([1, 2]))
    >>> [round(value, 4) for value in curve.series[0][2]]
    [4.0, 2.0]
    """
    sums = -(log_probabilities * weight).sum(axis=0)  # [T]
    counts = weight.sum(axis=0)  # [T]
    places = np.flatnonzero(counts)
    groups = np.array_split(places, min(points, max(len(places), 1)))
    drawn = [group for group in groups if len(group)]
    nats = [min(sums[g].sum() / counts[g].sum(), 700.0) for g in drawn]
    xs = tuple(float(group.mean() + 1) for group in drawn)
    series = ("perplexity", xs, tuple(float(np.exp(each)) for each in nats))
    return Curve("Perplexity by place", "place of the token", "perplexity", (series,))


def attention(
    source: Sequence[str],
    answered: Sequence[str],
    weights: np.ndarray,
    *,
    title: str = "Attention",
) -> Heat:
    """Attention maps: the source tokens that each token of an answer attends to.

    Args:
        source: its S tokens.
        answered: its T tokens.
        weights: float [T, S] or more of both, such as with padding.
        title: what the weights say.

    Example:
    >>> attention(["a", "dog"], ["Hund"], np.array([[0.2, 0.8]])).weights
    ((0.2, 0.8),)
    """
    rows, columns = tuple(answered[:TOKENS]), tuple(source[:TOKENS])
    shown = np.nan_to_num(np.asarray(weights, float))[: len(rows), : len(columns)]
    if len(rows) < len(answered) or len(columns) < len(source):
        title += f", the first {TOKENS} tokens"
    values = tuple(tuple(row) for row in shown.round(4).tolist())
    return Heat(title, rows, columns, values)


def _groups(wanted: np.ndarray, order: np.ndarray) -> Iterator[np.ndarray]:
    """Groups of rows of about the same length; equal lengths stay together."""
    sizes = wanted[order]
    ends = np.flatnonzero(np.diff(sizes, append=np.inf)) + 1  # of each length
    least = max(1, len(order) // POINTS)
    start = 0
    for end in ends.tolist():
        if end - start >= least or end == len(order):
            yield order[start:end]
            start = end


def _lines(source: str, gold: str, answered: str, quality: float) -> tuple[Line, ...]:
    texts = {
        "source": source,
        "reference": BETWEEN.join(*references.apart([gold])),
        "answer": answered if answered.strip() else EMPTY,
        "chrF": f"{quality:.1f}",
    }
    return tuple((name, ((cut(text), "", False),)) for name, text in texts.items())
