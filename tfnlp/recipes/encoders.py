"""Encoders with their options as flags: ``--encoder rnn --encoder.cell gru``."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import tfnlp
from tfnlp.errors import UsageError, nearest

if TYPE_CHECKING:
    import keras

AUTO = "auto"
"""The encoder's own, where None is a value too."""


@dataclass(frozen=True)
class _Options:
    """Options of which those that are not given are the network's own."""

    def given(self) -> dict[str, Any]:
        """The options that are not the network's own."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


@dataclass(frozen=True, kw_only=True)
class EncoderOptions(_Options):
    """Options of the encoder; the ones that are not given are the encoder's own.

    Example:
    >>> EncoderOptions(cell="gru").given()
    {'cell': 'gru'}
    """

    hidden_dim: int | None = None  # of the encoder's output vectors
    embedding_dim: int | None = None  # of a token's vector (cnn, rnn)
    num_layers: int | None = None  # (cnn, rnn, transformer)
    cell: Literal["lstm", "gru"] | None = None  # (rnn)
    bidirectional: bool | None = None  # read rows in both directions (rnn)
    kernel_sizes: tuple[int, ...] | None = None  # tokens a filter sees (cnn)
    num_heads: int | None = None  # (transformer)
    intermediate_dim: int | None = None  # of the feedforward layers (transformer)
    attention_dropout: float | None = None  # (transformer)
    positions: str | None = AUTO  # sinusoidal, learned … (transformer)
    sequence_length: int | None = None  # of learned positions (transformer)
    normalize_first: bool | None = None  # normalise before each sublayer (transformer)
    token_weights: bool | None = None  # a learnt weight per token (bow)
    activation: str | None = None  # of hidden layers: relu, gelu, tanh …
    normalization: str | None = AUTO  # layer, batch …
    l1: float | None = None  # weight penalty
    l2: float | None = None  # weight penalty


@dataclass(frozen=True, kw_only=True)
class DecoderOptions(_Options):
    """Options of the decoder; the ones that are not given are the decoder's own.

    Example:
    >>> DecoderOptions(num_heads=8).given()
    {'num_heads': 8}
    """

    hidden_dim: int | None = None  # of the decoder's vectors
    num_layers: int | None = None  # layers of the decoder
    embedding_dim: int | None = None  # of a token's vector (recurrent)
    embedding_dropout: float | None = None  # (recurrent)
    cell: Literal["lstm", "gru"] | None = None  # (recurrent)
    num_heads: int | None = None  # (transformer)
    intermediate_dim: int | None = None  # of the feedforward layers (transformer)
    positions: str | None = None  # rotary, learned … (transformer)
    activation: str | None = None  # (transformer)
    word_dropout: float | None = None  # share of unknown tokens while training
    tie_word_embeddings: bool | None = None  # logits by the embedding matrix


def checked(function: Callable, options: _Options, *, flag: str) -> dict[str, Any]:
    """Options as keyword arguments of the function that builds the network.

    Args:
        flag: what the flags of the options begin with.

    Raises:
        UsageError: the function has no such option.

    Example:
    >>> def cnn(size, *, kernel_sizes=(3,)): ...
    >>> checked(cnn, EncoderOptions(kernel_sizes=(2, 3)), flag="encoder")
    {'kernel_sizes': (2, 3)}
    """
    kinds = inspect.signature(function).parameters.values()
    known = [each.name for each in kinds if each.kind is each.KEYWORD_ONLY]
    for name in options.given():
        if name not in known:
            own = [f"--{flag}.{each}" for each in known if hasattr(options, each)]
            raise UsageError(
                f"The chosen {flag} has no option {name}. Received: --{flag}.{name} "
                f"{options.given()[name]}.{nearest(f'--{flag}.{name}', own)} "
                f"It has: {', '.join(own)}."
            )
    return options.given()


def encode(
    name: str, inputs: Any, options: EncoderOptions, **others: Any
) -> "keras.Model":
    """The encoder of a name.

    Args:
        name: bow, cnn, rnn or transformer.
        inputs: the size of the vocabulary, or the inputs that it is built on.
        options: they count more than `others`.
        others: further arguments of the encoder, such as dropout rates.

    Raises:
        UsageError: the encoder has no such option.
    """
    function = getattr(tfnlp, name).encoder
    return function(inputs, **{**others, **checked(function, options, flag="encoder")})


def by_encoder(**sizes: int) -> Mapping[str, Mapping[str, Any]]:
    """Defaults by encoder: the dimension of its output vectors.

    Example:
    >>> by_encoder(rnn=400)
    {'rnn': {'encoder.hidden_dim': 400}}
    """
    return {name: {"encoder.hidden_dim": size} for name, size in sizes.items()}
