"""Continues texts with any network that can take a step: the one way into decoding."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnlp.decoding.beam import search
from tfnlp.decoding.contrastive_search import Contrast, contrasted
from tfnlp.decoding.diverse_beams import Beams
from tfnlp.decoding.finished_beams import Pool, empty, joined
from tfnlp.decoding.generation_config import Options, checked
from tfnlp.decoding.generation_state import Rules, Stopped, right_aligned, when
from tfnlp.decoding.sampling import sample
from tfnlp.decoding.step_api import Generated, Step, outputs
from tfnlp.errors import UsageError


@tf.autograph.experimental.do_not_convert
def generate(
    step: Step,
    logits: Any,
    cache: Any,
    options: Options,
    *,
    end: int | None,
    most_tokens: int = 1024,
    most_beams: int = 8,
    n_best: int = 1,
    banned: Sequence[int] = (),
    forced: Any = None,
    stops: Sequence[Sequence[int]] = (),
    stopped: Stopped | None = None,
    prompt: tf.Tensor | None = None,
    groups: int = 1,
    diversity: float = 0.5,
    contrast: Contrast | None = None,
    shared: Any = None,
) -> Generated:
    """Continues B rows, each by its own options, until all of them have ended.

    A row is answered as if it were alone. Rows with one beam are sampled, rows with
    several are searched; in a batch of both, one loop runs after the other.

    Args:
        step: ``step(ids int32 [N], cache) -> (logits [N, V] or Outputs, cache)``;
            AutoGraph does not rewrite it.
        logits: of the first new token, float [B, V], or `Outputs`.
        cache: what the network remembers: a nest of tensors, axis 0 the rows, whose
            shapes stay the same from step to step; ``()`` if it remembers nothing.
        end: id of the end mark, or None: texts then run to max_tokens.
        most_tokens: the bound on max_tokens.
        most_beams: the bound on num_beams.
        n_best: K, texts returned for each row, at most `most_beams`; a row that is
            sampled has one.
        banned: ids that never come; padding, 0, never does.
        forced: the first tokens: ids for all rows, or int32 [B, F], 0 where free.
        stops: sequences of new ids that end a text and are left out of it.
        stopped: ends texts by any other sign: ``stopped(ids [N, T], lengths [N])``,
            N being B, or in a search a multiple of B, neighbours of one row.
        prompt: int32 [B, S], padded with 0: counts as said before for
            repetition_penalty and no_repeat_ngram_size.
        groups: of beams that avoid each other's tokens (diverse beam search,
            Vijayakumar 2016); every num_beams above 1 must be a multiple.
        diversity: taken off a log-probability for each group that chose the token.
        contrast: continue all rows by contrastive search instead; options of
            sampling and of beams do not apply then.
        shared: tensors [B, …] that never change, such as an encoder's output. A step
            takes them third, repeated for each beam; unlike a cache they are not
            copied when beams change places.

    Raises:
        UsageError: an argument, or an option whose value is known, cannot be.

    Example:
    >>> table = tf.math.log([[1.0, 1, 1], [1, 6, 3], [1, 2, 7]])
    >>> def step(ids, cache):
    ...     return tf.gather(table, ids), cache
    >>> options = Options(max_tokens=3, temperature=0.0)
    >>> found = generate(step, table[1:2], (), options, end=2)
    >>> found.ids.numpy().tolist(), bool(found.ended[0, 0])
    ([[[1, 1, 1]]], False)
    """
    first = outputs(logits)
    _check_ids("end", () if end is None else (end,), first.logits)
    _check_ids("banned", banned, first.logits)
    _check_beams(n_best, most_beams, groups, diversity)
    options = checked(options, most_tokens=most_tokens, most_beams=most_beams)
    options = _in_groups(options, groups)
    rules = Rules(
        options=options,
        size=options.highest("max_tokens"),
        end=end,
        banned=(0, *banned),
        forced=_rowed(forced),
        stops=tuple(tuple(stop) for stop in stops if len(stop)),
        stopped=stopped,
        prompt=None if prompt is None else right_aligned(prompt),
    )
    rows = tf.shape(first.logits)[0]
    single = tf.broadcast_to(options.row("num_beams") == 1, [rows])

    def sampled() -> Generated:
        return _with_spare(
            sample(step, first, cache, rules, single, shared), n_best - 1
        )

    def searched() -> Generated:
        beams = Beams(options.highest("num_beams"), groups, diversity)
        return search(
            step, first, cache, rules, ~single, shared, beams=beams, n_best=n_best
        )

    def both() -> Generated:
        pairs = zip(sampled(), searched(), strict=True)
        return Generated(*(_either(single, one, other) for one, other in pairs))

    if contrast is not None:
        found = contrasted(step, first, cache, rules, shared, contrast)
        return _with_spare(found, n_best - 1)
    several = most_beams > 1 and options.any("num_beams", lambda number: number > 1)
    return when(several, both if tf.is_tensor(several) else searched, sampled)


def _either(single: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Rows of one tensor [B, …] where they are single, else of another."""
    return tf.where(tf.reshape(single, [-1, *[1] * (one.shape.rank - 1)]), one, other)


def _with_spare(found: Generated, number: int) -> Generated:
    """An answer and so many texts that do not exist."""
    if not number:
        return found
    rows, _, size = tf.unstack(tf.shape(found.ids))
    return Generated(*joined(Pool(*found), empty(rows, number, size)))


def _rowed(forced: Any) -> tf.Tensor | None:
    """Forced ids as int32 [B or 1, F]; none if there are none."""
    if forced is None or (not tf.is_tensor(forced) and not len(forced)):
        return None
    ids = tf.convert_to_tensor(forced, tf.int32)
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


def _check_beams(n_best: int, most_beams: int, groups: int, diversity: float) -> None:
    if not 1 <= n_best <= most_beams:
        raise UsageError(
            f"Argument n_best must be from 1 to most_beams, {most_beams}. "
            f"Received: {n_best!r}. Pass n_best=1, or allow more beams."
        )
    if groups < 1 or not 0.0 <= diversity < math.inf:
        raise UsageError(
            "Diverse beam search needs 1 group or more and a diversity of at least 0. "
            f"Received: groups={groups!r}, diversity={diversity!r}. "
            "Pass groups=1 for a plain search."
        )


def _in_groups(options: Options, groups: int) -> Options:
    """Makes sure that beams can be shared out among groups evenly."""
    beams, rule = options.num_beams, f"1 or a multiple of {groups}, the groups"
    advice = f"Pass num_beams={groups}, for example."
    if groups == 1 or (not tf.is_tensor(beams) and (beams == 1 or not beams % groups)):
        return options
    if not tf.is_tensor(beams):
        raise UsageError(
            f"Option num_beams must be {rule}. Received: {beams}. {advice}"
        )
    even = tf.reduce_all((beams == 1) | (beams % groups == 0))
    said = [f"Option num_beams must be {rule}. Received:", beams, advice]
    with tf.control_dependencies([tf.debugging.Assert(even, said, summarize=8)]):
        return dataclasses.replace(options, num_beams=tf.identity(beams))
