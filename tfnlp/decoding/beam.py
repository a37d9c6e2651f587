"""Beam search with exact early stopping, and diverse beam search.

The beams of a row form G groups of w. Each group is a search of its own, so
everything here has R = B·G rows, except that a group sees which tokens the groups
before it chose at this step (diverse beam search with the Hamming penalty,
Vijayakumar 2016). At each step the 2w best continuations of a group are candidates:
at most w of them can be an end token, so w beams continue. Finished beams go to a
pool of the w best by score; beams that reach max_tokens go there too and compete. A
row is done when none of its beams, whatever came next, could enter the pool.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.decoding.diverse_beams import BeamConfig, select_candidates
from tfnlp.decoding.finished_beams import (
    FinishedBeams,
    concatenated,
    empty,
    masked,
    top,
    truncated,
)
from tfnlp.decoding.generation_request import GenerationRequest, cut, with_tokens
from tfnlp.decoding.logits_processors import process_logits
from tfnlp.decoding.sampling import logsumexp
from tfnlp.decoding.step_api import (
    GenerationResult,
    Step,
    StepOutputs,
    call_step,
    repeat_rows,
    with_static_shapes,
)
from tfnlp.decoding.stopping import find_finished
from tfnlp.errors import UsageError

_NEVER = float("-inf")


Seen = tuple[tf.Tensor, tf.Tensor]
"""Logits float32 [N, V] and attention float32 [N, source], of one 0 if unused."""


class _BeamState(NamedTuple):
    """Running beams, w of them in each of R rows, and the finished ones."""

    count: tf.Tensor  # int32 [], tokens of the running beams
    histories: tf.Tensor  # int32 [R, w, S + T]
    last: tf.Tensor  # int32 [R·w]
    scores: tf.Tensor  # float32 [R, w], log-probability; -inf is no beam
    covered: tf.Tensor  # float32 [R, w, source], sum of attention
    pool: FinishedBeams


class _Candidates(NamedTuple):
    """Candidate continuations, C of them in each of R rows, best first."""

    parents: tf.Tensor  # int32 [R, C], beam that each one continues
    tokens: tf.Tensor  # int32 [R, C]
    scores: tf.Tensor  # float32 [R, C], log-probability; -inf is none
    histories: tf.Tensor  # int32 [R, C, S + T]
    ended: tf.Tensor  # bool [R, C]
    dropped: tf.Tensor  # int32 [R, C]


def beam_search(
    step: Step,
    first: StepOutputs,
    cache: Any,
    request: GenerationRequest,
    active: tf.Tensor,
    shared: Any,
    *,
    beams: BeamConfig,
    n_best: int,
) -> GenerationResult:
    """Beam search: the n best texts of each active row; the others have none.

    Args:
        first: about the first new token, [B, …].
        active: bool [B].
    """
    plan = _Rows(request, beams)
    shared = None if shared is None else repeat_rows(shared, beams.num_beams)

    def body(state: _BeamState, seen: Seen, cache: Any) -> tuple[Any, ...]:
        after, parents = plan.advanced(state, *seen)
        after = with_static_shapes(after, state)

        def onward() -> tuple[Seen, Any]:
            moved = tf.nest.map_structure(lambda leaf: tf.gather(leaf, parents), cache)
            outputs, new = call_step(step, after.last, moved, shared)
            return with_static_shapes((plan.seen(outputs), new), (seen, cache))

        going = tf.reduce_any(after.scores > _NEVER)
        return after, *tf.cond(going, onward, lambda: (seen, cache))

    seen, cache = repeat_rows((plan.seen(first), cache), beams.num_beams)
    state, *_ = tf.while_loop(
        lambda state, *_: tf.reduce_any(state.scores > _NEVER),
        body,
        (plan.initial_state(active, seen), seen, cache),
        maximum_iterations=request.size,
    )
    return _answer(state.pool, beams, n_best)


class _Rows:
    """The request of one search, for its rows, [R], and for its beams, [R·w]."""

    def __init__(self, request: GenerationRequest, beams: BeamConfig) -> None:
        self.beams = beams
        self.rows = request.repeated(beams.num_beam_groups)
        self.texts = request.repeated(beams.num_beams)
        self.beams_of = (
            self.rows.config.row("num_beams") // beams.num_beam_groups
        )  # [R]

    def seen(self, outputs: StepOutputs) -> Seen:
        """Logits and attention of a step, the latter only for a coverage penalty."""
        config = self.rows.config
        wanted = config.any("coverage_penalty", lambda weight: weight > 0.0)
        if outputs.attention is None and wanted is True:
            raise UsageError(
                "A coverage penalty needs the attention of every step. "
                "Received: a step that returns logits alone. Return "
                "Outputs(logits, attention=attention), it being float [N, source]."
            )
        if outputs.attention is None or wanted is False:
            return outputs.logits, tf.zeros_like(outputs.logits[:, :1])
        return outputs.logits, outputs.attention

    def initial_state(self, active: tf.Tensor, seen: Seen) -> _BeamState:
        """One empty beam in each group of an active row."""
        width, size = self.beams.group_size, self.rows.size
        runs = tf.repeat(active, self.beams.num_beam_groups)[:, None]  # [R, 1]
        rows = tf.shape(runs)[0]
        first = tf.range(width) == 0
        return _BeamState(
            count=tf.constant(0),
            histories=self._rowwise(self.texts.history(rows * width)),
            last=tf.zeros([rows * width], tf.int32),
            scores=tf.where(runs & first, 0.0, _NEVER),
            covered=tf.zeros_like(self._rowwise(seen[1])),
            pool=empty(rows, width, size),
        )

    def advanced(
        self, state: _BeamState, logits: tf.Tensor, attention: tf.Tensor
    ) -> tuple[_BeamState, tf.Tensor]:
        """One token more; and the cache, int32 [R·w], that each beam continues from."""
        covered = state.covered + self._rowwise(attention)
        state = state._replace(covered=covered)
        found = self._candidates(state, logits)
        ended = found.ended | self._cut_short(state.count + 1)
        pool = self._pooled(state, found, ended)
        scores, places = self._going_on((found.scores > _NEVER) & ~ended, found.scores)
        scores = tf.where(self._done(scores, state.count + 1, pool), _NEVER, scores)
        parents = tf.gather(found.parents, places, batch_dims=1)  # [R, w]
        tokens = tf.gather(found.tokens, places, batch_dims=1)
        after = _BeamState(
            count=state.count + 1,
            histories=tf.gather(found.histories, places, batch_dims=1),
            last=tf.reshape(tf.where(scores > _NEVER, tokens, 0), [-1]),
            scores=scores,
            covered=tf.gather(state.covered, parents, batch_dims=1),
            pool=pool,
        )
        offsets = tf.range(tf.shape(parents)[0])[:, None] * self.beams.group_size
        return after, tf.reshape(parents + offsets, [-1])

    def _candidates(self, state: _BeamState, logits: tf.Tensor) -> _Candidates:
        size = logits.shape[-1]
        flat = tf.reshape(state.histories, [-1, tf.shape(state.histories)[-1]])
        logits = process_logits(logits, flat, state.count, self.texts)
        gained = self._rowwise(logits - logsumexp(logits)[:, None])  # [R, w, V]
        totals = state.scores[..., None] + gained
        places, scores = select_candidates(totals, self.beams, self.beams_of)
        parents, tokens = places // size, places % size
        ranks = tf.range(tf.shape(places)[1])
        allowed = ranks < 2 * self.beams_of[:, None]  # as many as the row alone has
        histories = tf.gather(state.histories, parents, batch_dims=1)  # [R, C, L]
        shape = tf.shape(histories)
        flat = tf.reshape(histories, [-1, shape[-1]])
        place = self.rows.start + state.count
        flat = with_tokens(flat, place, tf.reshape(tokens, [-1]))
        ended, dropped = find_finished(flat, state.count + 1, self.rows)
        return _Candidates(
            parents=parents,
            tokens=tokens,
            scores=tf.where(allowed, scores, _NEVER),
            histories=tf.reshape(flat, shape),
            ended=tf.reshape(ended, shape[:2]),
            dropped=tf.reshape(dropped, shape[:2]),
        )

    def _cut_short(self, choices: tf.Tensor) -> tf.Tensor:
        return choices >= self.rows.config.column("max_tokens")

    def _pooled(
        self, state: _BeamState, found: _Candidates, ended: tf.Tensor
    ) -> FinishedBeams:
        choices = state.count + 1
        lengths = choices - tf.where(found.ended, found.dropped, 0)
        scores = self.rows.length_normalized(found.scores, choices)
        covered = tf.gather(state.covered, found.parents, batch_dims=1)
        late = FinishedBeams(
            ids=cut(found.histories[..., self.rows.start :], lengths),
            lengths=lengths,
            scores=scores + self._uncovered(covered),
            ended=found.ended,
        )
        late = masked(late, ended & (found.scores > _NEVER))
        return truncated(
            top(concatenated(state.pool, late), self.beams.group_size), self.beams_of
        )

    def _going_on(
        self, running: tf.Tensor, scores: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The first unfinished candidates, one for each beam of a row."""
        number = tf.shape(running)[1]
        keys = tf.where(running, number - tf.range(number), 0)
        keys, places = tf.math.top_k(keys, self.beams.group_size)
        there = (keys > 0) & (tf.range(self.beams.group_size) < self.beams_of[:, None])
        return tf.where(there, tf.gather(scores, places, batch_dims=1), _NEVER), places

    def _done(
        self, scores: tf.Tensor, choices: tf.Tensor, pool: FinishedBeams
    ) -> tf.Tensor:
        """Early stopping: rows, bool [R, 1], of which no beam can enter the pool.

        Log-probabilities only fall, and the length penalty is monotone: a beam has
        its best possible score at the next token or at the greatest length.
        """
        most = self.rows.config.row("max_tokens")
        now = tf.zeros_like(most) + choices + 1
        leading = tf.reduce_max(scores, axis=1)  # [R]
        reach = tf.maximum(
            self.rows.length_normalized(leading, now),
            self.rows.length_normalized(leading, most),
        )
        worst = tf.gather(pool.scores, self._last_beam(pool), batch_dims=1)
        return (reach <= worst)[:, None]

    def _last_beam(self, pool: FinishedBeams) -> tf.Tensor:
        rows = tf.shape(pool.scores)[0]
        return tf.maximum(tf.broadcast_to(self.beams_of, [rows]) - 1, 0)

    def _uncovered(self, covered: tf.Tensor) -> tf.Tensor:
        """The coverage penalty of texts, float32 [R, C], at most 0."""
        seen = tf.where(covered > 0.0, tf.minimum(covered, 1.0), 1.0)  # 0 is padding
        missed = tf.reduce_sum(tf.math.log(seen), axis=-1)
        return self.rows.config.column("coverage_penalty") * missed

    def _rowwise(self, tensor: tf.Tensor) -> tf.Tensor:
        """[R·w, X] → [R, w, X]."""
        size = tensor.shape[-1] or tf.shape(tensor)[-1]
        return tf.reshape(tensor, [-1, self.beams.group_size, size])


def _answer(pool: FinishedBeams, beams: BeamConfig, n_best: int) -> GenerationResult:
    """The n best texts of all groups of a row: [R, w] → [B, n]."""
    width = beams.num_beam_groups * beams.group_size
    rows = tf.shape(pool.scores)[0] // beams.num_beam_groups
    size = tf.shape(pool.ids)[-1]
    merged = FinishedBeams(
        ids=tf.reshape(pool.ids, [rows, width, size]),
        **{
            name: tf.reshape(getattr(pool, name), [rows, width])
            for name in ("lengths", "scores", "ended")
        },
    )
    found = top(concatenated(merged, empty(rows, n_best, size)), n_best)
    return GenerationResult(*found)
