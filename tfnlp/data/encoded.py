"""Rows that were encoded once and stay in memory, without their padding.

From then on an epoch costs no work on strings, and how many tokens a row has is
known: batches hold rows of the same length, by tokens and not by bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.rows import settled
from tfnlp.specs import Rows

LARGEST = 1 << 29
"""Bytes of encoded rows that are kept at most."""
_BATCH = 256
_LOOKED_AT = 8
"""Batches after which it is estimated what all rows take."""
Encode = Callable[[tf.data.Dataset], tf.data.Dataset]
"""Batches of rows → batches of examples, such as `Task.dataset`."""


@dataclass(frozen=True)
class Leaf:
    """One tensor of all examples: [R, ...], or [R, T, ...] with the padding left out.

    Args:
        values: [R, ...] or [N, ...], the N places of all rows one after the other.
        splits: int64 [R + 1], where rows begin among the places; None without T.
        side: leaves of one side have the same T.
    """

    values: np.ndarray
    splits: np.ndarray | None = None
    side: int = 0


class Encoded:
    """Examples of rows by number; see `encode_once`.

    Args:
        leaves: the tensors of an example, flat.
        structure: an example, for its nesting.
    """

    def __init__(self, leaves: Sequence[Leaf], structure: Any) -> None:
        self.leaves, self.structure = leaves, structure

    @property
    def nbytes(self) -> int:
        """Memory that the values take."""
        return sum(leaf.values.nbytes for leaf in self.leaves)

    def rows(self) -> Rows:
        """The number of each row, ``row``, and how many tokens it has, ``length``."""
        count = next(
            len(leaf.values) if leaf.splits is None else len(leaf.splits) - 1
            for leaf in self.leaves
        )
        longest: dict[int, np.ndarray] = {}
        for leaf in self.leaves:
            if leaf.splits is not None:
                known = longest.get(leaf.side, 0)
                longest[leaf.side] = np.maximum(np.diff(leaf.splits), known)
        lengths = sum(longest.values(), np.zeros(count, np.int64))
        return settled(
            tf.data.Dataset.from_tensor_slices(
                {
                    "row": np.arange(count, dtype=np.int64),
                    "length": lengths.astype(np.int32),
                }
            )
        )

    def examples(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of `rows` → batches of examples, as encoding them gives."""
        tensors = [tf.nest.map_structure(tf.constant, _parts(x)) for x in self.leaves]

        def example(rows: dict[str, tf.Tensor]) -> Any:
            found = [_gathered(parts, rows["row"]) for parts in tensors]
            longest: dict[int, tf.Tensor] = {}
            least = tf.constant(1, tf.int64)
            for leaf, each in zip(self.leaves, found, strict=True):
                if leaf.splits is not None:
                    size = tf.reduce_max(each.row_lengths())
                    longest[leaf.side] = tf.maximum(longest.get(leaf.side, least), size)
            dense = [
                each if leaf.splits is None else _padded(each, longest[leaf.side])
                for leaf, each in zip(self.leaves, found, strict=True)
            ]
            return tf.nest.pack_sequence_as(self.structure, dense)

        return batches.map(example, num_parallel_calls=2)


def encode_once(
    rows: Rows, encode: Encode, *, largest: int = LARGEST
) -> Encoded | None:
    """Encodes rows for good.

    Args:
        rows: rows of a known number.
        encode: what makes examples of batches. Only the first two dimensions of a
            tensor may change from batch to batch, the second of them is padded with
            zeros, and what a row becomes does not depend on its batch.
        largest: bytes that the examples may take.

    Returns:
        None where tensors are of another kind, or would take more memory.
    """
    examples = encode(settled(rows.batch(_BATCH).prefetch(2)))
    specs = tf.nest.flatten(examples.element_spec)
    if not all(map(_can_be_kept, specs)):
        return None
    padded = [spec.shape.rank > 1 and spec.shape[1] is None for spec in specs]
    values: list[list[np.ndarray]] = [[] for _ in specs]
    lengths: list[list[np.ndarray]] = [[] for _ in specs]
    sizes = []  # T of every leaf, batch by batch
    total = -(-int(rows.cardinality()) // _BATCH)
    for done, example in enumerate(examples.as_numpy_iterator(), start=1):
        leaves = tf.nest.flatten(example)
        sizes.append([leaf.shape[1:2] for leaf in leaves])
        for number, leaf in enumerate(leaves):
            if padded[number]:
                real = _real(leaf)
                lengths[number].append(real.sum(axis=1))
                leaf = leaf[real]
            values[number].append(leaf)
        if done >= min(_LOOKED_AT, total):
            took = sum(part.nbytes for parts in values for part in parts)
            if took / done * total > largest:
                return None
    sides = list(zip(*sizes, strict=True))
    return Encoded(
        [
            Leaf(
                np.concatenate(values[number]),
                _splits(lengths[number]) if padded[number] else None,
                sides.index(sides[number]),
            )
            for number in range(len(specs))
        ],
        examples.element_spec,
    )


def _can_be_kept(spec: Any) -> bool:
    return (
        isinstance(spec, tf.TensorSpec)
        and (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool)
        and bool(spec.shape.rank)
        and None not in spec.shape[2:]
    )


def _real(leaf: np.ndarray) -> np.ndarray:
    """What of [B, T, ...] is not padding: bool [B, T], up to the last that is not 0."""
    other = (leaf != 0).reshape(*leaf.shape[:2], -1).any(axis=2)
    return np.logical_or.accumulate(other[:, ::-1], axis=1)[:, ::-1]


def _splits(lengths: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)


def _parts(leaf: Leaf) -> tuple[np.ndarray, ...]:
    return (leaf.values,) if leaf.splits is None else (leaf.values, leaf.splits)


def _gathered(parts: tuple[tf.Tensor, ...], rows: tf.Tensor) -> Any:
    """The rows of a leaf: a tensor [B, ...], or a ragged one [B, (T), ...]."""
    values, *splits = parts
    if not splits:
        return tf.gather(values, rows)
    ragged = tf.RaggedTensor.from_row_splits(values, splits[0], validate=False)
    return tf.gather(ragged, rows)


def _padded(ragged: tf.RaggedTensor, size: tf.Tensor) -> tf.Tensor:
    """[B, (T), ...] → [B, size, ...]."""
    inner = ragged.flat_values.shape[1:]
    shape = tf.concat([[-1, size], tf.constant(list(inner), tf.int64)], axis=0)
    dense = ragged.to_tensor(shape=shape)
    return tf.ensure_shape(dense, [None, None, *inner])
