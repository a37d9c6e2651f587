"""Transformer encoder: self-attention blocks with position embeddings.

Small by default, to be trained from scratch on some thousand rows: one block,
strong dropout, normalisation first (which needs no warm-up). Rows longer than
`sequence_length` are read in overlapping windows: attention costs the square of what
it sees.
"""

import keras
import numpy as np

from tfnlp.layers.attention import TransformerBlock
from tfnlp.layers.normalization import normalize
from tfnlp.layers.positions import LearnedPositions, SinusoidalPositions
from tfnlp.layers.validation import check_choice, check_size
from tfnlp.layers.windows import in_windows
from tfnlp.networks.embedding_inputs import (
    EmbeddingInputs,
    dropped,
    embedding_inputs,
    encoder_model,
)

POOLING = "mean"
POSITIONS = ("learned", "sinusoidal")


def encoder(
    vocabulary_size: int | EmbeddingInputs,
    *,
    hidden_dim: int = 64,
    num_heads: int = 4,
    num_layers: int = 1,
    intermediate_dim: int | None = None,
    positions: str | None = "sinusoidal",
    sequence_length: int = 512,
    normalize_first: bool = True,
    causal: bool = False,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = True,
    activation: str = "gelu",
    dropout: float = 0.2,
    attention_dropout: float = 0.0,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = "layer",
) -> keras.Model:
    """Transformer encoder: int32 [B, T] to float32 [B, T, D].

    Args:
        vocabulary_size: number of ids; or the vectors to start from, `EmbeddingInputs`.
        hidden_dim: size D of an output vector; a multiple of `num_heads`.
        num_heads: attention heads of a block.
        num_layers: number of blocks.
        intermediate_dim: size of the hidden layer of a block's feed-forward half; by
            default twice `hidden_dim`.
        positions: `learned`, `sinusoidal`, or None for a bag of tokens.
        sequence_length: tokens that are read at a time; longer rows in windows of
            this size, see `tfnlp.layers.windows`.
        normalize_first: layer normalisation of what enters each half of a block
            (pre-norm), not of what leaves it.
        causal: causal mask: a token sees only itself and earlier ones.
        vectors: float [V, E] pretrained word vectors; projected to `hidden_dim` if
            their size differs.
        trainable_vectors: False freezes the pretrained vectors.
        activation: of the feed-forward half; see `tfnlp.layers.activation`.
        dropout: dropout rate after the position embeddings and in each half.
        attention_dropout: share of the attention weights dropped.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.
        normalization: of the outputs: `batch`, `layer` or None.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, hidden_dim=8, num_heads=2).output_shape
    (None, None, 8)
    """
    check_size("hidden_dim", hidden_dim)
    check_size("num_layers", num_layers)
    start = embedding_inputs(
        vocabulary_size,
        None if vectors is not None else hidden_dim,
        vectors=vectors,
        trainable_vectors=trainable_vectors,
        word_dropout=word_dropout,
        spatial_dropout=spatial_dropout,
    )
    blocks = [
        TransformerBlock(
            num_heads=num_heads,
            intermediate_dim=2 * hidden_dim
            if intermediate_dim is None
            else intermediate_dim,
            activation=activation,
            dropout=dropout,
            attention_dropout=attention_dropout,
            normalize_first=normalize_first,
            causal=causal,
            l1=l1,
            l2=l2,
            name=f"block{block}",
        )
        for block in range(num_layers)
    ]

    def read(features: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        mixed = _placed(features["vectors"], hidden_dim, positions, sequence_length)
        mixed = dropped(mixed, dropout)
        for block in blocks:
            mixed = block(mixed, features["padding_mask"])
        return mixed

    features = {"vectors": start.vectors, "padding_mask": start.padding_mask}
    mixed = in_windows(read, features, window_size=sequence_length)
    mixed = normalize(mixed, start.padding_mask, normalization)
    return encoder_model(start, mixed, name="transformer")


def _placed(
    vectors: keras.KerasTensor,
    hidden_dim: int,
    positions: str | None,
    sequence_length: int,
) -> keras.KerasTensor:
    if vectors.shape[-1] != hidden_dim:
        vectors = keras.layers.Dense(hidden_dim, use_bias=False, name="projection")(
            vectors
        )
    # Start values are small; without this the positions would drown them.
    vectors = keras.layers.Rescaling(hidden_dim**0.5, name="scale")(vectors)
    if positions is None:
        return vectors
    check_choice("positions", positions, POSITIONS)
    if positions == "learned":
        return LearnedPositions(sequence_length, name="positions")(vectors)
    return SinusoidalPositions(name="positions")(vectors)
