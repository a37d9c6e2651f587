"""Contrastive search: likely tokens, unlike what was said before (Su 2022).

Of the k most probable tokens, each is read by the network; the one is taken whose
probability, less its likeness to the most similar vector before it, is highest:
``(1 - alpha) · p - alpha · max cosine``. A step costs as much as k beams.
"""

import dataclasses
from typing import Any

import tensorflow as tf

from tfnlp.decoding.generation_state import Rules
from tfnlp.decoding.logits_processors import processed
from tfnlp.decoding.sampling import Texts, answered, begun, taken
from tfnlp.decoding.step_api import Generated, Outputs, Step, like, spread, stepped
from tfnlp.errors import UsageError

_OPPOSITE = -1.0


@dataclasses.dataclass(frozen=True)
class Contrast:
    """How contrastive search weighs the likely against the new.

    Attributes:
        context: float [B, S, D], the vectors of the prompt, 0 on its padding; S may
            be 0.
        candidates: tokens that the network reads at each step.
        alpha: from 0, the most probable token, to 1, the one least like the rest.

    Raises:
        UsageError: there is no candidate, or alpha lies outside of 0 to 1.
    """

    context: tf.Tensor
    candidates: int = 4
    alpha: float = 0.6

    def __post_init__(self) -> None:
        if self.candidates < 1 or not 0.0 <= self.alpha <= 1.0:
            raise UsageError(
                "Contrastive search needs 1 candidate or more and alpha from 0 to 1. "
                f"Received: candidates={self.candidates!r}, alpha={self.alpha!r}. "
                "Pass candidates=4, alpha=0.6, for example."
            )


def contrasted(
    step: Step,
    first: Outputs,
    cache: Any,
    rules: Rules,
    shared: Any,
    contrast: Contrast,
) -> Generated:
    """Continues each row with one text."""
    alpha = contrast.alpha
    rows = tf.shape(first.logits)[0]
    number = min(contrast.candidates, first.logits.shape[-1])
    shared = None if shared is None else spread(shared, number)
    context = tf.math.l2_normalize(tf.cast(contrast.context, tf.float32), axis=-1)
    start = tf.shape(context)[1]
    room = tf.zeros([rows, rules.size, tf.shape(context)[2]])
    vectors = tf.concat([context, room], axis=1)  # [B, S + T, D]

    def body(
        texts: Texts, logits: tf.Tensor, vectors: tf.Tensor, cache: Any
    ) -> tuple[Any, ...]:
        logits = processed(logits, texts.history, texts.count, rules)
        shares, ids = tf.math.top_k(tf.nn.softmax(logits), number)  # [B, k]
        said, new = stepped(step, tf.reshape(ids, [-1]), spread(cache, number), shared)
        read = tf.math.l2_normalize(_hidden(said), axis=-1)
        read = tf.reshape(read, [-1, number, tf.shape(read)[1]])  # [B, k, D]
        worth = (1.0 - alpha) * shares - alpha * _likeness(read, vectors)
        worth = tf.where(shares > 0.0, worth, float("-inf"))
        place = tf.argmax(worth, axis=1, output_type=tf.int32)  # [B]
        token = tf.gather(ids, place, batch_dims=1)
        vector = tf.gather(read, place, batch_dims=1)
        here = tf.range(tf.shape(vectors)[1]) == start + texts.count
        flat = place + number * tf.range(rows)
        after = (
            taken(texts, logits, token, rules),
            tf.gather(said.logits, flat),
            tf.where(here[:, None], vector[:, None], vectors),
            tf.nest.map_structure(lambda leaf: tf.gather(leaf, flat), new),
        )
        return like(after, (texts, logits, vectors, cache))

    texts = begun(rows, rules, tf.ones([rows], tf.bool))
    texts, *_ = tf.while_loop(
        lambda texts, *_: tf.reduce_any(texts.running),
        body,
        (texts, first.logits, vectors, cache),
        maximum_iterations=rules.size,
    )
    return answered(texts, rules)


def _likeness(read: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The highest cosine of each vector [B, k, D] with vectors [B, L, D]: [B, k]."""
    there = tf.reduce_any(vectors != 0.0, axis=-1)[:, None]  # [B, 1, L]
    cosines = tf.matmul(read, vectors, transpose_b=True)  # [B, k, L]
    highest = tf.reduce_max(tf.where(there, cosines, _OPPOSITE), axis=-1)
    return tf.where(tf.reduce_any(there, axis=-1), highest, 0.0)


def _hidden(said: Outputs) -> tf.Tensor:
    if said.hidden is None:
        raise UsageError(
            "Contrastive search needs the vector of every token that is read. "
            "Received: a step that returns logits alone. "
            "Return Outputs(logits, hidden), hidden being float [N, D]."
        )
    return said.hidden
