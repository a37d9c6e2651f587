"""CNN encoder: 1D convolutions over words that detect short phrases anywhere.

Kernels of several sizes side by side, as in Kim (2014), in one layer or stacked
so that later layers see longer phrases. Suits short and long texts alike.
"""

from collections.abc import Sequence

import keras
import numpy as np

from tfnlp.errors import UsageError
from tfnlp.layers.activation import activation as make_activation
from tfnlp.layers.convolution import Convolution
from tfnlp.layers.masking import ZeroPadding
from tfnlp.layers.normalization import normalize
from tfnlp.layers.validation import check_size, penalty
from tfnlp.networks.embedding_inputs import (
    EmbeddingInputs,
    dropped,
    embedding_inputs,
    encoder_model,
)

POOLING = "max"


def encoder(
    vocabulary_size: int | EmbeddingInputs,
    *,
    hidden_dim: int = 300,
    embedding_dim: int | None = None,
    kernel_sizes: Sequence[int] = (3, 4, 5),
    num_layers: int = 1,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = True,
    activation: str = "relu",
    dropout: float = 0.2,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = None,
) -> keras.Model:
    """CNN encoder with several kernel sizes: int32 [B, T] to float32 [B, T, D].

    Args:
        vocabulary_size: number of ids; or the vectors to start from, `EmbeddingInputs`.
        hidden_dim: size D of an output vector; shared out among the kernel sizes.
        embedding_dim: size of a token's vector; by default that of `vectors`, else 128.
        kernel_sizes: tokens that a filter sees; each size has its share of the filters.
        num_layers: number of stacked layers.
        vectors: float [V, E] pretrained word vectors.
        trainable_vectors: False freezes the pretrained vectors.
        activation: after each layer; see `tfnlp.layers.activation`.
        dropout: share of numbers dropped before each layer.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.
        normalization: `batch`, `layer` or None, before each activation.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, hidden_dim=10, kernel_sizes=(2, 3, 4)).output_shape
    (None, None, 10)
    """
    _check_kernel_sizes(kernel_sizes, hidden_dim)
    check_size("num_layers", num_layers)
    if embedding_dim is None and vectors is None:
        embedding_dim = 128
    start = embedding_inputs(
        vocabulary_size,
        embedding_dim,
        vectors=vectors,
        trainable_vectors=trainable_vectors,
        word_dropout=word_dropout,
        spatial_dropout=spatial_dropout,
    )
    hidden = start.vectors
    for layer in range(num_layers):
        hidden = ZeroPadding()(dropped(hidden, dropout), start.padding_mask)
        hidden = _windows(
            hidden, kernel_sizes, hidden_dim, penalty(l1, l2), f"layer{layer}"
        )
        hidden = normalize(hidden, start.padding_mask, normalization)
        hidden = make_activation(activation, per_token=True)(hidden)
    return encoder_model(start, hidden, name="cnn")


def _check_kernel_sizes(kernel_sizes: Sequence[int], hidden_dim: int) -> None:
    if not isinstance(kernel_sizes, tuple | list) or not kernel_sizes:
        raise UsageError(
            "A convolution needs a list of at least one kernel size. "
            f"Received: kernel_sizes={kernel_sizes!r}. "
            "Pass kernel_sizes=(3, 4, 5), for example."
        )
    for window in kernel_sizes:
        check_size("kernel_sizes", window)
    check_size("hidden_dim", hidden_dim, least=len(kernel_sizes))


def _windows(
    vectors: keras.KerasTensor,
    kernel_sizes: Sequence[int],
    hidden_dim: int,
    regularizer: keras.regularizers.Regularizer | None,
    name: str,
) -> keras.KerasTensor:
    found = [
        Convolution(
            # Shares that add up to hidden_dim.
            filters=(hidden_dim + place) // len(kernel_sizes),
            kernel_size=window,
            padding="same",
            kernel_regularizer=regularizer,
            name=f"{name}_window{window}_{place}",
        )(vectors)
        for place, window in enumerate(kernel_sizes)
    ]
    return found[0] if len(found) == 1 else keras.layers.Concatenate()(found)
