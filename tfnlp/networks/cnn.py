"""Convolution over words: detectors of short phrases, wherever they stand.

Windows of several sizes side by side, as in Kim (2014), in one layer or stacked
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
from tfnlp.networks.embedding_inputs import Front, dropped, encoder_model, front

POOLING = "max"


def encoder(
    vocabulary_size: int | Front,
    *,
    width: int = 300,
    embedding_width: int | None = None,
    windows: Sequence[int] = (3, 4, 5),
    depth: int = 1,
    vectors: np.ndarray | None = None,
    tune_vectors: bool = True,
    activation: str = "relu",
    dropout: float = 0.2,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = None,
) -> keras.Model:
    """Convolutions of several window sizes: int32 [B, T] to float32 [B, T, D].

    Args:
        vocabulary_size: number of ids; or the vectors to start from, a `Front`.
        width: of an output vector; shared out among the windows.
        embedding_width: of a token's vector; by default that of `vectors`, else 128.
        windows: how many tokens a detector sees, one group of detectors each.
        depth: number of stacked layers.
        vectors: float [V, E] pretrained word vectors.
        tune_vectors: False freezes the pretrained vectors.
        activation: behind each layer; see `tfnlp.layers.activation`.
        dropout: share of numbers dropped before each layer.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.
        normalization: `batch`, `layer` or None, before each activation.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, width=10, windows=(2, 3, 4)).output_shape
    (None, None, 10)
    """
    _check_windows(windows, width)
    check_size("depth", depth)
    if embedding_width is None and vectors is None:
        embedding_width = 128
    start = front(
        vocabulary_size,
        embedding_width,
        vectors=vectors,
        tune_vectors=tune_vectors,
        word_dropout=word_dropout,
        spatial_dropout=spatial_dropout,
    )
    hidden = start.vectors
    for layer in range(depth):
        hidden = ZeroPadding()(dropped(hidden, dropout), start.padding_mask)
        hidden = _windows(hidden, windows, width, penalty(l1, l2), f"layer{layer}")
        hidden = normalize(hidden, start.padding_mask, normalization)
        hidden = make_activation(activation, per_token=True)(hidden)
    return encoder_model(start, hidden, name="cnn")


def _check_windows(windows: Sequence[int], width: int) -> None:
    if not isinstance(windows, tuple | list) or not windows:
        raise UsageError(
            "A convolution needs a list of at least one window. "
            f"Received: windows={windows!r}. "
            "Pass windows=(3, 4, 5), for example."
        )
    for window in windows:
        check_size("windows", window)
    check_size("width", width, least=len(windows))


def _windows(
    vectors: keras.KerasTensor,
    windows: Sequence[int],
    width: int,
    regularizer: keras.regularizers.Regularizer | None,
    name: str,
) -> keras.KerasTensor:
    found = [
        Convolution(
            filters=(width + place) // len(windows),  # shares that add up to width
            kernel_size=window,
            padding="same",
            kernel_regularizer=regularizer,
            name=f"{name}_window{window}_{place}",
        )(vectors)
        for place, window in enumerate(windows)
    ]
    return found[0] if len(found) == 1 else keras.layers.Concatenate()(found)
