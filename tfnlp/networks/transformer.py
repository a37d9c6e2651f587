"""Transformer: every token looks at every other, with positions to tell them apart.

Small by default, to be trained from scratch on some thousand rows: one block,
strong dropout, normalisation first (which needs no warm-up). Rows longer than
`length` are read in overlapping windows: attention costs the square of what it sees.
"""

import keras
import numpy as np

from tfnlp.layers.attention import TransformerBlock
from tfnlp.layers.normalization import normalize
from tfnlp.layers.positions import LearnedPositions, SinusoidalPositions
from tfnlp.layers.validation import check_choice, check_size
from tfnlp.layers.windows import in_windows
from tfnlp.networks.embedding_inputs import Front, dropped, encoder_model, front

POOLING = "mean"
POSITIONS = ("learned", "sinusoidal")


def encoder(
    vocabulary_size: int | Front,
    *,
    width: int = 64,
    heads: int = 4,
    depth: int = 1,
    hidden: int | None = None,
    positions: str | None = "sinusoidal",
    length: int = 512,
    pre_norm: bool = True,
    causal: bool = False,
    vectors: np.ndarray | None = None,
    tune_vectors: bool = True,
    activation: str = "gelu",
    dropout: float = 0.2,
    attention_dropout: float = 0.0,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = "layer",
) -> keras.Model:
    """Blocks of self-attention: int32 [B, T] to float32 [B, T, D].

    Args:
        vocabulary_size: number of ids; or the vectors to start from, a `Front`.
        width: of an output vector; a multiple of the heads.
        heads: attention heads of a block.
        depth: number of blocks.
        hidden: width of the middle of a block's feed-forward half; by default
            twice the width.
        positions: `learned`, `sinusoidal`, or None for a bag of tokens.
        length: tokens that are read at a time; longer rows in windows of so many,
            see `tfnlp.layers.windows`.
        pre_norm: normalise what enters each half of a block, not what leaves it.
        causal: a token sees only itself and what came before.
        vectors: float [V, E] pretrained word vectors; projected to the width if
            they have another.
        tune_vectors: False freezes the pretrained vectors.
        activation: of the feed-forward half; see `tfnlp.layers.activation`.
        dropout: share of numbers dropped behind the positions and in each half.
        attention_dropout: share of the attention weights dropped.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.
        normalization: of the outputs: `batch`, `layer` or None.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, width=8, heads=2).output_shape
    (None, None, 8)
    """
    check_size("width", width)
    check_size("depth", depth)
    start = front(
        vocabulary_size,
        None if vectors is not None else width,
        vectors=vectors,
        tune_vectors=tune_vectors,
        word_dropout=word_dropout,
        spatial_dropout=spatial_dropout,
    )
    blocks = [
        TransformerBlock(
            heads=heads,
            hidden=2 * width if hidden is None else hidden,
            activation=activation,
            dropout=dropout,
            attention_dropout=attention_dropout,
            pre_norm=pre_norm,
            causal=causal,
            l1=l1,
            l2=l2,
            name=f"block{block}",
        )
        for block in range(depth)
    ]

    def read(features: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        mixed = _placed(features["vectors"], width, positions, length)
        mixed = dropped(mixed, dropout)
        for block in blocks:
            mixed = block(mixed, features["padding_mask"])
        return mixed

    features = {"vectors": start.vectors, "padding_mask": start.padding_mask}
    mixed = in_windows(read, features, length=length)
    mixed = normalize(mixed, start.padding_mask, normalization)
    return encoder_model(start, mixed, name="transformer")


def _placed(
    vectors: keras.KerasTensor, width: int, positions: str | None, length: int
) -> keras.KerasTensor:
    if vectors.shape[-1] != width:
        vectors = keras.layers.Dense(width, use_bias=False, name="projection")(vectors)
    # Start values are small; without this the positions would drown them.
    vectors = keras.layers.Rescaling(width**0.5, name="scale")(vectors)
    if positions is None:
        return vectors
    check_choice("positions", positions, POSITIONS)
    if positions == "learned":
        return LearnedPositions(length, name="positions")(vectors)
    return SinusoidalPositions(name="positions")(vectors)
