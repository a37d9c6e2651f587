"""Cross-entropy with label smoothing for many classes, such as tokens."""

import tensorflow as tf


def cross_entropy(
    y: tf.Tensor, logits: tf.Tensor, *, smoothing: float = 0.0
) -> tf.Tensor:
    """Cross-entropy of logits [..., V] and classes int32 [...]: float32, in nats.

    With thousands of classes memory access dominates, and TensorFlow's own operation
    makes several passes. Here probabilities are computed once, and the rest follows
    from them: the largest one is 1 / Σ exp(logit - largest logit), so the loss is
    exact where the probability of the class is too small for a float.

    Args:
        smoothing: label smoothing: share of the target that is spread evenly over
            all classes (Szegedy et al. 2016).

    Example:
    >>> loss = cross_entropy(tf.constant([0]), tf.constant([[2.0, 0.0]]), smoothing=0.2)
    >>> loss.numpy().round(4)  # 0.9 · 0.1269 + 0.1 · 2.1269
    array([0.3269], dtype=float32)
    """
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    return tf.reshape(_by_row(flat, tf.reshape(y, [-1]), smoothing), tf.shape(y))


def _by_row(logits: tf.Tensor, y: tf.Tensor, smoothing: float) -> tf.Tensor:
    """`cross_entropy` of logits [N, V] and classes [N]."""

    @tf.custom_gradient
    def loss(logits: tf.Tensor) -> tuple:
        shares = tf.nn.softmax(logits)
        highest = tf.reduce_max(logits, axis=1)
        gap = highest - tf.gather(logits, y, batch_dims=1)
        if smoothing:
            even = highest - tf.reduce_mean(logits, axis=1)
            gap = (1.0 - smoothing) * gap + smoothing * even
        found = gap - tf.math.log(tf.reduce_max(shares, axis=1))

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            rest = shares - smoothing / logits.shape[-1] if smoothing else shares
            places = tf.stack([tf.range(tf.size(y)), y], axis=1)
            slope = rest * upstream[:, None]
            return tf.tensor_scatter_nd_sub(slope, places, (1.0 - smoothing) * upstream)

        return found, gradient

    return loss(logits)
