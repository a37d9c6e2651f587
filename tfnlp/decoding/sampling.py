"""Greedy search and sampling: one text for each row."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.decoding.counter_rng import uniforms
from tfnlp.decoding.generation_config import GenerationConfig
from tfnlp.decoding.generation_request import GenerationRequest, cut, when, with_tokens
from tfnlp.decoding.logits_filters import filter_logits
from tfnlp.decoding.logits_processors import process_logits
from tfnlp.decoding.step_api import (
    GenerationResult,
    Step,
    StepOutputs,
    call_step,
    with_static_shapes,
)
from tfnlp.decoding.stopping import find_finished

_BLOCK = 256
_COLDEST = 1e-9  # below it, a temperature would divide by numbers that round to 0


class SamplingState(NamedTuple):
    """Loop state of sampling: N texts, one for each row."""

    count: tf.Tensor  # int32 [], tokens of the running texts
    history: tf.Tensor  # int32 [N, S + T]
    last: tf.Tensor  # int32 [N], 0 where a text has ended
    lengths: tf.Tensor  # int32 [N]
    choices: tf.Tensor  # int32 [N], tokens and end token
    scores: tf.Tensor  # float32 [N], log-probability
    running: tf.Tensor  # bool [N]
    ended: tf.Tensor  # bool [N]


class Progress(NamedTuple):
    """Everything that the loop of sampling carries from token to token."""

    texts: SamplingState
    logits: tf.Tensor  # float32 [N, V], of the next token
    cache: Any


def sample(
    step: Step,
    first: StepOutputs,
    cache: Any,
    request: GenerationRequest,
    active: tf.Tensor,
    shared: Any,
) -> GenerationResult:
    """Generates one text for each active row; the others stay empty.

    Args:
        first: outputs for the first new token.
        active: bool [B].
    """
    texts = initial_state(tf.shape(first.logits)[0], request, active)
    progress = Progress(texts, first.logits, cache)
    return to_result(continue_texts(step, progress, request, shared).texts, request)


def continue_texts(
    step: Step,
    progress: Progress,
    request: GenerationRequest,
    shared: Any,
    *,
    steps: int | tf.Tensor | None = None,
) -> Progress:
    """Samples more tokens of the running texts: at most `steps`, or until all end."""
    config = request.config
    sampled = config.any("temperature", lambda temperature: temperature > 0.0)
    draws = when(  # [B or 1, T]
        sampled,
        lambda: uniforms(config.row("seed"), request.size),
        lambda: tf.zeros([tf.shape(config.row("seed"))[0], request.size]),
    )

    def advance(texts: SamplingState, logits: tf.Tensor) -> SamplingState:
        logits = process_logits(logits, texts.history, texts.count, request)
        draw = tf.gather(draws, texts.count, axis=1)
        return append_tokens(
            texts, logits, sample_tokens(logits, draw, config), request
        )

    def body(texts: SamplingState, logits: tf.Tensor, cache: Any) -> tuple[Any, ...]:
        texts = with_static_shapes(advance(texts, logits), texts)

        def onward() -> tuple[tf.Tensor, Any]:
            outputs, new = call_step(step, texts.last, cache, shared)
            return with_static_shapes((outputs.logits, new), (logits, cache))

        needed = tf.reduce_any(texts.running)
        return texts, *tf.cond(needed, onward, lambda: (logits, cache))

    found = tf.while_loop(
        lambda texts, *_: tf.reduce_any(texts.running),
        body,
        tuple(progress),
        maximum_iterations=request.size if steps is None else steps,
    )
    return Progress(*found)


def initial_state(
    rows: int | tf.Tensor, request: GenerationRequest, active: tf.Tensor
) -> SamplingState:
    """The state before the first token."""
    none = tf.zeros([rows], tf.int32)
    return SamplingState(
        count=tf.constant(0),
        history=request.history(rows),
        last=none,
        lengths=none,
        choices=none,
        scores=tf.zeros([rows]),
        running=active,
        ended=tf.zeros([rows], tf.bool),
    )


def append_tokens(
    texts: SamplingState,
    logits: tf.Tensor,
    tokens: tf.Tensor,
    request: GenerationRequest,
) -> SamplingState:
    """Appends one token [N] to each running text; logits are [N, V].

    Where nothing can be chosen, because a network returns NaN or every token is
    suppressed, the token is 0 and the text ends.
    """
    tokens = tf.where(texts.running, tokens, 0)
    gained = tf.gather(logits, tokens, batch_dims=1) - logsumexp(logits)
    count = texts.count + 1
    history = with_tokens(texts.history, request.start + texts.count, tokens)
    ended, dropped = find_finished(history, count, request)
    stuck = tokens == 0
    ended &= texts.running & ~stuck
    lengths = count - tf.where(ended, dropped, tf.cast(stuck, tf.int32))
    return SamplingState(
        count=count,
        history=history,
        last=tokens,
        lengths=tf.where(texts.running, lengths, texts.lengths),
        choices=tf.where(texts.running, count, texts.choices),
        scores=texts.scores + tf.where(stuck, 0.0, gained),
        running=texts.running
        & ~(ended | stuck)
        & (count < request.config.row("max_tokens")),
        ended=texts.ended | ended,
    )


def to_result(texts: SamplingState, request: GenerationRequest) -> GenerationResult:
    """The result, one text for each row."""
    ids = cut(texts.history[:, request.start :], texts.lengths)
    scores = request.length_normalized(texts.scores, texts.choices)
    parts = (ids, texts.lengths, scores, texts.ended)
    return GenerationResult(*(part[:, None] for part in parts))


def logsumexp(logits: tf.Tensor) -> tf.Tensor:
    """Log-sum-exp of each row: [N, V] → [N]."""
    return tf.reduce_logsumexp(logits, axis=-1)


def sample_tokens(
    logits: tf.Tensor, draw: tf.Tensor, config: GenerationConfig
) -> tf.Tensor:
    """One token for each row, int32 [N]: sampled, or at temperature 0 the argmax.

    Args:
        logits: float32 [N, V].
        draw: float32 [N] in [0, 1).

    Example:
    >>> logits = tf.math.log([[0.25, 0.5, 0.25]] * 3)
    >>> drawn = sample_tokens(logits, tf.constant([0.1, 0.3, 0.8]), GenerationConfig())
    >>> drawn.numpy().tolist()
    [0, 1, 2]
    """
    most_probable = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return when(
        config.any("temperature", lambda temperature: temperature > 0.0),
        lambda: _some_drawn(logits, draw, config, most_probable),
        lambda: most_probable,
    )


def _some_drawn(
    logits: tf.Tensor,
    draw: tf.Tensor,
    config: GenerationConfig,
    most_probable: tf.Tensor,
) -> tf.Tensor:
    temperature = config.column("temperature")
    below = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
    kept = filter_logits(below / tf.maximum(temperature, _COLDEST), config)
    return tf.where(
        temperature[:, 0] > 0.0, inverse_transform(tf.exp(kept), draw), most_probable
    )


def inverse_transform(masses: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """Inverse transform sampling: the token where cumulative mass passes the draw.

    Sums go over blocks first, then within one block, so that a tail of tokens of
    1e-8 each, which a single float32 sum near 1 would swallow, keeps its share.

    Args:
        masses: float32 [N, V], at least one of each row above 0.
        draw: float32 [N] in [0, 1).

    Returns:
        int32 [N].

    Example:
    >>> masses, draw = tf.constant([[0.0, 2.0, 2.0, 0.0]]), tf.constant([0.75])
    >>> inverse_transform(masses, draw).numpy().tolist()
    [2]
    """
    size = masses.shape[-1]
    block_size = _block(size)
    if size % block_size:
        masses = tf.pad(masses, [[0, 0], [0, -size % block_size]])
    blocks = tf.reshape(masses, [-1, math.ceil(size / block_size), block_size])
    sums = tf.reduce_sum(blocks, axis=-1)  # [N, blocks]
    until = tf.cumsum(sums, axis=1)
    target = draw * until[:, -1]
    block = _passing(until, sums, target)
    before = tf.gather(tf.cumsum(sums, axis=1, exclusive=True), block, batch_dims=1)
    inside = tf.gather(blocks, block, batch_dims=1)  # [N, block]
    within = _passing(tf.cumsum(inside, axis=1), inside, target - before)
    return block * block_size + within


def _block(size: int) -> int:
    """Tokens of a block: about 256, a divisor of the size if there is one."""
    even = (block_size for block_size in range(64, 2049) if size % block_size == 0)
    return min(
        even, key=lambda block_size: abs(math.log(block_size / _BLOCK)), default=_BLOCK
    )


def _passing(until: tf.Tensor, masses: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The first position with mass and a cumulative sum above the target, or the last
    with mass."""
    real = masses > 0.0
    over = real & (until > target[:, None])
    first = tf.argmax(tf.cast(over, tf.int32), axis=1, output_type=tf.int32)
    places = tf.where(real, tf.range(tf.shape(masses)[1]), 0)
    return tf.where(tf.reduce_any(over, axis=1), first, tf.reduce_max(places, axis=1))
