"""Word embeddings with features: characters, casing, gazetteers, bigrams.

The result is `EmbeddingInputs`, which `rnn`, `cnn` and `transformer` take in the
place of the number of ids:

    start = word_features.embedding_inputs(words.sizes, embedding_dim=100)
    encoder = rnn.encoder(start, hidden_dim=400)

Characters are read by a convolution with max pooling, as in dos Santos and Zadrozny
(2014), or by a bidirectional LSTM, as in Lample et al. (2016). Knows no text.
"""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from tfnlp.errors import UsageError
from tfnlp.layers.character_rnn import CharacterRNN
from tfnlp.layers.dropout import WordDropout
from tfnlp.layers.embedding import embed
from tfnlp.layers.validation import check_choice, check_size
from tfnlp.networks.embedding_inputs import EmbeddingInputs, dropped

FEATURES = ("token_ids", "character_ids", "casing_ids", "gazetteer_ids", "pair_ids")
"""Features of a word; the first is required."""
_SEVERAL = {"character_ids": None, "gazetteer_ids": None, "pair_ids": 2}
"""Features with several ids for each word → their number, if that is fixed."""


def embedding_inputs(
    sizes: Mapping[str, int],
    *,
    embedding_dim: int | None = None,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = False,
    seen_size: int | None = None,
    character_encoder: str = "cnn",
    character_dim: int = 30,
    character_filters: int = 50,
    character_kernel_size: int = 3,
    casing_dim: int = 8,
    gazetteer_dim: int = 16,
    pair_dim: int = 50,
    dropout: float = 0.0,
    word_dropout: float = 0.0,
) -> EmbeddingInputs:
    """Keras inputs of a tagger, and the vectors of its words.

    Args:
        sizes: how many ids each feature has: `token_ids`, and those of the others in
            `FEATURES` that are there; see `WordFeatures.sizes`.
        embedding_dim: size of the vector that is learnt of a word; 100 by default,
            0 for none beside pretrained ones. Trainable ones have their own size.
        vectors: float [V, E] pretrained word vectors. They are frozen, and learnt
            ones are concatenated: fine-tuned vectors would drift away from those of
            words that training has not seen.
        trainable_vectors: whether training changes the pretrained vectors; no other
            word vector is learnt then.
        seen_size: ids below it have a vector learnt beside `vectors`, the others that
            of an unknown word; see `WordFeatures.seen_size`. None for all.
        character_encoder: `cnn` or `rnn`.
        character_dim: size of a character's vector.
        character_filters: size of the vector of a word's characters; even for `rnn`.
        character_kernel_size: characters that a filter sees; of `cnn` only.
        casing_dim: size of the vector of a casing.
        gazetteer_dim: size of the vector of a phrase type; those of several types
            add up.
        pair_dim: size of the vector of a bigram.
        dropout: dropout rate on the vectors of characters.
        word_dropout: share of words that become unknown while training, whose
            characters, casing and frozen vectors stay.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> from tfnlp.networks import rnn
    >>> sizes = {"token_ids": 9, "character_ids": 5, "casing_ids": 10}
    >>> start = embedding_inputs(sizes, embedding_dim=6)
    >>> start.vectors.shape, sorted(rnn.encoder(start, hidden_dim=4).input)
    ((None, None, 64), ['casing_ids', 'character_ids', 'padding_mask', 'token_ids'])
    """
    _check_names(sizes)
    check_choice("character_encoder", character_encoder, ("cnn", "rnn"))
    inputs = {name: feature(name) for name in (*sizes, "padding_mask")}
    words, found = inputs["token_ids"], []
    if vectors is not None and not trainable_vectors:
        frozen = embed(
            sizes["token_ids"], vectors=vectors, trainable=False, name="pretrained"
        )
        found.append(frozen(words))  # [B, T, E]
        vectors = None
        if seen_size is not None:
            words = ops.where(words < seen_size, words, 1)
            sizes = {**sizes, "token_ids": min(seen_size, sizes["token_ids"])}
    if embedding_dim != 0 or not found:
        kept = WordDropout(word_dropout)(words) if word_dropout else words
        found.append(
            _learnt(kept, sizes["token_ids"], embedding_dim, vectors)
        )  # [B, T, E]
    if (ids := inputs.get("character_ids")) is not None:
        letters = _embedded(ids, sizes, character_dim, "character_ids")
        letters = dropped(letters, dropout)  # [B, T, L, E]
        found.append(
            CharacterRNN(character_filters, name="letters")(letters, ids)
            if character_encoder == "rnn"
            else _character_cnn(letters, ids, character_filters, character_kernel_size)
        )
    if (ids := inputs.get("casing_ids")) is not None:
        found.append(_embedded(ids, sizes, casing_dim, "casing_ids"))
    if (ids := inputs.get("gazetteer_ids")) is not None:
        places = _embedded(ids, sizes, gazetteer_dim, "gazetteer_ids")
        real = ops.cast(ops.expand_dims(ids > 0, -1), places.dtype)  # [B, T, G, 1]
        found.append(ops.sum(places * real, axis=2))
    if (ids := inputs.get("pair_ids")) is not None:
        pairs = _embedded(ids, sizes, pair_dim, "pair_ids")  # [B, T, 2, E]
        found.append(ops.concatenate([pairs[:, :, 0], pairs[:, :, 1]], axis=-1))
    joined = found[0] if len(found) == 1 else keras.layers.Concatenate()(found)
    return EmbeddingInputs(
        inputs.pop("token_ids"), inputs.pop("padding_mask"), joined, inputs
    )


