"""One text for each row: at every step the most probable token, or a drawn one."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.decoding.counter_rng import uniforms
from tfnlp.decoding.generation_config import Options
from tfnlp.decoding.generation_state import Rules, cut, when, written
from tfnlp.decoding.logits_filters import filtered
from tfnlp.decoding.logits_processors import processed
from tfnlp.decoding.step_api import Generated, Outputs, Step, like, stepped
from tfnlp.decoding.stopping import ending

_BLOCK = 256
_COLDEST = 1e-9  # below it, a temperature would divide by numbers that round to 0


class Texts(NamedTuple):
    """Texts on their way; N of them, one for each row."""

    count: tf.Tensor  # int32 [], tokens of the texts that still run
    history: tf.Tensor  # int32 [N, S + T]
    last: tf.Tensor  # int32 [N], 0 where a text is over
    lengths: tf.Tensor  # int32 [N]
    choices: tf.Tensor  # int32 [N], tokens and end mark
    scores: tf.Tensor  # float32 [N], log-probability
    running: tf.Tensor  # bool [N]
    ended: tf.Tensor  # bool [N]


def sample(
    step: Step, first: Outputs, cache: Any, rules: Rules, active: tf.Tensor, shared: Any
) -> Generated:
    """Continues each active row with one text; the others stay empty.

    Args:
        first: about the first new token.
        active: bool [B].
    """
    options = rules.options
    rows = tf.shape(first.logits)[0]
    hot = options.any("temperature", lambda temperature: temperature > 0.0)
    chances = when(  # [B or 1, T]
        hot,
        lambda: uniforms(options.row("seed"), rules.size),
        lambda: tf.zeros([tf.shape(options.row("seed"))[0], rules.size]),
    )

    def chosen(texts: Texts, logits: tf.Tensor) -> Texts:
        logits = processed(logits, texts.history, texts.count, rules)
        chance = tf.gather(chances, texts.count, axis=1)
        return taken(texts, logits, choose(logits, chance, options), rules)

    def body(texts: Texts, logits: tf.Tensor, cache: Any) -> tuple[Any, ...]:
        texts = like(chosen(texts, logits), texts)

        def onward() -> tuple[tf.Tensor, Any]:
            said, new = stepped(step, texts.last, cache, shared)
            return like((said.logits, new), (logits, cache))

        needed = tf.reduce_any(texts.running)
        return texts, *tf.cond(needed, onward, lambda: (logits, cache))

    texts, *_ = tf.while_loop(
        lambda texts, *_: tf.reduce_any(texts.running),
        body,
        (begun(rows, rules, active), first.logits, cache),
        maximum_iterations=rules.size,
    )
    return answered(texts, rules)


def begun(rows: int | tf.Tensor, rules: Rules, active: tf.Tensor) -> Texts:
    """Texts without a token."""
    none = tf.zeros([rows], tf.int32)
    return Texts(
        count=tf.constant(0),
        history=rules.history(rows),
        last=none,
        lengths=none,
        choices=none,
        scores=tf.zeros([rows]),
        running=active,
        ended=tf.zeros([rows], tf.bool),
    )


def taken(texts: Texts, logits: tf.Tensor, tokens: tf.Tensor, rules: Rules) -> Texts:
    """Texts with one more token [N] each, if they still ran; logits are [N, V].

    Where nothing could be chosen, because a network gives no number or every token
    is banned, the token is 0 and the text goes no further.
    """
    tokens = tf.where(texts.running, tokens, 0)
    gained = tf.gather(logits, tokens, batch_dims=1) - log_total(logits)
    count = texts.count + 1
    history = written(texts.history, rules.start + texts.count, tokens)
    ended, dropped = ending(history, count, rules)
    stuck = tokens == 0
    ended &= texts.running & ~stuck
    lengths = count - tf.where(ended, dropped, tf.cast(stuck, tf.int32))
    return Texts(
        count=count,
        history=history,
        last=tokens,
        lengths=tf.where(texts.running, lengths, texts.lengths),
        choices=tf.where(texts.running, count, texts.choices),
        scores=texts.scores + tf.where(stuck, 0.0, gained),
        running=texts.running
        & ~(ended | stuck)
        & (count < rules.options.row("max_tokens")),
        ended=texts.ended | ended,
    )


def answered(texts: Texts, rules: Rules) -> Generated:
    """Texts as an answer of one for each row."""
    ids = cut(texts.history[:, rules.start :], texts.lengths)
    scores = rules.normalised(texts.scores, texts.choices)
    parts = (ids, texts.lengths, scores, texts.ended)
    return Generated(*(part[:, None] for part in parts))


def log_total(logits: tf.Tensor) -> tf.Tensor:
    """The logarithm of the sum of exponentials of each row: [N, V] → [N]."""
    return tf.reduce_logsumexp(logits, axis=-1)


def choose(logits: tf.Tensor, chance: tf.Tensor, options: Options) -> tf.Tensor:
    """One token for each row, int32 [N]: drawn, or at temperature 0 the likeliest.

    Args:
        logits: float32 [N, V].
        chance: float32 [N] from 0 up to, but not, 1.

    Example:
    >>> logits = tf.math.log([[0.25, 0.5, 0.25]] * 3)
    >>> choose(logits, tf.constant([0.1, 0.3, 0.8]), Options()).numpy().tolist()
    [0, 1, 2]
    """
    likeliest = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return when(
        options.any("temperature", lambda temperature: temperature > 0.0),
        lambda: _some_drawn(logits, chance, options, likeliest),
        lambda: likeliest,
    )


def _some_drawn(
    logits: tf.Tensor, chance: tf.Tensor, options: Options, likeliest: tf.Tensor
) -> tf.Tensor:
    temperature = options.column("temperature")
    below = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
    kept = filtered(below / tf.maximum(temperature, _COLDEST), options)
    return tf.where(temperature[:, 0] > 0.0, pick(tf.exp(kept), chance), likeliest)


def pick(masses: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """The token where the summed masses of a row pass its chance: int32 [N].

    Sums go over blocks first and within one block then, so that a tail of tokens of
    1e-8 each, which a single float32 sum near 1 would swallow, keeps its share.

    Args:
        masses: float32 [N, V], at least one of each row above 0.
        chance: float32 [N] from 0 up to, but not, 1.

    Example:
    >>> pick(tf.constant([[0.0, 2.0, 2.0, 0.0]]), tf.constant([0.75])).numpy().tolist()
    [2]
    """
    size = masses.shape[-1]
    each = _block(size)
    if size % each:
        masses = tf.pad(masses, [[0, 0], [0, -size % each]])
    blocks = tf.reshape(masses, [-1, math.ceil(size / each), each])
    sums = tf.reduce_sum(blocks, axis=-1)  # [N, blocks]
    until = tf.cumsum(sums, axis=1)
    target = chance * until[:, -1]
    block = _passing(until, sums, target)
    before = tf.gather(tf.cumsum(sums, axis=1, exclusive=True), block, batch_dims=1)
    inside = tf.gather(blocks, block, batch_dims=1)  # [N, block]
    within = _passing(tf.cumsum(inside, axis=1), inside, target - before)
    return block * each + within


def _block(size: int) -> int:
    """Tokens of a block: about 256, dividing the size if such a number does."""
    even = (each for each in range(64, 2049) if size % each == 0)
    return min(even, key=lambda each: abs(math.log(each / _BLOCK)), default=_BLOCK)


def _passing(until: tf.Tensor, masses: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The first place with mass whose sum is over the target, or the last with mass."""
    real = masses > 0.0
    over = real & (until > target[:, None])
    first = tf.argmax(tf.cast(over, tf.int32), axis=1, output_type=tf.int32)
    places = tf.where(real, tf.range(tf.shape(masses)[1]), 0)
    return tf.where(tf.reduce_any(over, axis=1), first, tf.reduce_max(places, axis=1))
