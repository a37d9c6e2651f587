"""Tokenizer base class: texts to token ids and back, both ways in graph.

A subclass defines how a text is tokenized; special tokens and padding are the same
for all of them. Nothing here knows a network.
"""

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnlp.text.normalize import standardizer, utf8
from tfnlp.text.vocabulary import SPECIAL

SPECIAL_TOKENS = (*SPECIAL, "[START]", "[END]")
"""Ids 0 (padding), 1 (unknown), 2 (start) and 3 (end) of every tokenizer."""


class Tokenizer(tf.Module, abc.ABC):
    """Tokenizer: texts ↔ token ids, both ways in graph.

    Every tokenizer begins with the same four special tokens: `padding`, `unknown`,
    `start` and `end`. Bytes that are not UTF-8 become U+FFFD first.

    Args:
        standardize: names out of `tfnlp.text.normalize.NORMALIZERS`, such as
            ``("nfkc", "lower")``; none keeps texts as they are.

    Raises:
        UsageError: a name is unknown.
    """

    padding, unknown, start, end = range(len(SPECIAL_TOKENS))

    def __init__(self, standardize: Sequence[str] = ()):
        super().__init__()
        names = (standardize,) if isinstance(standardize, str) else tuple(standardize)
        self.standardize = names
        standardizer(names)

    @property
    @abc.abstractmethod
    def entries(self) -> tuple[str, ...]:
        """Every token by its id, special ones included."""

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are."""
        return len(self.entries)

    def encode(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Tokenizes string [B] to ids int32 [B, (T)], without special tokens."""
        texts = tf.convert_to_tensor(texts, tf.string)
        plain = standardizer(self.standardize) if self.standardize else utf8
        return self.tokenize(plain(texts))

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Joins ids int32 [B, T] or [B, (T)] to string [B], without special tokens."""
        return self.detokenize(_without_special_tokens(ids))

    def strings(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """The token of each id: string of the shape of ids."""
        return tf.gather(tf.constant(self.entries, tf.string), ids)

    @abc.abstractmethod
    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Standardised string [B] → ids int32 [B, (T)]."""

    @abc.abstractmethod
    def detokenize(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids int32 [B, (T)] without special tokens → string [B]."""

    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""


def _without_special_tokens(ids: tf.Tensor | tf.RaggedTensor) -> tf.RaggedTensor:
    if not isinstance(ids, tf.RaggedTensor):
        ids = tf.RaggedTensor.from_tensor(tf.convert_to_tensor(ids, tf.int32))
    flat = ids.flat_values
    kept = (flat == Tokenizer.unknown) | (flat > Tokenizer.end)
    return tf.ragged.boolean_mask(ids, ids.with_flat_values(kept))
