"""RNN decoder: LSTM or GRU, with Luong or Bahdanau attention or without.

Attention comes before the recurrent step (Bahdanau et al. 2015), which then goes token
by token in training too, or after it (Luong et al. 2015), which reads whole rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfnlp.decoding.step_api import StepOutputs
from tfnlp.layers.compatibility import renamed
from tfnlp.layers.cross_attention import CrossAttention
from tfnlp.layers.decoder_block import Memory
from tfnlp.layers.dropout import WordDropout
from tfnlp.layers.reversible_embedding import ReversibleEmbedding
from tfnlp.layers.validation import Shape, check_choice, check_rate, check_size
from tfnlp.networks.rnn import CELLS

ATTENTION = ("luong", "bahdanau")
States = Sequence[Sequence[tf.Tensor]]
"""Of each layer: hidden [N, U], and with LSTM the cell's [N, U]."""
Source = Mapping[str, tf.Tensor] | None
"""Projected encoder output: keys, values and bias of `CrossAttention`."""

_OPTIONS = (
    "vocabulary_size hidden_dim embedding_dim num_layers cell attention dropout "
    "embedding_dropout word_dropout tie_word_embeddings"
)
_RENAMED = {
    "width": "hidden_dim",
    "embedding_width": "embedding_dim",
    "depth": "num_layers",
    "tied": "tie_word_embeddings",
}


