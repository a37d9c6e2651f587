"""Diverse beam search: which continuations each group of beams keeps."""

import dataclasses

import tensorflow as tf

_NEVER = float("-inf")


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """The number of beams and of beam groups, the same for all rows.

    Attributes:
        num_beams: beams of a row; if its config has fewer, the others are empty.
        num_beam_groups: G, of num_beams / G beams each.
        diversity_penalty: subtracted from a token's log-probability for each earlier
            group that chose it at this step.
    """

    num_beams: int | tf.Tensor
    num_beam_groups: int = 1
    diversity_penalty: float = 0.0

    @property
    def group_size(self) -> int | tf.Tensor:
        """w: the number of beams of a group."""
        return self.num_beams // self.num_beam_groups


def select_candidates(
    totals: tf.Tensor, beams: BeamConfig, beams_of: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The 2w best continuations of each group, by top-k with the Hamming penalty.

    Args:
        totals: float32 [R, w, V].
        beams_of: int32 [R] or [1].

    Returns:
        Their positions in w·V, int32 [R, C], and their log-probabilities.
    """
    size = totals.shape[-1]
    number = beams.group_size * min(2, size)
    if beams.num_beam_groups == 1:
        flat = tf.reshape(totals, [-1, beams.group_size * size])
        scores, places = tf.math.top_k(flat, number)
        return places, scores
    grouped = tf.reshape(totals, [-1, beams.num_beam_groups, beams.group_size, size])
    ranks = tf.range(number)
    found = []
    taken = tf.zeros_like(grouped[:, 0, 0])  # [B, V], groups that chose a token
    counted = tf.reshape(
        beams_of, [-1, 1 if beams_of.shape == [1] else beams.num_beam_groups]
    )
    for group in range(beams.num_beam_groups):
        plain = tf.reshape(grouped[:, group], [-1, beams.group_size * size])
        off = beams.diversity_penalty * tf.tile(taken, [1, beams.group_size])
        _, places = tf.math.top_k(plain - off, number)
        scores = tf.gather(plain, places, batch_dims=1)
        found.append((places, scores))
        ours = (ranks < counted[:, :1]) & (scores > _NEVER)
        tokens = tf.where(ours, places % size, -1)
        taken += tf.reduce_sum(tf.one_hot(tokens, size), axis=1)
    pairs = (tf.stack(parts, axis=1) for parts in zip(*found, strict=True))
    places, scores = (tf.reshape(part, [-1, number]) for part in pairs)
    return places, scores
