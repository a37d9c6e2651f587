"""Cross-entropy of many classes, such as the tokens of a vocabulary."""

import tensorflow as tf


def cross_entropy(
    y: tf.Tensor, logits: tf.Tensor, *, smoothing: float = 0.0
) -> tf.Tensor:
    """How far logits [..., V] are from classes int32 [...]: float32 [...], in nats.

    With thousands of classes it is memory that takes the time. The smoothed loss is
    the plain one and `smoothing · (logit of the class - mean of the logits)`, so
    probabilities are made once, and the gradient is what the plain one has computed.

    Args:
        smoothing: share of the target that is spread evenly over all classes
            (Szegedy et al. 2016).

    Example:
    >>> loss = cross_entropy(tf.constant([0]), tf.constant([[2.0, 0.0]]), smoothing=0.2)
    >>> loss.numpy().round(4)  # 0.9 · 0.1269 + 0.1 · 2.1269
    array([0.3269], dtype=float32)
    """
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    return tf.reshape(_smoothed(flat, tf.reshape(y, [-1]), smoothing), tf.shape(y))


def _smoothed(logits: tf.Tensor, y: tf.Tensor, smoothing: float) -> tf.Tensor:
    """`cross_entropy` of logits [N, V] and classes [N]."""
    classes = logits.shape[-1]

    @tf.custom_gradient
    def loss(logits: tf.Tensor) -> tuple:
        plain, slope = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
            features=logits, labels=y
        )
        picked = tf.gather(logits, y, batch_dims=1)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            even = (slope - smoothing / classes) * upstream[:, None]
            places = tf.stack([tf.range(tf.size(y)), y], axis=1)
            return tf.tensor_scatter_nd_add(even, places, smoothing * upstream)

        return plain + smoothing * (picked - tf.reduce_mean(logits, axis=1)), gradient

    return loss(logits)
