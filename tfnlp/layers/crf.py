"""Linear-chain CRF (conditional random field) for sequence tagging.

The layer `CRF` learns transition scores between tags; everything else here is a
function of a `Chain`: of emission and transition scores, wherever they come from. Sums
over all tag sequences are in `tfnlp.layers.crf_sums`, the best sequences in
`tfnlp.layers.crf_paths`. Knows no label and no scheme.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfnlp.layers.validation import Shape

FORBIDDEN = -1e9
"""The score of a forbidden transition: lower than any path, and safe to add up."""


class Chain(NamedTuple):
    """Emission and transition scores of a batch, named as the outputs of `CRF`.

    Each row has at least one real token, and padding only follows.

    Example:
    >>> import numpy as np
    >>> from tfnlp.layers import marginals
    >>> chain = Chain(
    ...     emissions=np.array([[[2.0, 0.0], [0.0, 1.0]]]),
    ...     padding_mask=np.array([[1, 1]]),
    ...     transitions=np.zeros([2, 2]),
    ...     start=np.zeros(2),
    ...     end=np.zeros(2),
    ... )
    >>> print(marginals(chain).numpy().round(3))
    [[[0.881 0.119]
      [0.269 0.731]]]
    """

    emissions: tf.Tensor
    """Float [B, T, C]: the score of each tag at each token."""
    padding_mask: tf.Tensor
    """Int32 [B, T]: 1 for a real token."""
    transitions: tf.Tensor
    """Float [C, C]: the score of the column's tag right after the row's."""
    start: tf.Tensor
    """Float [C]: the score of a first tag."""
    end: tf.Tensor
    """Float [C]: the score of a last tag."""

    @classmethod
    def of(cls, outputs: Mapping[str, tf.Tensor]) -> "Chain":
        """The chain in the outputs of a network that ends in `CRF`."""
        shared = {name: outputs[name][0] for name in ("transitions", "start", "end")}
        return cls(outputs["emissions"], outputs["padding_mask"], **shared)

    def constrained(
        self, allowed: np.ndarray, *, start: np.ndarray, end: np.ndarray
    ) -> "Chain":
        """The chain without the forbidden transitions of a tagging scheme.

        Args:
            allowed: bool [C, C], whether the column's tag may follow the row's.
            start: bool [C], whether a tag may be the first.
            end: bool [C], whether a tag may be the last.
        """
        return self._replace(
            transitions=_only(allowed, self.transitions),
            start=_only(start, self.start),
            end=_only(end, self.end),
        )


@keras.saving.register_keras_serializable(package="tfnlp", name="CRF")
class CRF(keras.layers.Layer):
    """CRF layer: trainable transition, start and end scores of tags.

    It computes no loss: its outputs are the tensors of a `Chain` by name, for loss
    and decoding. Its weights have a leading axis of 1, shared by all rows. Everything
    is float32 in any policy. Untrained, the tags of a row are independent.

    Example:
    >>> import numpy as np
    >>> outputs = CRF()(np.zeros([1, 3, 2]), np.array([[1, 1, 0]]))
    >>> {name: tuple(tensor.shape) for name, tensor in outputs.items()}
    {'emissions': (1, 3, 2), 'padding_mask': (1, 3), 'transitions': (1, 2, 2),
     'start': (1, 2), 'end': (1, 2)}
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "dtype": "float32"})

    def build(self, emissions_shape: Shape, padding_mask_shape: Shape) -> None:
        """Makes transition, start and end scores for emissions [B, T, C]."""
        classes = emissions_shape[-1]
        self.transitions = self._scores("transitions", (classes, classes))
        self.start = self._scores("start", (classes,))
        self.end = self._scores("end", (classes,))

    def call(
        self, emissions: tf.Tensor, padding_mask: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Joins emissions [B, T, C] and an int32 mask [B, T] to a chain by name."""
        return {
            "emissions": emissions,
            "padding_mask": padding_mask,
            "transitions": ops.expand_dims(self.transitions, 0),  # [1, C, C]
            "start": ops.expand_dims(self.start, 0),  # [1, C]
            "end": ops.expand_dims(self.end, 0),  # [1, C]
        }

    def _scores(self, name: str, shape: Shape) -> keras.Variable:
        return self.add_weight(name=name, shape=shape, initializer="zeros")


def folded(chain: Chain, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Emissions [B, T, C] plus start and end scores, and transitions.

    Emissions on padding are set to 0.
    """
    real = tf.cast(chain.padding_mask, tf.bool)[..., None]  # [B, T, 1]
    first = tf.range(tf.shape(real)[1])[:, None] == 0  # [T, 1]
    emissions = tf.where(real, tf.cast(chain.emissions, dtype), 0.0)
    emissions += tf.where(first, tf.cast(chain.start, dtype), 0.0)
    emissions += tf.where(ends(chain.padding_mask), tf.cast(chain.end, dtype), 0.0)
    return emissions, tf.cast(chain.transitions, dtype)


def ends(padding_mask: tf.Tensor) -> tf.Tensor:
    """Whether a token is its row's last real one: bool [B, T, 1]."""
    mask = tf.convert_to_tensor(padding_mask)
    lengths = tf.reduce_sum(mask, axis=1, keepdims=True)  # [B, 1]
    positions = tf.range(tf.shape(mask)[1], dtype=mask.dtype)
    return (positions == lengths - 1)[..., None]


def path_score(
    emissions: tf.Tensor,
    transitions: tf.Tensor,
    padding_mask: tf.Tensor,
    tags: tf.Tensor,
) -> tf.Tensor:
    """The scores [B, N] of N tag sequences, int32 [B, T, N], of each row."""
    real = tf.cast(padding_mask, emissions.dtype)[..., None]  # [B, T, 1]
    classes = tf.shape(transitions)[0]
    tags = tf.clip_by_value(tf.cast(tags, tf.int32), 0, classes - 1)
    tokens = tf.gather(emissions, tags, batch_dims=2)  # [B, T, N]
    numbers = tags[:, :-1] * classes + tags[:, 1:]  # [B, T - 1, N]
    pairs = tf.gather(tf.reshape(transitions, [-1]), numbers)
    return tf.reduce_sum(tokens * real, axis=1) + tf.reduce_sum(
        pairs * real[:, 1:], axis=1
    )


def arrivals(
    step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    elements: tf.Tensor,
    start: tf.Tensor,
) -> tf.Tensor:
    """Exclusive scan over T elements: `start`, then the result of those before."""
    found = tf.scan(step, elements, initializer=start)
    return tf.concat([start[None], found[:-1]], axis=0)


def _only(allowed: np.ndarray, scores: tf.Tensor) -> tf.Tensor:
    return tf.where(allowed, scores, tf.cast(FORBIDDEN, scores.dtype))
