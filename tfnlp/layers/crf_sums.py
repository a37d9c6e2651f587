"""CRF log-likelihood, log-partition and marginals by the forward-backward algorithm.

Sums are in float64, as products and not as logarithms: a step is one
matrix product [B, C] x [C, C], nothing is larger than [B, T, C], and the gradient
needs no loop of its own, because both directions go through one. As long as the
scores of a token differ by less than 300, and those of pairs too, no number is lost
however long the row is: a step shrinks by e^-600 at most, and float64 ends at
e^-708. What lies lower counts as 300 below the highest.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfnlp.layers.crf import Chain, arrivals, folded, path_score

_RANGE = 300.0


def log_likelihood(chain: Chain, tags: tf.Tensor) -> tf.Tensor:
    """The log-probability of each row's tags: float32 [B].

    Args:
        chain: the scores.
        tags: int32 [B, T]; values at padding do not matter.
    """
    emissions, transitions = _bounded_scores(chain)
    score = path_score(emissions, transitions, chain.padding_mask, tags[..., None])
    total = _log_partition(emissions, transitions, chain.padding_mask)
    return tf.cast(score[:, 0] - total, tf.float32)


def log_partition(chain: Chain) -> tf.Tensor:
    """The log of the sum over all tag sequences of exp(score): float32 [B]."""
    total = _log_partition(*_bounded_scores(chain), chain.padding_mask)
    return tf.cast(total, tf.float32)


def marginals(chain: Chain) -> tf.Tensor:
    """The probability of each tag at each token: float32 [B, T, C], 0 on padding."""
    emissions, transitions = _bounded_scores(chain)
    swept = _sweep(emissions, transitions, chain.padding_mask)
    return tf.cast(swept.marginals, tf.float32)


class _Swept(NamedTuple):
    log_partition: tf.Tensor  # [B]
    marginals: tf.Tensor  # [B, T, C]
    pairs: Callable[[tf.Tensor], tf.Tensor]  # weights of rows [B] → [C, C]


def _log_partition(
    emissions: tf.Tensor, transitions: tf.Tensor, padding_mask: tf.Tensor
) -> tf.Tensor:
    """Float64 [B]; its gradient is the expected number of each tag and pair."""

    @tf.custom_gradient
    def total(emissions: tf.Tensor, transitions: tf.Tensor) -> tuple:
        swept = _sweep(emissions, transitions, padding_mask)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_token = swept.marginals * upstream[:, None, None]
            return by_token, swept.pairs(upstream)

        return swept.log_partition, gradient

    return total(emissions, transitions)


def _sweep(
    emissions: tf.Tensor, transitions: tf.Tensor, padding_mask: tf.Tensor
) -> _Swept:
    """Forward and backward algorithm in one loop, on scores in range."""
    real = tf.cast(padding_mask, emissions.dtype)  # [B, T]
    top = tf.reduce_max(emissions, axis=-1)  # [B, T]
    peak = tf.reduce_max(transitions)
    tokens = tf.exp(emissions - top[..., None])  # [B, T, C], at most 1
    follow = tf.exp(transitions - peak)  # [C, C], at most 1
    before, after = _from_both_ends(tokens, follow, padding_mask)  # [B, T, C]

    until = before * tokens
    shrunk = tf.reduce_sum(until, axis=-1)  # [B, T]
    total = tf.reduce_sum(real * (tf.math.log(shrunk) + top + peak), axis=1) - peak
    whole = real[..., None] / tf.reduce_sum(until * after, axis=-1, keepdims=True)

    def pairs(weights: tf.Tensor) -> tf.Tensor:
        left = until / shrunk[..., None]
        right = tokens * after * whole * weights[:, None, None]
        return follow * tf.einsum("bti,btj->ij", left[:, :-1], right[:, 1:])

    return _Swept(total, until * after * whole, pairs)


def _from_both_ends(
    tokens: tf.Tensor, follow: tf.Tensor, padding_mask: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Forward and backward messages of each tag, [B, T, C], up to a factor each.

    The backward half is the forward half of reversed rows, so both advance in one
    step: [2, B, C] x [2, C, C].
    """
    turn = {"seq_lengths": tf.reduce_sum(padding_mask, axis=1), "seq_axis": 1}
    both = tf.stack([tokens, tf.reverse_sequence(tokens, **turn)])  # [2, B, T, C]
    both = tf.transpose(both, [2, 0, 1, 3])  # [T, 2, B, C]
    steps = tf.stack([follow, tf.transpose(follow)])

    def advance(before: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
        until = before * token
        return (until / tf.reduce_sum(until, axis=-1, keepdims=True)) @ steps

    found = arrivals(advance, both, tf.ones_like(both[0]))
    before, after = tf.unstack(tf.transpose(found, [1, 2, 0, 3]))
    return before, tf.reverse_sequence(after, **turn)


def _bounded_scores(chain: Chain) -> tuple[tf.Tensor, tf.Tensor]:
    emissions, transitions = folded(chain, tf.float64)
    return _bounded(emissions, axis=-1), _bounded(transitions, axis=None)


def _bounded(scores: tf.Tensor, axis: int | None) -> tf.Tensor:
    """Clips scores far below the maximum; the gradient passes unchanged."""
    lowest = tf.reduce_max(scores, axis=axis, keepdims=True) - _RANGE
    return scores + tf.stop_gradient(tf.maximum(scores, lowest) - scores)
