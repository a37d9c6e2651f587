"""Counts terms over a stream of texts in bounded memory, in a fixed order."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import tensorflow as tf

Terms = Callable[[tf.Tensor], tf.RaggedTensor]


def most_common(
    texts: tf.data.Dataset,
    terms: Terms,
    *,
    size: int,
    min_frequency: int = 1,
    memory: int = 4_000_000,
) -> list[str]:
    """Lists the most frequent terms, by falling count and then by the term.

    Args:
        texts: batches of string [B].
        terms: string [B] → terms [B, (T)], in graph.
        size: how many terms at most.
        min_frequency: terms seen less often are left out.
        memory: how many distinct terms are counted at a time. Beyond it the rarest
            are forgotten, so that counts of rare terms become lower bounds.

    Example:
    >>> texts = tf.data.Dataset.from_tensors(["b a", "b c"])
    >>> most_common(texts, tf.strings.split, size=2)
    ['b', 'a']
    """
    counts: Counter[bytes] = Counter()
    for found, times in _counted(texts, terms).as_numpy_iterator():
        for term, count in zip(found.tolist(), times.tolist(), strict=True):
            counts[term] += count
        if len(counts) > memory:
            counts = _forget_rare(counts, keep=memory // 2)
    ranked = _ranked(counts, size=size, min_frequency=min_frequency)
    return [term.decode("utf-8", "replace") for term in ranked]


def _counted(texts: tf.data.Dataset, terms: Terms) -> tf.data.Dataset:
    """Counts each batch in graph: (terms string [U], counts int32 [U])."""

    @tf.autograph.experimental.do_not_convert
    def count(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found, _, times = tf.unique_with_counts(terms(batch).flat_values)
        return found, times

    counted = texts.map(count, num_parallel_calls=2, deterministic=True)
    return counted.prefetch(2)


def _forget_rare(counts: Counter[bytes], *, keep: int) -> Counter[bytes]:
    """Drops all terms of the lowest counts, until at most `keep` are left."""
    times = np.fromiter(counts.values(), np.int64, len(counts))
    least = np.partition(times, len(times) - keep)[len(times) - keep]
    return Counter({term: count for term, count in counts.items() if count > least})


def _ranked(counts: Counter[bytes], *, size: int, min_frequency: int) -> list[bytes]:
    times = np.fromiter(counts.values(), np.int64, len(counts))
    if len(times) > size:
        min_frequency = max(min_frequency, int(np.partition(times, -size)[-size]))
    kept = [item for item in counts.items() if item[1] >= min_frequency]
    kept.sort(key=lambda item: (-item[1], item[0]))
    return [term for term, _ in kept[:size]]
