"""Looks runs of words up by numbers, without making their strings.

A run is known by a number, and the run that is a word longer by that number and the
word: integers are looked up, where joining strings and hashing them takes several
times as long. Nothing here knows what the runs are for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_NONE = (1 << 31) - 1
"""The number of a run that no entry begins with."""
_HALF = 1 << 32


class NgramIds(tf.Module):
    """Ids of the runs of 1 … n words of each row, in graph.

    Args:
        entries: different runs of words, joined with one blank.
        first: the id of the first entry; those of the others follow.
        unknown: the id of runs that are no entry.
        ngrams: words of the longest run that is looked up.

    Example:
    >>> ids = NgramIds(("a", "film", "a film"), first=2, unknown=1, ngrams=2)
    >>> ids(tf.ragged.constant([["a", "film", "now"]])).to_list()
    [[2, 3, 1, 4, 1]]
    """

    def __init__(
        self, entries: Sequence[str], *, first: int, unknown: int, ngrams: int
    ) -> None:
        super().__init__()
        words = " ".join(entries).split(" ")
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        known = np.array([numbers[word] for word in words], np.int64)
        sizes = np.array([entry.count(" ") + 1 for entry in entries])
        starts, ids = np.cumsum(sizes) - sizes, first + np.arange(len(entries))
        keys: Any = list(numbers)
        runs = known[starts]  # the run of its first words, of each entry
        tables = []
        for size in range(1, ngrams + 1):
            if size > 1:
                longer = sizes >= size
                sizes, starts, ids = sizes[longer], starts[longer], ids[longer]
                keys = _joined(runs[longer], known[starts + size - 1])
                keys, runs = np.unique(keys, return_inverse=True)
            own = np.full(len(keys), unknown)
            own[runs[sizes == size]] = ids[sizes == size]
            tables.append(_table(keys, own, unknown))
        self._tables = tuple(tables)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Words string [B, (T)] → int32 [B, (N)], the ids of single words first."""
        numbers, ids = _parted(self._tables[0].lookup(words.flat_values))
        found, runs = [words.with_flat_values(ids)], numbers
        rows, lengths = words.value_rowids(), words.row_lengths()
        for more, table in enumerate(self._tables[1:], start=1):
            runs, ids = _parted(table.lookup(_joined(runs[:-1], numbers[more:])))
            inside = tf.boolean_mask(ids, rows[more:] == rows[:-more])
            sizes = tf.maximum(lengths - more, 0)
            found.append(
                tf.RaggedTensor.from_row_lengths(inside, sizes, validate=False)
            )
        return tf.concat(found, axis=1)


def _table(keys: Any, ids: np.ndarray, unknown: int) -> tf.lookup.StaticHashTable:
    """Runs by their keys → their number, which is their place, and their id."""
    if not len(keys):
        keys, ids = np.array([-1]), np.array([unknown])
    with tf.device("CPU:0"):
        return tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(keys),
                tf.constant(_joined(np.arange(len(keys)), ids), tf.int64),
            ),
            default_value=_joined(_NONE, unknown),
        )


def _joined(high: Any, low: Any) -> Any:
    """Two integers of 31 bits as one of 64."""
    return high * _HALF + low


def _parted(joined: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """int64 → the high half as int64, the low one as int32."""
    high = tf.bitwise.right_shift(joined, tf.constant(32, tf.int64))
    return high, tf.cast(tf.bitwise.bitwise_and(joined, _HALF - 1), tf.int32)
