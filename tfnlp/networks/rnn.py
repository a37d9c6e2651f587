"""RNN encoder: LSTM or GRU, bidirectional or not.

No layer carries a mask: the backward direction reads rows whose real tokens are
reversed, so the padding always comes last and no output depends on it. That keeps
cuDNN usable for any row, and the loop short on a CPU.
"""

from typing import Any

import keras
import numpy as np

from tfnlp.errors import UsageError
from tfnlp.layers.activation import FUNCTIONS
from tfnlp.layers.masking import ReverseTokens
from tfnlp.layers.normalization import normalize
from tfnlp.layers.recurrent import GRU, LSTM
from tfnlp.layers.validation import check_choice, check_size, penalty
from tfnlp.networks.embedding_inputs import (
    EmbeddingInputs,
    dropped,
    embedding_inputs,
    encoder_model,
)

POOLING = "max"
CELLS: dict[str, type[keras.layers.RNN]] = {"gru": GRU, "lstm": LSTM}


def encoder(
    vocabulary_size: int | EmbeddingInputs,
    *,
    hidden_dim: int = 128,
    embedding_dim: int | None = None,
    cell: str = "lstm",
    bidirectional: bool = True,
    num_layers: int = 1,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = True,
    activation: str = "tanh",
    dropout: float = 0.2,
    variational: bool = False,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = None,
) -> keras.Model:
    """RNN encoder: int32 [B, T] to float32 [B, T, D].

    Args:
        vocabulary_size: number of ids; or the vectors to start from, `EmbeddingInputs`.
        hidden_dim: size D of an output vector; each direction of two makes half of it.
        embedding_dim: size of a token's vector; by default that of `vectors`, else 128.
        cell: `lstm` or `gru`.
        bidirectional: read from both ends.
        num_layers: number of stacked layers.
        vectors: float [V, E] pretrained word vectors.
        trainable_vectors: False freezes the pretrained vectors.
        activation: of the cell; other than `tanh` it rules out cuDNN.
        dropout: share of numbers dropped before each layer.
        variational: variational dropout: the same mask for all tokens of a row (Gal &
            Ghahramani 2016).
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.
        normalization: `batch`, `layer` or None, after each layer.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, hidden_dim=8, cell="gru").output_shape
    (None, None, 8)
    """
    check_choice("cell", cell, CELLS)
    check_choice("activation", activation, FUNCTIONS)
    check_size("num_layers", num_layers)
    check_size("hidden_dim", hidden_dim)
    if bidirectional and hidden_dim % 2:
        raise UsageError(
            "Each direction of a bidirectional network makes half of its vectors. "
            f"Received: hidden_dim={hidden_dim}. Pass hidden_dim={hidden_dim + 1}."
        )
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
    units = hidden_dim // 2 if bidirectional else hidden_dim
    options = {
        "units": units,
        "activation": activation,
        "kernel_regularizer": penalty(l1, l2),
        "recurrent_regularizer": penalty(l1, l2),
        "return_sequences": True,
    }
    read = _read_both_ways if bidirectional else _read
    hidden = start.vectors
    for layer in range(num_layers):
        hidden = dropped(hidden, dropout, variational=variational)
        hidden = read(hidden, start.padding_mask, CELLS[cell], options, layer)
        hidden = normalize(hidden, start.padding_mask, normalization)
    return encoder_model(start, hidden, name="rnn")


def _read(
    vectors: keras.KerasTensor,
    padding_mask: keras.KerasTensor,
    cell: type[keras.layers.RNN],
    options: dict[str, Any],
    layer: int,
) -> keras.KerasTensor:
    return cell(**options, name=f"forward{layer}")(vectors)


def _read_both_ways(
    vectors: keras.KerasTensor,
    padding_mask: keras.KerasTensor,
    cell: type[keras.layers.RNN],
    options: dict[str, Any],
    layer: int,
) -> keras.KerasTensor:
    forward = _read(vectors, padding_mask, cell, options, layer)
    turned = ReverseTokens()(vectors, padding_mask)
    backward = cell(**options, name=f"backward{layer}")(turned)
    backward = ReverseTokens()(backward, padding_mask)
    return keras.layers.Concatenate()([forward, backward])  # [B, T, 2 · units]
