"""How many beams a search has, and which continuations each group of them keeps."""

import dataclasses

import tensorflow as tf

_NEVER = float("-inf")


@dataclasses.dataclass(frozen=True)
class Beams:
    """How many beams there are, in all rows alike.

    Attributes:
        width: beams of a row; of a row that asks for fewer, the rest is empty.
        groups: G, of width / G beams each.
        diversity: taken off a token's log-probability for each group that chose it.
    """

    width: int | tf.Tensor
    groups: int = 1
    diversity: float = 0.0

    @property
    def each(self) -> int | tf.Tensor:
        """w: beams of a group."""
        return self.width // self.groups


def chosen(
    totals: tf.Tensor, beams: Beams, beams_of: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The 2w best continuations of each group.

    Args:
        totals: float32 [R, w, V].
        beams_of: int32 [R] or [1].

    Returns:
        Their places in w·V, int32 [R, C], and their log-probabilities.
    """
    size = totals.shape[-1]
    number = beams.each * min(2, size)
    if beams.groups == 1:
        flat = tf.reshape(totals, [-1, beams.each * size])
        scores, places = tf.math.top_k(flat, number)
        return places, scores
    grouped = tf.reshape(totals, [-1, beams.groups, beams.each, size])
    ranks = tf.range(number)
    found = []
    taken = tf.zeros_like(grouped[:, 0, 0])  # [B, V], groups that chose a token
    counted = tf.reshape(beams_of, [-1, 1 if beams_of.shape == [1] else beams.groups])
    for group in range(beams.groups):
        plain = tf.reshape(grouped[:, group], [-1, beams.each * size])
        off = beams.diversity * tf.tile(taken, [1, beams.each])
        _, places = tf.math.top_k(plain - off, number)
        scores = tf.gather(plain, places, batch_dims=1)
        found.append((places, scores))
        ours = (ranks < counted[:, :1]) & (scores > _NEVER)
        tokens = tf.where(ours, places % size, -1)
        taken += tf.reduce_sum(tf.one_hot(tokens, size), axis=1)
    pairs = (tf.stack(parts, axis=1) for parts in zip(*found, strict=True))
    places, scores = (tf.reshape(part, [-1, number]) for part in pairs)
    return places, scores