@keras.saving.register_keras_serializable(package="tfnlp", name="RecurrentDecoder")
class RecurrentDecoder(keras.layers.Layer):
    """RNN decoder: token ids int32 [B, T] → logits float32 [B, T, V].

    Logits at a position are those of the next token.

    Args:
        vocabulary_size: number of ids.
        hidden_dim: size of the state.
        embedding_dim: size of a token's vector; by default `hidden_dim`.
        num_layers: number of stacked layers.
        cell: `lstm` or `gru`.
        attention: `luong` or `bahdanau` cross-attention; None without an encoder.
        dropout: variational dropout between layers and before logits: the same mask
            at every token of a row (Gal & Ghahramani 2016).
        embedding_dropout: likewise for the token embeddings; by default `dropout`.
        word_dropout: share of tokens that become unknown while training.
        tie_word_embeddings: whether logits come from the vectors of the tokens
            (weight tying).

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> decoder = RecurrentDecoder(9, hidden_dim=8)
    >>> decoder(tf.constant([[1, 2, 3]])).shape
    TensorShape([1, 3, 9])
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        hidden_dim: int = 256,
        embedding_dim: int | None = None,
        num_layers: int = 1,
        cell: str = "lstm",
        attention: str | None = None,
        dropout: float = 0.2,
        embedding_dropout: float | None = None,
        word_dropout: float = 0.0,
        tie_word_embeddings: bool = True,
        **options: Any,
    ) -> None:
        check_choice("cell", cell, CELLS)
        if attention is not None:
            check_choice("attention", attention, ATTENTION)
        check_size("hidden_dim", hidden_dim)
        check_size("num_layers", num_layers)
        check_rate("dropout", dropout)
        super().__init__(**options)
        self.vocabulary_size, self.hidden_dim = vocabulary_size, hidden_dim
        self.num_layers, self.embedding_dim = num_layers, embedding_dim or hidden_dim
        self.cell, self.attention = cell, attention
        self.tie_word_embeddings = tie_word_embeddings
        self.dropout, self.word_dropout = dropout, word_dropout
        self.embedding_dropout = (
            dropout if embedding_dropout is None else embedding_dropout
        )

    def build(self, token_ids_shape: Shape, memory_shape: Shape | None = None) -> None:
        """Makes embedding, recurrent layers and cross-attention."""
        policy = {"dtype": self.dtype_policy}
        # Names of attributes that hold layers are paths of weights in files: they stay.
        self.words = WordDropout(self.word_dropout)
        self.table = ReversibleEmbedding(
            self.vocabulary_size,
            self.embedding_dim,
            tie_weights=self.tie_word_embeddings,
            name="table",
            **policy,
        )
        self.table.build(token_ids_shape)
        self.embedded = _same_dropout(self.embedding_dropout, **policy)
        self.between = [
            _same_dropout(self.dropout, **policy) for _ in range(self.num_layers)
        ]
        self.layers = [
            CELLS[self.cell](
                self.hidden_dim,
                return_sequences=True,
                return_state=True,
                name=f"layer{layer}",
                **policy,
            )
            for layer in range(self.num_layers)
        ]
        inputs = self.embedding_dim
        if memory_shape is not None:
            self.look = CrossAttention(
                self.hidden_dim, additive=self.attention == "bahdanau", **policy
            )
            self.look.build((None, self.hidden_dim), memory_shape)
            self.bridges = [
                _dense(
                    self.hidden_dim, memory_shape[-1], f"bridge{layer}", "tanh", policy
                )
                for layer in range(self.num_layers)
            ]
            inputs += self.hidden_dim if self.attention == "bahdanau" else 0
        for layer in self.layers:
            layer.build((None, None, inputs))
            inputs = self.hidden_dim
        found = inputs + (0 if memory_shape is None else self.hidden_dim)
        bend = None if memory_shape is None else "tanh"
        self.narrow = None
        if found != self.embedding_dim:
            self.narrow = _dense(self.embedding_dim, found, "narrow", bend, policy)

    def call(
        self,
        token_ids: tf.Tensor,
        memory: tf.Tensor | None = None,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Logits [B, T, V] of ids int32 [B, T] and a memory [B, S, E] with its mask."""
        source = None if memory is None else Memory(memory, padding_mask)
        vectors, _ = self.read(token_ids, memory=source, training=training)
        return self.table.logits(vectors)

    def read(
        self,
        token_ids: tf.Tensor,
        *,
        lengths: tf.Tensor | None = None,
        states: States | None = None,
        memory: Memory | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, States]:
        """Reads rows from initial states, by default those of `first_states`.

        Args:
            token_ids: int32 [B, T].
            lengths: int32 [B]; needed where the states of shorter rows matter.

        Returns:
            vectors before the logits, float [B, T, E], and the final states.
        """
        vectors = self.table(self.words(token_ids, training=training))
        vectors = self.embedded(vectors, training=training)
        if states is None:
            states = self.first_states(tf.shape(token_ids)[0], memory)
        mask = None
        if lengths is not None:
            mask = tf.sequence_mask(lengths, tf.shape(token_ids)[1])
        if self.attention == "bahdanau" and memory is not None:
            return self._read_by_token(vectors, mask, states, memory, training)
        after = []
        for layer, drop, own in zip(self.layers, self.between, states, strict=True):
            vectors, *own = layer(vectors, initial_state=list(own), mask=mask)
            vectors = drop(vectors, training=training)
            after.append(own)
        if memory is not None:
            context, _ = self.look(vectors, self.look.project(memory))
            vectors = tf.concat([vectors, context], axis=-1)
        return self._narrowed(vectors), after

    def prefill(
        self,
        token_ids: tf.Tensor,
        lengths: tf.Tensor,
        *,
        max_length: tf.Tensor | int,
        memory: Memory | None = None,
    ) -> tuple[StepOutputs, States, Source]:
        """Reads prompts, int32 [B, P] with `lengths` [B] of at least 1.

        Args:
            max_length: not used; the size of a state does not depend on it.

        Returns:
            `StepOutputs` for the first new token, the states, and the projected
            memory: None without one.
        """
        vectors, states = self.read(token_ids, lengths=lengths, memory=memory)
        last = tf.gather(vectors, lengths - 1, batch_dims=1)
        shared = attention = None
        if memory is not None:
            shared = self.look.project(memory)
            attention = self.alignment(token_ids, memory)
            attention = tf.gather(attention, lengths - 1, batch_dims=1)
        return StepOutputs(self.table.logits(last), attention=attention), states, shared

    def step(
        self, ids: tf.Tensor, cache: States, shared: Source = None
    ) -> tuple[StepOutputs, States]:
        """Reads one more token of each row, int32 [N]: outputs, and the states."""
        vectors, states, attention = self._advanced(self.table(ids), cache, shared)
        logits = self.table.logits(self._narrowed(vectors))
        return StepOutputs(logits, attention=attention), states

    def alignment(self, token_ids: tf.Tensor, memory: Memory) -> tf.Tensor:
        """Attention weights for each of ids [B, T]: float32 [B, T, S]."""
        source = self.look.project(memory)
        states = self.first_states(tf.shape(token_ids)[0], memory)
        vectors = tf.transpose(self.table(token_ids), [1, 0, 2])
        rows, length = tf.shape(memory.vectors)[0], tf.shape(memory.vectors)[1]
        no_weights = tf.zeros([rows, length])

        def advance(before: Any, now: tf.Tensor) -> Any:
            _, after, weights = self._advanced(now, before[0], source)
            return after, weights

        _, weights = tf.scan(advance, vectors, (states, no_weights))
        return tf.transpose(weights, [1, 0, 2])

    def first_states(self, rows: tf.Tensor, memory: Memory | None = None) -> States:
        """Initial states: zero, or a projection of the mean of a memory."""
        zeros = tf.zeros([rows, self.hidden_dim], self.compute_dtype)
        count = 2 if self.cell == "lstm" else 1
        if memory is None:
            return [[zeros] * count for _ in range(self.num_layers)]
        real = tf.cast(memory.padding_mask, memory.vectors.dtype)[..., None]
        total = tf.maximum(tf.reduce_sum(real, axis=1), 1.0)
        mean = tf.reduce_sum(memory.vectors * real, axis=1) / total  # [B, E]
        return [[bridge(mean), *[zeros] * (count - 1)] for bridge in self.bridges]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {name: getattr(self, name) for name in _OPTIONS.split()}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RecurrentDecoder":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, _RENAMED))

    def _advanced(
        self,
        vectors: tf.Tensor,
        states: States,
        source: Any,
        kept: Sequence[tf.Tensor] = (),
    ) -> tuple[tf.Tensor, States, tf.Tensor | None]:
        """One step [N, E]: vectors before the logits, states, attention weights.

        Args:
            kept: while training, dropout masks after every layer but the last:
                float [N, U].
        """
        before = self.attention == "bahdanau" and source is not None
        context = weights = None
        if before:
            context, weights = self._attend(states[-1][0], source)
            vectors = tf.concat([vectors, context], axis=-1)
        after = []
        for number, (layer, own) in enumerate(zip(self.layers, states, strict=True)):
            vectors, own = layer.cell(vectors, list(own))
            vectors = vectors * kept[number] if number < len(kept) else vectors
            after.append(list(own))
        if source is not None and not before:
            context, weights = self._attend(vectors, source)
        if context is not None:
            vectors = tf.concat([vectors, context], axis=-1)
        return vectors, after, weights

    def _attend(self, query: tf.Tensor, source: Any) -> tuple[tf.Tensor, tf.Tensor]:
        context, weights = self.look(query[:, None], source)
        return context[:, 0], weights[:, 0]

    def _read_by_token(
        self,
        vectors: tf.Tensor,
        mask: tf.Tensor | None,
        states: States,
        memory: Memory,
        training: bool,
    ) -> tuple[tf.Tensor, States]:
        """Reads token by token: Bahdanau attention comes before each step."""
        source = self.look.project(memory)
        nothing = tf.zeros([tf.shape(vectors)[0], 2 * self.hidden_dim], vectors.dtype)
        steps = tf.transpose(vectors, [1, 0, 2])
        real = tf.ones(tf.shape(steps)[:2], tf.bool) if mask is None else mask
        real = real if mask is None else tf.transpose(real)
        every = tf.ones([tf.shape(vectors)[0], 1, self.hidden_dim], vectors.dtype)
        kept = [drop(every, training=training)[:, 0] for drop in self.between[:-1]]

        def advance(before: Any, now: Any) -> Any:
            found, after, _ = self._advanced(now[0], before[0], source, kept)
            states = tf.nest.map_structure(
                lambda new, old: tf.where(now[1][:, None], new, old), after, before[0]
            )
            return states, found

        states, found = tf.scan(advance, (steps, real), (states, nothing))
        drop = self.between[-1]
        found = drop(tf.transpose(found, [1, 0, 2]), training=training)
        last = tf.nest.map_structure(lambda every: every[-1], states)
        return self._narrowed(found), last

    def _narrowed(self, vectors: tf.Tensor) -> tf.Tensor:
        return vectors if self.narrow is None else self.narrow(vectors)


def _same_dropout(rate: float, **policy: Any) -> keras.layers.Layer:
    """Variational dropout: the same mask for every token of a row."""
    check_rate("dropout", rate)
    return keras.layers.Dropout(rate, noise_shape=(None, 1, None), **policy)


def _dense(
    units: int, inputs: int, name: str, bend: str | None, policy: Mapping[str, Any]
) -> keras.layers.Layer:
    layer = keras.layers.Dense(units, activation=bend, name=name, **policy)
    layer.build((None, inputs))
    return layer
