"""`generate`: text generation with any network that has a step function."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnlp.decoding.beam import beam_search
from tfnlp.decoding.contrastive_search import ContrastiveSearch, contrastive_search
from tfnlp.decoding.diverse_beams import BeamConfig
from tfnlp.decoding.finished_beams import FinishedBeams, concatenated, empty
from tfnlp.decoding.generation_config import GenerationConfig, checked
from tfnlp.decoding.generation_request import (
    GenerationRequest,
    StoppingCriterion,
    right_aligned,
    when,
)
from tfnlp.decoding.sampling import sample
from tfnlp.decoding.step_api import GenerationResult, Step, as_step_outputs
from tfnlp.errors import UsageError


@tf.autograph.experimental.do_not_convert
def generate(
    step: Step,
    logits: Any,
    cache: Any,
    config: GenerationConfig,
    *,
    end_token_id: int | None,
    max_tokens_limit: int = 1024,
    num_beams_limit: int = 8,
    n_best: int = 1,
    suppress_tokens: Sequence[int] = (),
    forced_tokens: Any = None,
    stop_sequences: Sequence[Sequence[int]] = (),
    stopping_criterion: StoppingCriterion | None = None,
    prompt: tf.Tensor | None = None,
    num_beam_groups: int = 1,
    diversity_penalty: float = 0.5,
    contrastive: ContrastiveSearch | None = None,
    shared: Any = None,
) -> GenerationResult:
    """Generates tokens for B rows, each with its own config, until all have ended.

    What a row gets does not depend on its batch. Rows with one beam are sampled, rows
    with several go through beam search; with both in a batch, one loop runs after the
    other.

    Args:
        step: ``step(ids int32 [N], cache) -> (logits [N, V] or StepOutputs, cache)``;
            AutoGraph does not rewrite it.
        logits: of the first new token, float [B, V], or `StepOutputs`.
        cache: keys and values, or states, of the network: a nest of tensors, axis 0
            the rows, whose shapes stay the same from step to step; ``()`` for none.
        config: sampling, beam search and penalties.
        end_token_id: id of the end token (Hugging Face: eos_token_id), or None: texts
            then run to max_tokens.
        max_tokens_limit: upper limit of max_tokens.
        num_beams_limit: upper limit of num_beams.
        n_best: K, texts returned for each row, at most `num_beams_limit` (Hugging
            Face: num_return_sequences); a row that is sampled has one.
        suppress_tokens: ids that are never generated; padding, 0, never is.
        forced_tokens: ids of the first tokens, for all rows, or int32 [B, F], 0 where
            a token is free.
        stop_sequences: sequences of new ids that end a text and are left out of it.
        stopping_criterion: ends texts for any other reason, ``criterion(ids [N, T],
            lengths [N]) -> bool [N]``. N is B, or in beam search a multiple of B, with
            the beams of a row side by side.
        prompt: int32 [B, S], padded with 0: counts for repetition_penalty and
            no_repeat_ngram_size.
        num_beam_groups: groups of diverse beam search (Vijayakumar 2016), which avoid
            each other's tokens; every num_beams above 1 must be a multiple.
        diversity_penalty: subtracted from a log-probability for each group that chose
            the token.
        contrastive: contrastive search for all rows; options of sampling and of beam
            search do not apply then.
        shared: tensors [B, …] that never change, such as an encoder's output. A step
            takes them third, repeated for each beam; unlike a cache they are not
            copied when beams change places.

    Raises:
        UsageError: an argument, or an option whose value is known, is out of range.

    Example:
    >>> table = tf.math.log([[1.0, 1, 1], [1, 6, 3], [1, 2, 7]])
    >>> def step(ids, cache):
    ...     return tf.gather(table, ids), cache
    >>> config = GenerationConfig(max_tokens=3, temperature=0.0)
    >>> found = generate(step, table[1:2], (), config, end_token_id=2)
    >>> found.ids.numpy().tolist(), bool(found.ended[0, 0])
    ([[[1, 1, 1]]], False)
    """
    first = as_step_outputs(logits)
    _check_ids(
        "end_token_id", () if end_token_id is None else (end_token_id,), first.logits
    )
    _check_ids("suppress_tokens", suppress_tokens, first.logits)
    _check_beams(n_best, num_beams_limit, num_beam_groups, diversity_penalty)
    config = checked(
        config, max_tokens_limit=max_tokens_limit, num_beams_limit=num_beams_limit
    )
    config = _in_groups(config, num_beam_groups)
    request = GenerationRequest(
        config=config,
        size=config.highest("max_tokens"),
        end_token_id=end_token_id,
        suppress_tokens=(0, *suppress_tokens),
        forced_tokens=_rowed(forced_tokens),
        stop_sequences=tuple(tuple(stop) for stop in stop_sequences if len(stop)),
        stopping_criterion=stopping_criterion,
        prompt=None if prompt is None else right_aligned(prompt),
    )
    rows = tf.shape(first.logits)[0]
    single = tf.broadcast_to(config.row("num_beams") == 1, [rows])

    def sampled() -> GenerationResult:
        return _with_spare(
            sample(step, first, cache, request, single, shared), n_best - 1
        )

    def searched() -> GenerationResult:
        beams = BeamConfig(
            config.highest("num_beams"), num_beam_groups, diversity_penalty
        )
        return beam_search(
            step, first, cache, request, ~single, shared, beams=beams, n_best=n_best
        )

    def both() -> GenerationResult:
        pairs = zip(sampled(), searched(), strict=True)
        return GenerationResult(*(_either(single, one, other) for one, other in pairs))

    if contrastive is not None:
        found = contrastive_search(step, first, cache, request, shared, contrastive)
        return _with_spare(found, n_best - 1)
    several = num_beams_limit > 1 and config.any("num_beams", lambda number: number > 1)
    return when(several, both if tf.is_tensor(several) else searched, sampled)


def _either(single: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Rows of one tensor [B, …] where they are single, else of another."""
    return tf.where(tf.reshape(single, [-1, *[1] * (one.shape.rank - 1)]), one, other)


