"""Counts runs of tokens as numbers: a dozen times as fast as counting their strings.

A token is a number as soon as it was met; a run of tokens is known by a hash of theirs
(64 bits: ten million runs meet by chance three times in a million countings). Only
what is kept becomes a string.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

Tokens = Callable[[tf.Tensor], tf.RaggedTensor]
_CHUNK = 2_000_000
"""Tokens that are counted together."""


class Runs(NamedTuple):
    """Different runs of one length, U of them, by rising key.

    Args:
        keys: uint64 [U].
        counts: int64 [U].
        members: the tokens of each, int32 [U, n].
    """

    keys: np.ndarray
    counts: np.ndarray
    members: np.ndarray


def most_common_ngrams(
    texts: tf.data.Dataset,
    tokens: Tokens,
    *,
    ngrams: int,
    size: int,
    minimum_count: int = 1,
    memory: int = 8_000_000,
) -> list[str]:
    """Lists the most frequent runs of 1 … n tokens; see `counting.most_common`.

    Args:
        texts: batches of string [B].
        tokens: string [B] → tokens [B, (T)], in graph.
        ngrams: the longest run; its tokens are joined with blanks.
        size: how many runs at most.
        minimum_count: runs seen less often are left out.
        memory: how many different runs of one length are counted at a time. Beyond
            it the rarest are forgotten.

    Example:
    >>> texts = tf.data.Dataset.from_tensors(["a b", "a b c"])
    >>> most_common_ngrams(texts, tf.strings.split, ngrams=2, size=3)
    ['a', 'a b', 'b']
    """
    numbers: dict[bytes, int] = {}
    found: list[Runs | None] = [None] * ngrams
    for ids, texts_of in _chunks(texts, tokens, numbers):
        for place in range(ngrams):
            runs = _counted(ids, texts_of, size=place + 1)
            known = found[place]
            runs = runs if known is None else _merged(known, runs)
            found[place] = _frequent(runs, memory)
    return _ranked(
        [runs for runs in found if runs is not None],
        np.array(list(numbers), object),
        size=size,
        minimum_count=minimum_count,
    )


def _chunks(
    texts: tf.data.Dataset, tokens: Tokens, numbers: dict[bytes, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens int32 [N] by number, and which text each is of, int64 [N]."""

    @tf.autograph.experimental.do_not_convert
    def told(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        found = tokens(batch)
        different, places = tf.unique(found.flat_values)
        return different, places, found.row_lengths()

    batches = texts.map(told, num_parallel_calls=2, deterministic=True).prefetch(2)
    ids: list[np.ndarray] = []
    lengths: list[np.ndarray] = []
    waiting = 0
    for different, places, sizes in batches.as_numpy_iterator():
        own = [numbers.setdefault(token, len(numbers)) for token in different.tolist()]
        ids.append(np.array(own, np.int32)[places])
        lengths.append(sizes)
        waiting += len(places)
        if waiting >= _CHUNK:
            yield _joined(ids, lengths)
            ids, lengths, waiting = [], [], 0
    if waiting:
        yield _joined(ids, lengths)


def _joined(
    ids: list[np.ndarray], lengths: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.concatenate(lengths)
    return np.concatenate(ids), np.repeat(np.arange(len(sizes)), sizes)


def _counted(ids: np.ndarray, texts_of: np.ndarray, *, size: int) -> Runs:
    """Counts the runs of one length that do not go over the end of a text."""
    count = max(len(ids) - size + 1, 0)
    keys = np.zeros(count, np.uint64)
    for place in range(size):
        keys = _mixed(keys, ids[place : place + count])
    whole = texts_of[:count] == texts_of[size - 1 :]
    starts = np.flatnonzero(whole)
    keys, first, counts = np.unique(keys[whole], return_index=True, return_counts=True)
    members = ids[starts[first][:, None] + np.arange(size)]
    return Runs(keys, counts.astype(np.int64), members)


def _mixed(keys: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The next token taken into hashes uint64 [N], as splitmix64 mixes."""
    keys = (keys + ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _merged(first: Runs, second: Runs) -> Runs:
    keys, index, inverse = np.unique(
        np.concatenate([first.keys, second.keys]),
        return_index=True,
        return_inverse=True,
    )
    counts = np.concatenate([first.counts, second.counts])
    total = np.bincount(inverse, weights=counts, minlength=len(keys))
    members = np.concatenate([first.members, second.members])[index]
    return Runs(keys, total.astype(np.int64), members)


def _frequent(runs: Runs, memory: int) -> Runs:
    """Without the runs of the lowest counts, if there are more than fit."""
    if len(runs.keys) <= memory:
        return runs
    least = np.partition(runs.counts, -(memory // 2))[-(memory // 2)]
    return _kept(runs, runs.counts > least)


def _kept(runs: Runs, chosen: np.ndarray) -> Runs:
    return Runs(*(part[chosen] for part in runs))


def _ranked(
    found: list[Runs], entries: np.ndarray, *, size: int, minimum_count: int
) -> list[str]:
    """The most frequent runs by falling count, then by their string."""
    counts = np.concatenate([runs.counts for runs in found] or [np.zeros(0, np.int64)])
    if len(counts) > size:
        minimum_count = max(minimum_count, int(np.partition(counts, -size)[-size]))
    items: list[tuple[int, bytes]] = []
    for runs in found:
        kept = _kept(runs, runs.counts >= minimum_count)
        strings = map(b" ".join, entries[kept.members].tolist())
        items += zip((-kept.counts).tolist(), strings, strict=True)
    items.sort()
    return [term.decode("utf-8", "replace") for _, term in items[:size]]
