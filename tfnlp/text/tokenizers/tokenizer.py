"""What texts are to a task that generates: ids in, ids out, and text again.

A kind of pieces says how a text is cut; ids, marks and padding are the same for
every kind. Nothing here knows a network.
"""

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnlp.text.normalize import standardizer, utf8
from tfnlp.text.vocabulary import SPECIAL

MARKS = (*SPECIAL, "[START]", "[END]")
"""What pieces begin with: ids 0 (padding), 1 (unknown), 2 (start) and 3 (end)."""


class Pieces(tf.Module, abc.ABC):
    """Texts ↔ ids of their pieces, both ways in graph.

    Every kind has the same four ids in front: `padding`, `unknown`, `start` and
    `end`. Bytes that are not UTF-8 become U+FFFD before a text is cut.

    Args:
        standardize: names out of `tfnlp.text.normalize.NORMALIZERS`, such as
            ``("nfkc", "lower")``; none keeps texts as they are.

    Raises:
        UsageError: a name is unknown.
    """

    padding, unknown, start, end = range(len(MARKS))

    def __init__(self, standardize: Sequence[str] = ()):
        super().__init__()
        names = (standardize,) if isinstance(standardize, str) else tuple(standardize)
        self.standardize = names
        standardizer(names)

    @property
    @abc.abstractmethod
    def entries(self) -> tuple[str, ...]:
        """Every piece by its id, marks included."""

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.entries)

    def encode(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts string [B] into ids int32 [B, (T)], without marks."""
        texts = tf.convert_to_tensor(texts, tf.string)
        plain = standardizer(self.standardize) if self.standardize else utf8
        return self.cut(plain(texts))

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Joins ids int32 [B, T] or [B, (T)] to string [B]; padding and marks go."""
        return self.joined(_unmarked(ids))

    def strings(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """What each piece is: string of the shape of ids."""
        return tf.gather(tf.constant(self.entries, tf.string), ids)

    @abc.abstractmethod
    def cut(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""

    @abc.abstractmethod
    def joined(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids int32 [B, (T)] without padding and marks → string [B]."""

    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""


def _unmarked(ids: tf.Tensor | tf.RaggedTensor) -> tf.RaggedTensor:
    if not isinstance(ids, tf.RaggedTensor):
        ids = tf.RaggedTensor.from_tensor(tf.convert_to_tensor(ids, tf.int32))
    flat = ids.flat_values
    kept = (flat == Pieces.unknown) | (flat > Pieces.end)
    return tf.ragged.boolean_mask(ids, ids.with_flat_values(kept))