def _with_spare(found: GenerationResult, number: int) -> GenerationResult:
    """A result with `number` more texts that do not exist."""
    if not number:
        return found
    rows, _, size = tf.unstack(tf.shape(found.ids))
    return GenerationResult(
        *concatenated(FinishedBeams(*found), empty(rows, number, size))
    )


def _rowed(forced_tokens: Any) -> tf.Tensor | None:
    """Forced ids as int32 [B or 1, F]; none if there are none."""
    if forced_tokens is None or (
        not tf.is_tensor(forced_tokens) and not len(forced_tokens)
    ):
        return None
    ids = tf.convert_to_tensor(forced_tokens, tf.int32)
    return ids if ids.shape.rank == 2 else ids[None]


def _check_ids(argument: str, ids: Sequence[int], logits: tf.Tensor) -> None:
    size = logits.shape[-1]
    if size is None:
        raise UsageError(
            "Logits must have a size that is known when the graph is built. "
            f"Received: shape {logits.shape}. Call set_shape([None, size]) on them."
        )
    if not all(0 < number < size for number in ids):
        raise UsageError(
            f"Argument {argument} must name ids from 1 to {size - 1}, which the "
            f"network can choose. Received: {list(ids)}. "
            "Take ids of the vocabulary that the network was built for."
        )


def _check_beams(
    n_best: int, num_beams_limit: int, num_beam_groups: int, diversity_penalty: float
) -> None:
    if not 1 <= n_best <= num_beams_limit:
        raise UsageError(
            f"Argument n_best must be from 1 to num_beams_limit, {num_beams_limit}. "
            f"Received: {n_best!r}. Pass n_best=1, or allow more beams."
        )
    if num_beam_groups < 1 or not 0.0 <= diversity_penalty < math.inf:
        raise UsageError(
            "Diverse beam search needs 1 group or more and a penalty of at least 0. "
            f"Received: num_beam_groups={num_beam_groups!r}, "
            f"diversity_penalty={diversity_penalty!r}. "
            "Pass num_beam_groups=1 for a plain search."
        )


def _in_groups(config: GenerationConfig, num_beam_groups: int) -> GenerationConfig:
    """Makes sure that num_beams is a multiple of num_beam_groups."""
    beams, rule = (
        config.num_beams,
        f"1 or a multiple of num_beam_groups, {num_beam_groups}",
    )
    advice = f"Pass num_beams={num_beam_groups}, for example."
    if num_beam_groups == 1 or (
        not tf.is_tensor(beams) and (beams == 1 or not beams % num_beam_groups)
    ):
        return config
    if not tf.is_tensor(beams):
        raise UsageError(
            f"Option num_beams must be {rule}. Received: {beams}. {advice}"
        )
    even = tf.reduce_all((beams == 1) | (beams % num_beam_groups == 0))
    message = [f"Option num_beams must be {rule}. Received:", beams, advice]
    with tf.control_dependencies([tf.debugging.Assert(even, message, summarize=8)]):
        return dataclasses.replace(config, num_beams=tf.identity(beams))
