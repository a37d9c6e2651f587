"""Viterbi decoding and n-best sequences of a CRF `Chain`.

The forward pass keeps only the scores of the best paths, [B, T, C]; back-pointers are
computed again on the way back, where only one tag is needed and not all of them.
Steps only add and compare in float32, so the result of a row is the same, to the last
bit, in any batch.
"""

import tensorflow as tf

from tfnlp.layers.crf import Chain, arrivals, ends, folded, path_score
from tfnlp.layers.validation import check_size

_NO_PATH = -1e30


def viterbi(chain: Chain) -> tuple[tf.Tensor, tf.Tensor]:
    """Viterbi: the best tags of each row, int32 [B, T], 0 on padding; scores [B].

    Example:
    >>> import numpy as np
    >>> zeros, emissions = np.zeros(2), np.array([[[2.0, 0.0], [0.0, 1.0]]])
    >>> chain = Chain(emissions, np.array([[1, 1]]), np.zeros([2, 2]), zeros, zeros)
    >>> tags, scores = viterbi(chain)
    >>> tags.numpy().tolist(), scores.numpy().tolist()
    ([[0, 1]], [3.0])
    """
    emissions, transitions = folded(chain, tf.float32)
    arriving = tf.transpose(transitions)  # [to, from]

    def best(before: tf.Tensor, emission: tf.Tensor) -> tf.Tensor:
        pairs = (before + emission)[:, None, :] + arriving  # [B, to, from]
        return _relative(tf.reduce_max(pairs, axis=-1))

    emissions = tf.transpose(emissions, [1, 0, 2])  # [T, B, C]
    until = emissions + arrivals(best, emissions, tf.zeros_like(emissions[0]))
    last = tf.transpose(ends(chain.padding_mask), [1, 0, 2])  # [T, B, 1]

    def back(tag: tf.Tensor, token: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        until, last = token
        onward = tf.where(last, 0.0, tf.gather(arriving, tag))  # [B, from]
        return tf.argmax(until + onward, axis=-1, output_type=tf.int32)

    nothing = tf.zeros_like(until[0, :, 0], tf.int32)
    turned = (tf.reverse(until, [0]), tf.reverse(last, [0]))
    # Not by reverse=True, which a conversion to ONNX gets wrong.
    tags = tf.reverse(tf.scan(back, turned, initializer=nothing), [0])  # [T, B]
    tags = tf.transpose(tags) * tf.cast(chain.padding_mask, tf.int32)
    return tags, _scores(chain, tags[..., None])[:, 0]


def n_best(chain: Chain, n: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The n best tag sequences of each row, best first, and their scores.

    Returns:
        Tags, int32 [B, n, T] with 0 on padding, and scores, float32 [B, n]. Where a
        row has fewer than n sequences, the rest has the lowest float32 as score.

    Raises:
        UsageError: n is below 1.
    """
    check_size("n", n)
    emissions, transitions = folded(chain, tf.float32)
    emissions = tf.repeat(tf.transpose(emissions, [1, 0, 2]), n, axis=2)
    until, sources = _ranked(emissions, transitions, n)  # [T, B, C·n]
    last = tf.transpose(ends(chain.padding_mask), [1, 0, 2])  # [T, B, 1]
    final = tf.reduce_sum(tf.where(last, until, 0.0), axis=0)  # [B, C·n]
    ranked, numbers = tf.math.top_k(final, n)  # [B, n]

    def back(path: tf.Tensor, token: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        sources, last = token
        return tf.where(last, numbers, tf.gather(sources, path, batch_dims=1))

    paths = tf.scan(back, (sources, last), tf.zeros_like(numbers), reverse=True)
    real = tf.cast(chain.padding_mask, tf.int32)[..., None]  # [B, T, 1]
    tags = tf.transpose(paths // n, [1, 0, 2]) * real  # [B, T, n]
    exists = ranked > _NO_PATH / 2
    scores = tf.where(exists, _scores(chain, tags), tf.float32.min)
    return tf.transpose(tags, [0, 2, 1]), scores


def _ranked(
    emissions: tf.Tensor, transitions: tf.Tensor, n: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The n best paths to each tag at each token, [T, B, C·n], and back-pointers.

    A path is numbered by its tag and its rank, tag · n + rank; the second result has
    the number, at this token, of each of the best paths to the next token. The n best
    paths to a tag come from n tags at most: those with the best first path.
    """
    size, count = emissions.shape[-1], transitions.shape[0]
    arriving = tf.transpose(transitions)  # [to, from]

    def best(found: tuple, emission: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        ways = tf.reshape(found[0] + emission, [-1, count, n])  # [B, from, rank]
        pairs = ways[:, None, :, 0] + arriving  # [B, to, from]
        _, tags = tf.math.top_k(pairs, min(n, count))  # [B, to, M]
        leaps = tf.broadcast_to(arriving, tf.shape(pairs))
        onward = tf.gather(leaps, tags, batch_dims=2)[..., None]
        onward += tf.gather(ways, tags, batch_dims=1)  # [B, to, M, rank]
        rows = tf.shape(ways)[0]
        scores, places = tf.math.top_k(tf.reshape(onward, [rows, count, -1]), n)
        sources = tf.gather(tags, places // n, batch_dims=2) * n + places % n
        scores = _relative(tf.reshape(scores, [-1, size]))
        return scores, tf.reshape(sources, [-1, size])

    first = tf.where(tf.range(size) % n == 0, 0.0, _NO_PATH)
    start = tf.zeros_like(emissions[0]) + first  # one way to begin with each tag
    none = tf.zeros_like(start, tf.int32)
    scores, sources = tf.scan(best, emissions, initializer=(start, none))
    return emissions + tf.concat([start[None], scores[:-1]], axis=0), sources


def _relative(scores: tf.Tensor) -> tf.Tensor:
    """Scores minus the maximum of the row, so that long rows lose no digits."""
    return scores - tf.reduce_max(scores, axis=-1, keepdims=True)


def _scores(chain: Chain, tags: tf.Tensor) -> tf.Tensor:
    emissions, transitions = folded(chain, tf.float64)
    found = path_score(emissions, transitions, chain.padding_mask, tags)
    return tf.cast(found, tf.float32)
