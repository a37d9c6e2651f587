"""Counts runs of tokens as numbers: a dozen times as fast as counting their strings.

A token is a number as soon as it was met; a run of tokens is known by a hash of theirs
(64 bits: ten million runs meet by chance three times in a million countings). Only
what is kept becomes a string.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf

Tokens = Callable[[tf.Tensor], tf.RaggedTensor]
_CHUNK = 1 << 20
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
    min_frequency: int = 1,
    memory: int = 8_000_000,
) -> list[str]:
    """Lists the most frequent runs of 1 … n tokens; see `counting.most_common`.

    Args:
        texts: batches of string [B].
        tokens: string [B] → tokens [B, (T)], in graph.
        ngrams: the longest run; its tokens are joined with blanks.
        size: how many runs at most.
        min_frequency: runs seen less often are left out.
        memory: how many different runs of one length are counted at a time. Beyond
            it the rarest are forgotten.

    Example:
    >>> texts = tf.data.Dataset.from_tensors(["a b", "a b c"])
    >>> most_common_ngrams(texts, tf.strings.split, ngrams=2, size=3)
    ['a', 'a b', 'b']
    """
    numbers: dict[bytes, int] = {}
    found: list[list[Runs]] = [[] for _ in range(ngrams)]
    for ids, texts_of in _chunks(texts, tokens, numbers):
        for length, parts in enumerate(found, start=1):
            parts.append(_counted(ids, texts_of, size=length))
            if sum(len(runs.keys) for runs in parts) > memory:
                parts[:] = [_frequent(_merged(parts), memory)]
    with ThreadPoolExecutor(2) as pool:  # NumPy sorts without Python's lock
        merged = list(pool.map(_merged, filter(None, found)))
    return _ranked(
        merged,
        np.array(list(numbers), object),
        size=size,
        min_frequency=min_frequency,
    )


def _chunks(
    texts: tf.data.Dataset, tokens: Tokens, numbers: dict[bytes, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens int32 [N] by number, and which text each is of, int64 [N]."""

    @tf.autograph.experimental.do_not_convert
    def prepared(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        found = tokens(batch)
        different, places = tf.unique(found.flat_values)
        return different, places, found.row_lengths()

    batches = texts.map(prepared, num_parallel_calls=2, deterministic=True).prefetch(2)
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
    starts = np.flatnonzero(texts_of[:count] == texts_of[size - 1 :])
    found, order, first = _grouped(keys[starts])
    counts = np.diff(first, append=len(order))
    members = ids[starts[order[first]][:, None] + np.arange(size)]
    return Runs(found, counts, members)


def _grouped(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different keys by rising value, what sorts all, and where in that each begins."""
    order = _order(keys)
    ordered = keys[order]
    first = np.flatnonzero(np.append(len(keys) > 0, ordered[1:] != ordered[:-1]))
    return ordered[first], order, first


def _order(keys: np.ndarray) -> np.ndarray:
    """What sorts uint64 [N], as `np.argsort` has it: int64 [N], stable.

    NumPy sorts numbers ten times as fast as their places. So numbers are sorted that
    end in their place; the few keys that differ there only are put right behind.
    """
    bits = max(len(keys) - 1, 0).bit_length()
    ends = np.uint64((1 << bits) - 1)
    placed = keys & ~ends
    placed |= np.arange(len(keys), dtype=np.uint64)
    placed.sort()
    order = (placed & ends).view(np.int64)
    ordered = keys[order]
    for begin in np.unique(placed[1:][ordered[1:] < ordered[:-1]] & ~ends):
        same = slice(
            np.searchsorted(placed, begin),
            np.searchsorted(placed, begin | ends, "right"),
        )
        order[same] = order[same][np.argsort(keys[order[same]], kind="stable")]
    return order


def _mixed(keys: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The next token taken into hashes uint64 [N], as splitmix64 mixes."""
    keys = keys + ids.astype(np.uint64)
    keys += np.uint64(1)
    keys *= np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(30)
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    keys ^= keys >> np.uint64(27)
    keys *= np.uint64(0x94D049BB133111EB)
    keys ^= keys >> np.uint64(31)
    return keys


def _merged(parts: Sequence[Runs]) -> Runs:
    """Adds up runs that were counted apart."""
    if len(parts) == 1:
        return parts[0]
    keys, counts, members = (np.concatenate(part) for part in zip(*parts, strict=True))
    found, order, first = _grouped(keys)
    if not len(found):
        return parts[0]
    return Runs(found, np.add.reduceat(counts[order], first), members[order[first]])


def _frequent(runs: Runs, memory: int) -> Runs:
    """Without the runs of the lowest counts, if there are more than fit."""
    if len(runs.keys) <= memory:
        return runs
    least = np.partition(runs.counts, -(memory // 2))[-(memory // 2)]
    return _kept(runs, runs.counts > least)


def _kept(runs: Runs, chosen: np.ndarray) -> Runs:
    return Runs(*(part[chosen] for part in runs))


def _ranked(
    found: Sequence[Runs], entries: np.ndarray, *, size: int, min_frequency: int
) -> list[str]:
    """The most frequent runs by falling count, then by their tokens."""
    counts = np.concatenate([runs.counts for runs in found] or [np.zeros(0, np.int64)])
    if len(counts) > size:
        min_frequency = max(min_frequency, int(np.partition(counts, -size)[-size]))
    kept = [_kept(runs, runs.counts >= min_frequency) for runs in found]
    if not kept:
        return []
    members = np.concatenate([_filled(runs.members, len(kept)) for runs in kept])
    ranks = np.append(np.argsort(np.argsort(entries)), -1)  # -1 is no token
    rising = np.concatenate([runs.counts for runs in kept])
    order = _lexsorted([-rising, *ranks[members].T])[:size]
    return _strings(members[order], entries)


def _lexsorted(keys: Sequence[np.ndarray]) -> np.ndarray:
    """What sorts by the first of some integers [N], then by the next: int64 [N]."""
    order = np.arange(len(keys[0]))
    for numbers in reversed(keys):
        above = (numbers - numbers.min(initial=0)).astype(np.uint64)
        free = 64 - int(above.max(initial=0)).bit_length()
        above <<= np.uint64(min(free, 63))  # the low bits are for places, see `_order`
        order = order[_order(above[order])]
    return order


def _strings(members: np.ndarray, entries: np.ndarray) -> list[str]:
    """Runs int32 [U, n] that end in -1, as their tokens with blanks between."""
    names = np.array([each.decode("utf-8", "replace") for each in entries], object)
    strings = names[members[:, 0]]
    for place in range(1, members.shape[1]):
        longer = members[:, place] >= 0
        strings[longer] += " " + names[members[longer, place]]
    return strings.tolist()


def _filled(members: np.ndarray, size: int) -> np.ndarray:
    """[U, n] → [U, size], with -1 behind the tokens."""
    missing = size - members.shape[1]
    return np.pad(members, ((0, 0), (0, missing)), constant_values=-1)
