"""The step function of generation: its inputs, its outputs, and the result."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.errors import UsageError

Step = Callable[..., tuple[Any, Any]]
"""``step(ids int32 [N], cache) -> (logits float [N, V] or StepOutputs, cache)``.

Where `shared` tensors were given, they come third: ``step(ids, cache, shared)``.
"""


class StepOutputs(NamedTuple):
    """Outputs of one step of a network for the next token of each of N texts.

    Attributes:
        logits: float [N, V]; V is known when the graph is built.
        hidden_state: float [N, D], the vector of the token that was read, for
            contrastive search.
        attention: float [N, S], over the source, rows adding up to 1 and 0 on its
            padding, for the coverage penalty.
    """

    logits: tf.Tensor
    hidden_state: tf.Tensor | None = None
    attention: tf.Tensor | None = None


class GenerationResult(NamedTuple):
    """Generated token ids: K texts for each of B rows, best first.

    Attributes:
        ids: int32 [B, K, T], without end token and stop sequence, 0 after the text.
        lengths: int32 [B, K], the tokens of each text.
        scores: float32 [B, K], the log-probability of the text and its end token over
            the length penalty; the lowest float32 where a row has fewer than K.
        ended: bool [B, K], false where a text was truncated at max_tokens.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    ended: tf.Tensor


def as_step_outputs(given: Any) -> StepOutputs:
    """Converts logits or a tuple that a step returned to float32 `StepOutputs`.

    Example:
    >>> as_step_outputs(tf.zeros([2, 5], tf.float16)).logits.dtype
    tf.float32
    """
    parts = StepOutputs(*given) if isinstance(given, tuple) else StepOutputs(given)
    cast = (part if part is None else tf.cast(part, tf.float32) for part in parts)
    return StepOutputs(*cast)


def call_step(
    step: Step, ids: tf.Tensor, cache: Any, shared: Any
) -> tuple[StepOutputs, Any]:
    """Calls a step function, with `shared` tensors if there are any."""
    arguments = (ids, cache) if shared is None else (ids, cache, shared)
    outputs, cache = step(*arguments)
    return as_step_outputs(outputs), cache


def with_static_shapes(new: Any, old: Any) -> Any:
    """Sets the static shapes of a nest of tensors to those of the step before.

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


def repeat_rows(nest: Any, times: int | tf.Tensor) -> Any:
    """Repeats the rows of every tensor of a nest, for beams: [B, …] → [B·times, …].

    Example:
    >>> repeat_rows({"state": tf.constant([1, 2])}, 2)["state"].numpy().tolist()
    [1, 1, 2, 2]
    """
    return tf.nest.map_structure(lambda tensor: tf.repeat(tensor, times, axis=0), nest)
