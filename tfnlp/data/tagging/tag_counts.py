"""Counts of the tags in sentences: types of span, and words that have several."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from tfnlp.data.tagging import schemes
from tfnlp.data.tagging.sentences import split

Sentences = Sequence[tuple[list[str], list[str]]]
"""Words and tags of each row."""


def sentences_of(columns: Mapping[str, np.ndarray]) -> Sentences:
    """Words and tags of rows, taken apart.

    Args:
        columns: `tokens` and `tags`, bytes [N].

    Example:
    >>> sentences_of({"tokens": np.array([b"a b"]), "tags": np.array([b"X"])})
    [(['a', 'b'], ['X'])]
    """
    words, tags = (
        [split(value.decode("utf-8", "replace")) for value in columns[name].tolist()]
        for name in ("tokens", "tags")
    )
    return list(zip(words, tags, strict=True))


def even(sentences: Sentences) -> Sentences:
    """Those with as many tags as words.

    Example:
    >>> even([(["a", "b"], ["X"])])
    []
    """
    return [pair for pair in sentences if len(pair[0]) == len(pair[1])]


def type_counts(sentences: Sentences, scheme: str | None) -> dict[str, int]:
    """Type → spans, or tag → words where tags are plain; the commonest first.

    Example:
    >>> type_counts([(["in", "New", "York"], ["O", "B-LOC", "I-LOC"])], "BIO")
    {'LOC': 1}
    """
    if scheme is None:
        counts = Counter(tag for _, tags in sentences for tag in tags)
    else:
        counts = Counter(
            span.type for _, tags in sentences for span in schemes.spans(tags)
        )
    return dict(counts.most_common())


def types_of(tags: Iterable[str]) -> set[str]:
    """The types of span that tags spell.

    Example:
    >>> types_of(["O", "B-LOC", "I-LOC"])
    {'LOC'}
    """
    parsed = map(schemes.parse, tags)
    return {type for role, type in parsed if role != schemes.OUTSIDE}


def several_tags(sentences: Sentences, scheme: str | None) -> dict[str, dict[str, int]]:
    """Inconsistent annotations: what has several tags, most doubtful tags first.

    Args:
        scheme: of the tags; None if they are plain, then of words, else of spans. A
            span of one word may also stand outside of all spans, as `O`.

    Returns:
        form → type → how often, the commonest first.

    Example:
    >>> several_tags([(["Bath", "is", "a", "Bath"], ["B-LOC", "O", "O", "O"])], "BIO")
    {'Bath': {'LOC': 1, 'O': 1}}
    """
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    outside: Counter[str] = Counter()
    for words, tags in sentences:
        if scheme is None:
            for word, tag in zip(words, tags, strict=True):
                forms[word][tag] += 1
            continue
        found = schemes.spans(tags)
        for span in found:
            forms[" ".join(words[span.start : span.end])][span.type] += 1
        edges = [0, *(edge for span in found for edge in span[1:]), len(words)]
        for start, end in list(pairwise(edges))[::2]:
            outside.update(words[start:end])
    for form in forms.keys() & outside.keys():
        forms[form][schemes.OUTSIDE] = outside[form]
    doubtful = {
        form: tags.total() - max(tags.values())
        for form, tags in forms.items()
        if len(tags) > 1
    }
    ranked = sorted(doubtful, key=lambda form: (-doubtful[form], form))
    return {form: dict(forms[form].most_common()) for form in ranked}
