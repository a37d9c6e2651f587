"""Beam search, exact in when it stops, and its diverse form in groups of beams.

A row's beams live in G groups of w; a group is a search of its own, so everything
here has R = B·G rows, except that a group is shown which tokens the groups before
it chose at this step (Vijayakumar 2016, with the Hamming penalty). At each step the
2w best continuations of a group are looked at: at most w of them can be an end
mark, so w texts go on. What has ended goes to a pool of the w best by score; texts
that reach max_tokens go there too and compete. A row is done when none of its
texts, whatever came next, could reach the pool.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.decoding.diverse_beams import Beams, chosen
from tfnlp.decoding.finished_beams import Pool, best, empty, joined, limited, only
from tfnlp.decoding.generation_state import Rules, cut, written
from tfnlp.decoding.logits_processors import processed
from tfnlp.decoding.sampling import log_total
from tfnlp.decoding.step_api import Generated, Outputs, Step, like, spread, stepped
from tfnlp.decoding.stopping import ending
from tfnlp.errors import UsageError

_NEVER = float("-inf")


Seen = tuple[tf.Tensor, tf.Tensor]
"""Logits float32 [N, V] and attention float32 [N, source], of one 0 if unused."""


class _Search(NamedTuple):
    """The texts that go on, w of them in each of R rows, and those that do not."""

    count: tf.Tensor  # int32 [], tokens of the texts that go on
    histories: tf.Tensor  # int32 [R, w, S + T]
    last: tf.Tensor  # int32 [R·w]
    scores: tf.Tensor  # float32 [R, w], log-probability; -inf is no text
    covered: tf.Tensor  # float32 [R, w, source], attention so far
    pool: Pool


class _Candidates(NamedTuple):
    """Continuations of texts, C of them in each of R rows, best first."""

    parents: tf.Tensor  # int32 [R, C], beams
    tokens: tf.Tensor  # int32 [R, C]
    scores: tf.Tensor  # float32 [R, C], log-probability; -inf is none
    histories: tf.Tensor  # int32 [R, C, S + T]
    ended: tf.Tensor  # bool [R, C]
    dropped: tf.Tensor  # int32 [R, C]


def search(
    step: Step,
    first: Outputs,
    cache: Any,
    rules: Rules,
    active: tf.Tensor,
    shared: Any,
    *,
    beams: Beams,
    n_best: int,
) -> Generated:
    """The n best texts of each active row; the others have none.

    Args:
        first: about the first new token, [B, …].
        active: bool [B].
    """
    plan = _Rows(rules, beams)
    shared = None if shared is None else spread(shared, beams.width)

    def body(search: _Search, seen: Seen, cache: Any) -> tuple[Any, ...]:
        after, parents = plan.advanced(search, *seen)
        after = like(after, search)

        def onward() -> tuple[Seen, Any]:
            moved = tf.nest.map_structure(lambda leaf: tf.gather(leaf, parents), cache)
            said, new = stepped(step, after.last, moved, shared)
            return like((plan.seen(said), new), (seen, cache))

        going = tf.reduce_any(after.scores > _NEVER)
        return after, *tf.cond(going, onward, lambda: (seen, cache))

    seen, cache = spread((plan.seen(first), cache), beams.width)
    state, *_ = tf.while_loop(
        lambda search, *_: tf.reduce_any(search.scores > _NEVER),
        body,
        (plan.begun(active, seen), seen, cache),
        maximum_iterations=rules.size,
    )
    return _answer(state.pool, beams, n_best)


class _Rows:
    """The rules of one search, for its rows, [R], and for its texts, [R·w]."""

    def __init__(self, rules: Rules, beams: Beams) -> None:
        self.beams = beams
        self.rows = rules.repeated(beams.groups)
        self.texts = rules.repeated(beams.width)
        self.beams_of = self.rows.options.row("num_beams") // beams.groups  # [R]

    def seen(self, said: Outputs) -> Seen:
        """What the search needs of a step."""
        options = self.rows.options
        asked = options.any("coverage_penalty", lambda weight: weight > 0.0)
        if said.attention is None and asked is True:
            raise UsageError(
                "A coverage penalty needs the attention of every step. "
                "Received: a step that returns logits alone. Return "
                "Outputs(logits, attention=attention), it being float [N, source]."
            )
        if said.attention is None or asked is False:
            return said.logits, tf.zeros_like(said.logits[:, :1])
        return said.logits, said.attention

    def begun(self, active: tf.Tensor, seen: Seen) -> _Search:
        """One empty text in each group of an active row."""
        width, size = self.beams.each, self.rows.size
        runs = tf.repeat(active, self.beams.groups)[:, None]  # [R, 1]
        rows = tf.shape(runs)[0]
        first = tf.range(width) == 0
        return _Search(
            count=tf.constant(0),
            histories=self._rowwise(self.texts.history(rows * width)),
            last=tf.zeros([rows * width], tf.int32),
            scores=tf.where(runs & first, 0.0, _NEVER),
            covered=tf.zeros_like(self._rowwise(seen[1])),
            pool=empty(rows, width, size),
        )

    def advanced(
        self, search: _Search, logits: tf.Tensor, attention: tf.Tensor
    ) -> tuple[_Search, tf.Tensor]:
        """One token further; and which cache, int32 [R·w], each text goes on from."""
        covered = search.covered + self._rowwise(attention)
        search = search._replace(covered=covered)
        found = self._candidates(search, logits)
        ended = found.ended | self._cut_short(search.count + 1)
        pool = self._pooled(search, found, ended)
        scores, places = self._going_on((found.scores > _NEVER) & ~ended, found.scores)
        scores = tf.where(self._done(scores, search.count + 1, pool), _NEVER, scores)
        parents = tf.gather(found.parents, places, batch_dims=1)  # [R, w]
        tokens = tf.gather(found.tokens, places, batch_dims=1)
        after = _Search(
            count=search.count + 1,
            histories=tf.gather(found.histories, places, batch_dims=1),
            last=tf.reshape(tf.where(scores > _NEVER, tokens, 0), [-1]),
            scores=scores,
            covered=tf.gather(search.covered, parents, batch_dims=1),
            pool=pool,
        )
        offsets = tf.range(tf.shape(parents)[0])[:, None] * self.beams.each
        return after, tf.reshape(parents + offsets, [-1])

    def _candidates(self, search: _Search, logits: tf.Tensor) -> _Candidates:
        size = logits.shape[-1]
        flat = tf.reshape(search.histories, [-1, tf.shape(search.histories)[-1]])
        logits = processed(logits, flat, search.count, self.texts)
        gained = self._rowwise(logits - log_total(logits)[:, None])  # [R, w, V]
        totals = search.scores[..., None] + gained
        places, scores = chosen(totals, self.beams, self.beams_of)
        parents, tokens = places // size, places % size
        ranks = tf.range(tf.shape(places)[1])
        allowed = ranks < 2 * self.beams_of[:, None]  # as many as the row alone has
        histories = tf.gather(search.histories, parents, batch_dims=1)  # [R, C, L]
        shape = tf.shape(histories)
        flat = tf.reshape(histories, [-1, shape[-1]])
        place = self.rows.start + search.count
        flat = written(flat, place, tf.reshape(tokens, [-1]))
        ended, dropped = ending(flat, search.count + 1, self.rows)
        return _Candidates(
            parents=parents,
            tokens=tokens,
            scores=tf.where(allowed, scores, _NEVER),
            histories=tf.reshape(flat, shape),
            ended=tf.reshape(ended, shape[:2]),
            dropped=tf.reshape(dropped, shape[:2]),
        )

    def _cut_short(self, choices: tf.Tensor) -> tf.Tensor:
        return choices >= self.rows.options.column("max_tokens")

    def _pooled(self, search: _Search, found: _Candidates, ended: tf.Tensor) -> Pool:
        choices = search.count + 1
        lengths = choices - tf.where(found.ended, found.dropped, 0)
        scores = self.rows.normalised(found.scores, choices)
        covered = tf.gather(search.covered, found.parents, batch_dims=1)
        late = Pool(
            ids=cut(found.histories[..., self.rows.start :], lengths),
            lengths=lengths,
            scores=scores + self._uncovered(covered),
            ended=found.ended,
        )
        late = only(late, ended & (found.scores > _NEVER))
        return limited(best(joined(search.pool, late), self.beams.each), self.beams_of)

    def _going_on(
        self, running: tf.Tensor, scores: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The first candidates that run, as many as a row has beams."""
        number = tf.shape(running)[1]
        keys = tf.where(running, number - tf.range(number), 0)
        keys, places = tf.math.top_k(keys, self.beams.each)
        there = (keys > 0) & (tf.range(self.beams.each) < self.beams_of[:, None])
        return tf.where(there, tf.gather(scores, places, batch_dims=1), _NEVER), places

    def _done(self, scores: tf.Tensor, choices: tf.Tensor, pool: Pool) -> tf.Tensor:
        """Rows, bool [R, 1], of which no text can do better than the worst one kept.

        Log-probabilities only fall, and the length penalty is monotone: what a text
        can reach at best, it reaches at once or at the greatest length.
        """
        most = self.rows.options.row("max_tokens")
        now = tf.zeros_like(most) + choices + 1
        leading = tf.reduce_max(scores, axis=1)  # [R]
        reach = tf.maximum(
            self.rows.normalised(leading, now), self.rows.normalised(leading, most)
        )
        worst = tf.gather(pool.scores, self._last_beam(pool), batch_dims=1)
        return (reach <= worst)[:, None]

    def _last_beam(self, pool: Pool) -> tf.Tensor:
        rows = tf.shape(pool.scores)[0]
        return tf.maximum(tf.broadcast_to(self.beams_of, [rows]) - 1, 0)

    def _uncovered(self, covered: tf.Tensor) -> tf.Tensor:
        """The coverage penalty of texts, float32 [R, C], at most 0."""
        seen = tf.where(covered > 0.0, tf.minimum(covered, 1.0), 1.0)  # 0 is padding
        missed = tf.reduce_sum(tf.math.log(seen), axis=-1)
        return self.rows.options.column("coverage_penalty") * missed

    def _rowwise(self, tensor: tf.Tensor) -> tf.Tensor:
        """[R·w, X] → [R, w, X]."""
        size = tensor.shape[-1] or tf.shape(tensor)[-1]
        return tf.reshape(tensor, [-1, self.beams.each, size])


def _answer(pool: Pool, beams: Beams, n_best: int) -> Generated:
    """The best texts of all groups of a row, n of them: [R, w] → [B, n]."""
    width = beams.groups * beams.each
    rows = tf.shape(pool.scores)[0] // beams.groups
    size = tf.shape(pool.ids)[-1]
    merged = Pool(
        ids=tf.reshape(pool.ids, [rows, width, size]),
        **{
            name: tf.reshape(getattr(pool, name), [rows, width])
            for name in ("lengths", "scores", "ended")
        },
    )
    found = best(joined(merged, empty(rows, n_best, size)), n_best)
    return Generated(*found)