def feature(name: str) -> keras.KerasTensor:
    """A new Keras input: one id for each word, or several."""
    shape = [None, _SEVERAL[name]] if name in _SEVERAL else [None]
    return keras.Input(shape, dtype="int32", name=name)


def _learnt(
    ids: keras.KerasTensor,
    size: int,
    embedding_dim: int | None,
    vectors: np.ndarray | None,
) -> keras.KerasTensor:
    """Trainable word vectors, initialised from `vectors` if there are some."""
    embedding_dim = (
        (100 if embedding_dim is None else embedding_dim) if vectors is None else None
    )
    layer = embed(
        size,
        embedding_dim,
        vectors=vectors,
        initializer_range=_initializer_range(embedding_dim),
    )
    return layer(ids)


def _embedded(
    ids: keras.KerasTensor, sizes: Mapping[str, int], embedding_dim: int, name: str
) -> keras.KerasTensor:
    layer = embed(
        sizes[name],
        embedding_dim,
        initializer_range=_initializer_range(embedding_dim),
        name=name.removesuffix("_ids"),
    )
    return layer(ids)


def _character_cnn(
    letters: keras.KerasTensor, ids: keras.KerasTensor, filters: int, window: int
) -> keras.KerasTensor:
    """CNN over characters with max pooling: [B, T, F].

    Activations are never negative, so padding, which is 0, is never the maximum.
    """
    check_size("character_filters", filters)
    check_size("character_kernel_size", window)
    real = ops.cast(ops.expand_dims(ids > 0, -1), letters.dtype)  # [B, T, L, 1]
    answers = keras.layers.Conv2D(
        filters, (1, window), padding="same", activation="relu", name="letters"
    )(letters * real)
    return ops.max(answers * ops.cast(real, answers.dtype), axis=2)


def _initializer_range(embedding_dim: int | None) -> float:
    """A uniform initializer's range, of variance 1 / dim (Lample et al. 2016)."""
    return (3.0 / embedding_dim) ** 0.5 if embedding_dim else 0.05


def _check_names(sizes: Mapping[str, int]) -> None:
    if "token_ids" not in sizes or not set(sizes) <= set(FEATURES):
        raise UsageError(
            f"Features of a word are {', '.join(FEATURES)}, the first in any case. "
            f"Received: {', '.join(sizes) or 'none'}. Pass words.sizes, for example."
        )
