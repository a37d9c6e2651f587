"""What generation asks of a network: the first logits, and one more token at a time.

A decoder reads a token at the cost of one; any other function of whole rows (an
ONNX session, say) reads everything again for each: slower, and the same numbers.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.decoder_block import Memory

Cache = Mapping[str, Any]


class Prefill(NamedTuple):
    """A network that has read the beginnings of rows."""

    logits: Any
    """Of the first token behind each: float32 [B, V], or `StepOutputs`."""
    cache: Cache
    """Axis 0 of every tensor is the row."""
    step: Callable[..., tuple[tf.Tensor, Cache]]
    """ids int32 [N], cache, and `shared` if any → the like of `logits`, cache."""
    shared: Any = None
    """What never changes, of a source; axis 0 is the row."""


def find_decoder(model: Callable) -> keras.layers.Layer | None:
    """The layer of a network that reads token by token, if there is one.

    Example:
    >>> find_decoder(lambda features: features) is None
    True
    """
    layers = getattr(model, "layers", ())
    return next((layer for layer in layers if hasattr(layer, "step")), None)


def check_sequence_length(decoder: keras.layers.Layer, tokens: int) -> None:
    """Makes sure that a decoder remembers all tokens that it is to read.

    With fewer, what a row is answered would depend on how long its neighbours are.

    Raises:
        UsageError: it remembers fewer.
    """
    length = getattr(decoder, "sequence_length", tokens)
    if length < tokens:
        raise UsageError(
            f"A decoder must remember the {tokens} tokens that the task has it read. "
            f"Received: sequence_length={length}. "
            "Leave it out, or shorten the task's own."
        )


def prefill(
    model: Callable,
    token_ids: tf.Tensor,
    lengths: tf.Tensor,
    *,
    max_length: tf.Tensor | int,
    memory: Memory | None = None,
    features: Mapping[str, tf.Tensor] | None = None,
    name: str = "token_ids",
) -> Prefill:
    """Reads the beginnings of rows with the decoder of a network, or without one.

    Args:
        model: a network with a decoder, or any function of features.
        token_ids: int32 [B, P], the beginnings.
        lengths: int32 [B], tokens of each, at least 1.
        max_length: tokens of the longest row when generation has ended.
        memory: the source that a decoder looks at.
        features: what else a function without a decoder takes, axis 0 the row.
        name: of the ids among its features.
    """
    decoder = find_decoder(model)
    if decoder is None:
        return _read_again(model, token_ids, lengths, max_length, features or {}, name)
    logits, cache, shared = decoder.prefill(
        token_ids, lengths, max_length=max_length, memory=memory
    )
    return Prefill(logits, cache, decoder.step, shared)


def _read_again(
    model: Callable,
    token_ids: tf.Tensor,
    lengths: tf.Tensor,
    max_length: tf.Tensor | int,
    features: Mapping[str, tf.Tensor],
    name: str,
) -> Prefill:
    """Keeps all tokens in the cache, and reads all of them for every new one."""

    def logits(cache: Cache, features: Cache) -> tf.Tensor:
        said = model({**features, name: cache["ids"]})
        return tf.gather(said, cache["lengths"] - 1, batch_dims=1)

    def step(
        ids: tf.Tensor, cache: Cache, shared: Cache = MappingProxyType({})
    ) -> tuple[tf.Tensor, Cache]:
        here = tf.range(tf.shape(cache["ids"])[1]) == cache["lengths"][:, None]
        known = tf.where(here, ids[:, None], cache["ids"])
        cache = {"ids": known, "lengths": cache["lengths"] + 1}
        return logits(cache, shared), cache

    more = tf.maximum(max_length - tf.shape(token_ids)[1], 0)
    cache = {"ids": tf.pad(token_ids, [[0, 0], [0, more]]), "lengths": lengths}
    return Prefill(logits(cache, features), cache, step, dict(features) or None)
