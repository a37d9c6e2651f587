"""Transformer decoder with a key-value cache, with cross-attention or without.

Reads whole rows in training and one token at a time in generation: `prefill` fills
the cache, `step` uses it. Rotary position embedding by default, so rows may be of any
length; in generation the cache holds the last `sequence_length` tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfnlp.decoding.step_api import StepOutputs
from tfnlp.layers.compatibility import renamed
from tfnlp.layers.decoder_block import DecoderBlock, Memory
from tfnlp.layers.dropout import WordDropout
from tfnlp.layers.positions import LearnedPositions
from tfnlp.layers.reversible_embedding import ReversibleEmbedding
from tfnlp.layers.validation import Shape, check_choice, check_size

POSITIONS = ("rotary", "learned")
Cache = Mapping[str, Any]
Shared = Sequence[Any] | None
"""For each block, the keys and values of the memory."""

_OPTIONS = (
    "vocabulary_size hidden_dim num_heads num_layers intermediate_dim sequence_length "
    "positions cross_attention activation dropout word_dropout tie_word_embeddings"
)
_RENAMED = {
    "width": "hidden_dim",
    "heads": "num_heads",
    "depth": "num_layers",
    "hidden": "intermediate_dim",
    "length": "sequence_length",
    "source": "cross_attention",
    "tied": "tie_word_embeddings",
}


@keras.saving.register_keras_serializable(package="tfnlp", name="TransformerDecoder")
class TransformerDecoder(keras.layers.Layer):
    """Transformer decoder: token ids int32 [B, T] → logits float32 [B, T, V].

    Logits at a position are those of the next token.

    Args:
        vocabulary_size: number of ids.
        hidden_dim: size of a token's vector; a multiple of `num_heads`.
        num_heads: attention heads of a block.
        num_layers: number of blocks.
        intermediate_dim: width of the middle of a block's feed-forward half; by
            default four times `hidden_dim`.
        sequence_length: size of the key-value cache, and number of learned positions.
        positions: `rotary` (RoPE, Su et al. 2021) or `learned`, which differ up to
            `sequence_length` only.
        cross_attention: whether it attends to an encoder, as in translation.
        activation: of the feed-forward half.
        dropout: dropout rate on the embeddings and in each block.
        word_dropout: share of tokens that become unknown while training.
        tie_word_embeddings: whether logits come from the vectors of the tokens
            (weight tying).

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> decoder = TransformerDecoder(9, hidden_dim=8, num_heads=2, num_layers=1)
    >>> decoder(tf.constant([[1, 2, 3]])).shape
    TensorShape([1, 3, 9])
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        hidden_dim: int = 128,
        num_heads: int = 4,
        num_layers: int = 4,
        intermediate_dim: int | None = None,
        sequence_length: int = 512,
        positions: str = "rotary",
        cross_attention: bool = False,
        activation: str = "gelu",
        dropout: float = 0.1,
        word_dropout: float = 0.0,
        tie_word_embeddings: bool = True,
        **options: Any,
    ) -> None:
        check_choice("positions", positions, POSITIONS)
        for name, size in (
            ("hidden_dim", hidden_dim),
            ("num_layers", num_layers),
            ("sequence_length", sequence_length),
        ):
            check_size(name, size)
        super().__init__(**options)
        self.vocabulary_size, self.hidden_dim = vocabulary_size, hidden_dim
        self.num_heads, self.num_layers = num_heads, num_layers
        self.sequence_length, self.positions = sequence_length, positions
        self.intermediate_dim = (
            4 * hidden_dim if intermediate_dim is None else intermediate_dim
        )
        self.cross_attention, self.activation = cross_attention, activation
        self.dropout, self.word_dropout = dropout, word_dropout
        self.tie_word_embeddings = tie_word_embeddings

    def build(self, token_ids_shape: Shape, memory_shape: Shape | None = None) -> None:
        """Makes embedding, blocks and the last normalisation."""
        vectors = (None, None, self.hidden_dim)
        policy = {"dtype": self.dtype_policy}
        # Names of attributes that hold layers are paths of weights in files: they stay.
        self.words = WordDropout(self.word_dropout)
        self.table = ReversibleEmbedding(
            self.vocabulary_size,
            self.hidden_dim,
            tie_weights=self.tie_word_embeddings,
            name="table",
            **policy,
        )
        self.table.build(token_ids_shape)
        if self.positions == "learned":
            self.placed = LearnedPositions(
                self.sequence_length, name="positions", **policy
            )
            self.placed.build(vectors)
        self.drop = keras.layers.Dropout(self.dropout, **policy)
        self.blocks = [
            DecoderBlock(
                num_heads=self.num_heads,
                intermediate_dim=self.intermediate_dim,
                cross_attention=self.cross_attention,
                rotary=self.positions == "rotary",
                activation=self.activation,
                dropout=self.dropout,
                name=f"block{block}",
                **policy,
            )
            for block in range(self.num_layers)
        ]
        for block in self.blocks:
            block.build(vectors, memory_shape)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, **policy)
        self.norm.build(vectors)

    def call(
        self,
        token_ids: tf.Tensor,
        memory: tf.Tensor | None = None,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Logits [B, T, V] of ids int32 [B, T] and a memory [B, S, E] with its mask."""
        vectors = self._embedded(self.words(token_ids, training=training))
        vectors = self.drop(vectors, training=training)
        for block in self.blocks:
            vectors = block(vectors, memory, padding_mask, training=training)
        return self.table.logits(self.norm(vectors))

    def prefill(
        self,
        token_ids: tf.Tensor,
        lengths: tf.Tensor,
        *,
        max_length: tf.Tensor | int,
        memory: Memory | None = None,
    ) -> tuple[StepOutputs, Cache, Shared]:
        """Reads prompts, int32 [B, P] with `lengths` [B] of at least 1.

        Args:
            max_length: tokens at most, prompts included; the key-value cache has
                places for that number, up to `sequence_length`.

        Returns:
            `StepOutputs` for the first new token, the cache, and the keys and values
            of the memory: None without one.
        """
        max_length = tf.maximum(
            tf.minimum(max_length, self.sequence_length), tf.shape(token_ids)[1]
        )
        shared = None if memory is None else [b.project(memory) for b in self.blocks]
        vectors, blocks = self._embedded(token_ids), []
        for block, source in self._with_sources(shared):
            vectors, own = block.prefill(vectors, source, max_length=max_length)
            blocks.append(own)
        last = tf.gather(vectors, lengths - 1, batch_dims=1)
        attention = None
        if memory is not None:
            attention = self.alignment(token_ids, memory)
            attention = tf.gather(attention, lengths - 1, batch_dims=1)
        outputs = StepOutputs(self.table.logits(self.norm(last)), attention=attention)
        return outputs, {"places": lengths, "blocks": blocks}, shared

    def step(
        self, ids: tf.Tensor, cache: Cache, shared: Shared = None
    ) -> tuple[StepOutputs, Cache]:
        """Reads one more token of each row, int32 [N]: outputs, and the cache."""
        places, blocks, attention = cache["places"], [], None
        vectors = self.table(ids)
        if self.positions == "learned":
            vectors += self.placed.at(places)
        parts = zip(self._with_sources(shared), cache["blocks"], strict=True)
        for (block, source), own in parts:
            vectors, own, attention = block.step(vectors, places, own, source)
            blocks.append(own)
        outputs = StepOutputs(
            self.table.logits(self.norm(vectors)), attention=attention
        )
        return outputs, {"places": places + 1, "blocks": blocks}

    def alignment(self, token_ids: tf.Tensor, memory: Memory) -> tf.Tensor:
        """Attention weights of the last block for ids [B, T]: float32 [B, T, S]."""
        vectors = self._embedded(token_ids)
        for block in self.blocks[:-1]:
            vectors = block(vectors, memory.vectors, memory.padding_mask)
        last = self.blocks[-1]
        return last.with_attention(vectors, last.project(memory))[1]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {name: getattr(self, name) for name in _OPTIONS.split()}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TransformerDecoder":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, _RENAMED))

    def _with_sources(self, shared: Shared) -> Iterable[tuple[DecoderBlock, Any]]:
        return zip(self.blocks, shared or [None] * self.num_layers, strict=True)

    def _embedded(self, token_ids: tf.Tensor) -> tf.Tensor:
        vectors = self.table(token_ids)
        return self.placed(vectors) if self.positions == "learned" else vectors
