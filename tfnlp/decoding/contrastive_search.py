"""Contrastive search: probable tokens, unlike the text so far (Su 2022).

The network reads each of the k most probable tokens. The one is chosen whose
probability, minus its highest cosine similarity to an earlier vector, is highest:
``(1 - alpha) · p - alpha · max cosine``. A step costs as much as k beams.
"""

import dataclasses
from typing import Any

import tensorflow as tf

from tfnlp.decoding.generation_request import GenerationRequest
from tfnlp.decoding.logits_processors import process_logits
from tfnlp.decoding.sampling import (
    SamplingState,
    append_tokens,
    initial_state,
    to_result,
)
from tfnlp.decoding.step_api import (
    GenerationResult,
    Step,
    StepOutputs,
    call_step,
    repeat_rows,
    with_static_shapes,
)
from tfnlp.errors import UsageError

_OPPOSITE = -1.0


@dataclasses.dataclass(frozen=True)
class ContrastiveSearch:
    """Options of contrastive search (KerasHub: ContrastiveSampler).

    Attributes:
        context: float [B, S, D], the vectors of the prompt, 0 on its padding; S may
            be 0.
        k: candidate tokens that the network reads at each step.
        alpha: from 0, greedy search, to 1, the token least similar to the text
            (Hugging Face: penalty_alpha).

    Raises:
        UsageError: k is below 1, or alpha lies outside of 0 to 1.
    """

    context: tf.Tensor
    k: int = 4
    alpha: float = 0.6

    def __post_init__(self) -> None:
        if self.k < 1 or not 0.0 <= self.alpha <= 1.0:
            raise UsageError(
                "Contrastive search needs 1 candidate or more and alpha from 0 to 1. "
                f"Received: k={self.k!r}, alpha={self.alpha!r}. "
                "Pass k=4, alpha=0.6, for example."
            )


def contrastive_search(
    step: Step,
    first: StepOutputs,
    cache: Any,
    request: GenerationRequest,
    shared: Any,
    contrastive: ContrastiveSearch,
) -> GenerationResult:
    """Generates one text for each row by contrastive search."""
    alpha = contrastive.alpha
    rows = tf.shape(first.logits)[0]
    number = min(contrastive.k, first.logits.shape[-1])
    shared = None if shared is None else repeat_rows(shared, number)
    context = tf.math.l2_normalize(tf.cast(contrastive.context, tf.float32), axis=-1)
    start = tf.shape(context)[1]
    room = tf.zeros([rows, request.size, tf.shape(context)[2]])
    vectors = tf.concat([context, room], axis=1)  # [B, S + T, D]

    def body(
        texts: SamplingState, logits: tf.Tensor, vectors: tf.Tensor, cache: Any
    ) -> tuple[Any, ...]:
        logits = process_logits(logits, texts.history, texts.count, request)
        shares, ids = tf.math.top_k(tf.nn.softmax(logits), number)  # [B, k]
        outputs, new = call_step(
            step, tf.reshape(ids, [-1]), repeat_rows(cache, number), shared
        )
        read = tf.math.l2_normalize(_hidden(outputs), axis=-1)
        read = tf.reshape(read, [-1, number, tf.shape(read)[1]])  # [B, k, D]
        worth = (1.0 - alpha) * shares - alpha * _likeness(read, vectors)
        worth = tf.where(shares > 0.0, worth, float("-inf"))
        place = tf.argmax(worth, axis=1, output_type=tf.int32)  # [B]
        token = tf.gather(ids, place, batch_dims=1)
        vector = tf.gather(read, place, batch_dims=1)
        here = tf.range(tf.shape(vectors)[1]) == start + texts.count
        flat = place + number * tf.range(rows)
        after = (
            append_tokens(texts, logits, token, request),
            tf.gather(outputs.logits, flat),
            tf.where(here[:, None], vector[:, None], vectors),
            tf.nest.map_structure(lambda leaf: tf.gather(leaf, flat), new),
        )
        return with_static_shapes(after, (texts, logits, vectors, cache))

    texts = initial_state(rows, request, tf.ones([rows], tf.bool))
    texts, *_ = tf.while_loop(
        lambda texts, *_: tf.reduce_any(texts.running),
        body,
        (texts, first.logits, vectors, cache),
        maximum_iterations=request.size,
    )
    return to_result(texts, request)


def _likeness(read: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The highest cosine of each vector [B, k, D] with vectors [B, L, D]: [B, k]."""
    there = tf.reduce_any(vectors != 0.0, axis=-1)[:, None]  # [B, 1, L]
    cosines = tf.matmul(read, vectors, transpose_b=True)  # [B, k, L]
    highest = tf.reduce_max(tf.where(there, cosines, _OPPOSITE), axis=-1)
    return tf.where(tf.reduce_any(there, axis=-1), highest, 0.0)


def _hidden(outputs: StepOutputs) -> tf.Tensor:
    if outputs.hidden_state is None:
        raise UsageError(
            "Contrastive search needs the vector of every token that is read. "
            "Received: a step that returns logits alone. "
            "Return Outputs(logits, hidden), hidden being float [N, D]."
        )
    return outputs.hidden_state
