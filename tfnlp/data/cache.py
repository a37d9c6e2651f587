"""Rows that were encoded once and stay in memory, without their padding.

From then on an epoch costs no work on strings, and how many tokens a row has is
known: batches hold rows of the same length, by tokens and not by bytes.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfnlp.data.rows import without_autotune
from tfnlp.errors import UsageError
from tfnlp.specs import Rows

LARGEST = 1 << 28
"""Bytes of encoded rows that are kept at most."""
_BATCH = 256
_ALONE = 16
"""Rows that are encoded one by one: tensors of one length in each are of one side."""
_LOOKED_AT = 2048
"""Rows after which it is estimated what all take."""
Encode = Callable[[tf.data.Dataset], tf.data.Dataset]
"""Batches of rows → batches of examples, such as `Task.dataset`."""
Leaf: TypeAlias = tf.Tensor | tf.RaggedTensor


class Encoded:
    """Examples of rows by number; see `encode_once`.

    Args:
        leaves: the tensors of all examples, flat: [R, ...], or ragged [R, (T), ...].
        sides: a number for each leaf; ragged ones of one side have the same T.
        structure: an example, for its nesting.
        origin: what was encoded, and by what; see `check`.
    """

    def __init__(
        self,
        leaves: Sequence[Leaf],
        sides: Sequence[int],
        structure: Any,
        origin: Sequence[Any] = (),
    ) -> None:
        self.leaves, self.sides, self.structure = leaves, sides, structure
        self.origin = origin

    def check(self, *origin: Any) -> None:
        """Makes sure that this is the encoding of these very objects.

        Raises:
            UsageError: it is that of others.
        """
        if not all(map(operator.is_, self.origin, origin)):
            raise UsageError(
                "Encoded rows are used with the task and the rows that they come of. "
                "Received: others. Pass encoded=tfnlp.training.encode_rows(task, rows) "
                "of these two, or leave it out."
            )

    @property
    def nbytes(self) -> int:
        """Memory that the values take."""
        flat = [leaf.flat_values if _is_ragged(leaf) else leaf for leaf in self.leaves]
        return sum(values.dtype.size * int(tf.size(values)) for values in flat)

    def rows(self) -> Rows:
        """The number of each row, ``row``, and how many tokens it has, ``length``."""
        sizes = self._by_side([_lengths(leaf) for leaf in self.leaves])
        lengths = sum(tf.reduce_max(tf.stack(own), axis=0) for own in sizes.values())
        count = self.leaves[0].shape[0]
        columns = {
            "row": tf.range(count, dtype=tf.int64),
            "length": tf.zeros([count], tf.int32) + tf.cast(lengths, tf.int32),
        }
        return without_autotune(tf.data.Dataset.from_tensor_slices(columns))

    def examples(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of `rows` → batches of examples, as encoding them gives."""

        @tf.autograph.experimental.do_not_convert
        def example(rows: dict[str, tf.Tensor]) -> Any:
            found = [tf.gather(leaf, rows["row"]) for leaf in self.leaves]
            sizes = self._by_side([_lengths(leaf) for leaf in found])
            longest = {
                side: tf.maximum(tf.reduce_max(tf.stack(own)), 1)
                for side, own in sizes.items()
            }
            dense = [
                _padded(leaf, longest[side]) if _is_ragged(leaf) else leaf
                for leaf, side in zip(found, self.sides, strict=True)
            ]
            return tf.nest.pack_sequence_as(self.structure, dense)

        return batches.map(example, num_parallel_calls=2)

    def _by_side(
        self, lengths: Sequence[tf.Tensor | None]
    ) -> dict[int, list[tf.Tensor]]:
        """Side → lengths of the rows [B], one for each of its ragged leaves."""
        found: dict[int, list[tf.Tensor]] = {}
        for side, own in zip(self.sides, lengths, strict=True):
            if own is not None:
                found.setdefault(side, []).append(own)
        return found


