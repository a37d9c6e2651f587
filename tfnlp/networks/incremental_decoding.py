"""Incremental decoding: prefill of prompts, then one step for each new token.

A decoder with a key-value cache (or states) reads each token once. Any other function
of whole rows, such as an ONNX session, reads all tokens again at every step: slower,
with the same numbers.
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
    """The result of a prefill: first logits, cache and step function."""

    logits: Any
    """Logits of the first new token of each row: float32 [B, V], or `StepOutputs`."""
    cache: Cache
    """Axis 0 of every tensor is the row."""
    step: Callable[..., tuple[tf.Tensor, Cache]]
    """ids int32 [N], cache, and `shared` if any → like `logits`, and the cache."""
    shared: Any = None
    """Tensors that never change, such as an encoder's output; axis 0 is the row."""


def find_decoder(model: Callable) -> keras.layers.Layer | None:
    """Finds the layer of a network that has a step function, if there is one.

    Example:
    >>> find_decoder(lambda features: features) is None
    True
    """
    layers = getattr(model, "layers", ())
    return next((layer for layer in layers if hasattr(layer, "step")), None)


def check_sequence_length(decoder: keras.layers.Layer, tokens: int) -> None:
    """Makes sure that the cache of a decoder has room for all tokens of a task.

    With fewer, the answer of a row would depend on the length of the other rows.

    Raises:
        UsageError: `sequence_length` of the decoder is smaller.
    """
    length = getattr(decoder, "sequence_length", tokens)
    if length < tokens:
        raise UsageError(
            f"A decoder must have a cache for the {tokens} tokens that a task reads. "
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
    """Reads prompts with the decoder of a network, or without one.

    Args:
        model: a network with a decoder, or any function of features.
        token_ids: int32 [B, P], the prompts.
        lengths: int32 [B], tokens of each, at least 1.
        max_length: tokens of the longest row when generation has ended.
        memory: the encoder output that a decoder attends to.
        features: further inputs of a function without a decoder, axis 0 the row.
        name: of the ids among its inputs.
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
    """Keeps all tokens in the cache, and reads all of them at every step."""

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
