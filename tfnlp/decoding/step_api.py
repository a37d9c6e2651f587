"""What a network hands to decoding at every step, and what decoding hands back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.errors import UsageError

Step = Callable[..., tuple[Any, Any]]
"""``step(ids int32 [N], cache) -> (logits float [N, V] or Outputs, cache)``.

Where `shared` tensors were given, they come third: ``step(ids, cache, shared)``.
"""


class Outputs(NamedTuple):
    """What one step of a network says about the next token of each of N texts.

    Attributes:
        logits: float [N, V]; V is known when the graph is built.
        hidden: float [N, D], the vector of the token that was read, for contrastive
            search.
        attention: float [N, S], over the source, rows adding up to 1 and 0 on its
            padding, for the coverage penalty.
    """

    logits: tf.Tensor
    hidden: tf.Tensor | None = None
    attention: tf.Tensor | None = None


class Generated(NamedTuple):
    """K texts for each of B rows, best first.

    Attributes:
        ids: int32 [B, K, T], without end mark and stop sequence, 0 after the text.
        lengths: int32 [B, K], the tokens of each text.
        scores: float32 [B, K], the log-probability of the text and its end mark over
            the length penalty; the lowest float32 where a row has fewer than K.
        ended: bool [B, K], false where a text was cut at max_tokens.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    ended: tf.Tensor


def outputs(given: Any) -> Outputs:
    """What a step returned beside its cache, as `Outputs` in float32.

    Example:
    >>> outputs(tf.zeros([2, 5], tf.float16)).logits.dtype
    tf.float32
    """
    parts = Outputs(*given) if isinstance(given, tuple) else Outputs(given)
    cast = (part if part is None else tf.cast(part, tf.float32) for part in parts)
    return Outputs(*cast)


def stepped(step: Step, ids: tf.Tensor, cache: Any, shared: Any) -> tuple[Outputs, Any]:
    """Calls a step with what it takes."""
    arguments = (ids, cache) if shared is None else (ids, cache, shared)
    said, cache = step(*arguments)
    return outputs(said), cache


def like(new: Any, old: Any) -> Any:
    """Gives the tensors of a nest the static shapes that they had before.

    Raises:
        UsageError: a tensor has become another shape or type.
    """

    def shaped(tensor: tf.Tensor, before: tf.Tensor) -> None:
        same = tensor.dtype == before.dtype
        if not (same and tensor.shape.is_compatible_with(before.shape)):
            raise UsageError(
                "What a step returns must keep its shapes and types from step to "
                f"step. Received: {tensor.dtype.name} {tensor.shape} after "
                f"{before.dtype.name} {before.shape}. Make room for all tokens at "
                "the start, and write them into it."
            )
        tensor.set_shape(before.shape)

    tf.nest.map_structure(shaped, new, old)
    return new


def spread(nest: Any, times: int | tf.Tensor) -> Any:
    """Repeats every tensor of a nest along axis 0: [B, …] → [B·times, …].

    Example:
    >>> spread({"state": tf.constant([1, 2])}, 2)["state"].numpy().tolist()
    [1, 1, 2, 2]
    """
    return tf.nest.map_structure(lambda tensor: tf.repeat(tensor, times, axis=0), nest)