def encode_once(
    rows: Rows,
    encode: Encode,
    *,
    largest: int = LARGEST,
    origin: Sequence[Any] = (),
) -> Encoded | None:
    """Encodes rows for good.

    Args:
        rows: rows of a known number.
        encode: what makes examples of batches. Only the first two dimensions of a
            tensor may change from batch to batch, the second of them is padded with
            zeros, and what a row becomes does not depend on its batch.
        largest: bytes that the examples may take.
        origin: what `Encoded.check` compares.

    Returns:
        None where tensors are of another kind, or would take more memory.
    """
    alone, others = rows.take(_ALONE).batch(1), rows.skip(_ALONE).batch(_BATCH)
    examples = encode(without_autotune(alone.concatenate(others).prefetch(2)))
    specs = tf.nest.flatten(examples.element_spec)
    if not all(map(_can_be_kept, specs)):
        return None
    columns = [_Column(spec) for spec in specs]
    done, total = 0, int(rows.cardinality())
    for example in examples.as_numpy_iterator():
        leaves = tf.nest.flatten(example)
        for column, leaf in zip(columns, leaves, strict=True):
            column.add(leaf)
        done += len(leaves[0])
        if done >= min(_LOOKED_AT, total):
            took = sum(column.nbytes for column in columns)
            if took / done * total > largest:
                return None
    sizes = [column.sizes for column in columns]
    return Encoded(
        [column.joined() for column in columns],
        [sizes.index(own) for own in sizes],
        examples.element_spec,
        origin,
    )


class _Column:
    """One tensor of the examples, batch by batch."""

    def __init__(self, spec: tf.TensorSpec) -> None:
        self.is_padded = spec.shape.rank > 1 and spec.shape[1] is None
        self.values: list[np.ndarray] = []
        self.lengths: list[np.ndarray] = []
        self.sizes: list[int] = []
        """T of each batch."""
        self.nbytes = 0

    def add(self, leaf: np.ndarray) -> None:
        """Takes [B, ...], or [B, T, ...] without its padding."""
        if self.is_padded:
            self.sizes.append(leaf.shape[1])
            real = _real(leaf)
            self.lengths.append(real.sum(axis=1))
            leaf = leaf[real]
        self.values.append(leaf)
        self.nbytes += leaf.nbytes

    def joined(self) -> Leaf:
        """The tensor of all rows."""
        whole = np.concatenate(self.values)
        self.values.clear()  # they are there twice for a moment, not longer
        with tf.device("CPU:0"):  # datasets are made there
            values = tf.constant(whole)
            if not self.is_padded:
                return values
            lengths = np.concatenate(self.lengths)
            return tf.RaggedTensor.from_row_lengths(values, lengths)


def _can_be_kept(spec: Any) -> bool:
    return (
        isinstance(spec, tf.TensorSpec)
        and (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool)
        and bool(spec.shape.rank)
        and None not in spec.shape[2:]
    )


def _real(leaf: np.ndarray) -> np.ndarray:
    """What of [B, T, ...] is not padding: bool [B, T], up to the last that is not 0."""
    other = leaf != 0
    if other.ndim > 2:
        other = other.reshape(*leaf.shape[:2], -1).any(axis=2)
    behind = other[:, ::-1].argmax(axis=1)  # zeros behind the last, if there is one
    sizes = np.where(other.any(axis=1), leaf.shape[1] - behind, 0)
    return np.arange(leaf.shape[1]) < sizes[:, None]


def _is_ragged(leaf: Leaf) -> bool:
    return isinstance(leaf, tf.RaggedTensor)


def _lengths(leaf: Leaf) -> tf.Tensor | None:
    """Places of each row, int64 [B]; None where all have the same."""
    return leaf.row_lengths() if _is_ragged(leaf) else None


def _padded(ragged: tf.RaggedTensor, size: tf.Tensor) -> tf.Tensor:
    """[B, (T), ...] → [B, size, ...]."""
    inner = ragged.flat_values.shape[1:]
    shape = tf.concat([[-1, size], tf.constant(list(inner), tf.int64)], axis=0)
    dense = ragged.to_tensor(shape=shape)
    return tf.ensure_shape(dense, [None, None, *inner])
