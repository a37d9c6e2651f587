"""Vectors of words from several features: id, characters, casing, lists of phrases.

What it makes is a `Front`, which `rnn`, `cnn` and `transformer` take in the place
of the number of ids:

    encoder = rnn.encoder(word_features.front(words.sizes, width=100), width=400)

Characters are read by a convolution whose strongest answers are kept, as in dos
Santos and Zadrozny (2014), or by two LSTMs, as in Lample et al. (2016). Knows no
text.
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
from tfnlp.networks.embedding_inputs import Front, dropped

FEATURES = ("token_ids", "character_ids", "casing_ids", "gazetteer_ids", "pair_ids")
"""What a word can be known by; the first in any case."""
_SEVERAL = {"character_ids": None, "gazetteer_ids": None, "pair_ids": 2}
"""Features that a word has several ids of → how many, if that is fixed."""


def front(
    sizes: Mapping[str, int],
    *,
    width: int | None = None,
    vectors: np.ndarray | None = None,
    tune_vectors: bool = False,
    seen: int | None = None,
    characters_by: str = "cnn",
    character_width: int = 30,
    character_filters: int = 50,
    character_window: int = 3,
    casing_width: int = 8,
    gazetteer_width: int = 16,
    pair_width: int = 50,
    dropout: float = 0.0,
    word_dropout: float = 0.0,
) -> Front:
    """The inputs of a tagger and the vectors of its words.

    Args:
        sizes: how many ids each feature has: `token_ids`, and those of the others in
            `FEATURES` that are there; see `WordFeatures.sizes`.
        width: of the vector that is learnt of a word; 100 by default, 0 for none
            beside pretrained ones. Tuned vectors have their own.
        vectors: float [V, E] pretrained word vectors. They stay as they are, and the
            learnt ones stand beside them: tuned, they would leave those behind of
            words that training has not seen.
        tune_vectors: whether training changes the pretrained vectors; nothing else
            is learnt of a word then.
        seen: ids below it have a vector learnt beside `vectors`, the others that of
            an unknown word; see `WordFeatures.seen_size`. None for all.
        characters_by: what reads the characters of a word, `cnn` or `rnn`.
        character_width: of a character's vector.
        character_filters: width of what is made of a word's characters; even, if
            that is done by `rnn`.
        character_window: how many characters a filter sees; of `cnn` only.
        casing_width: of the vector of a casing.
        gazetteer_width: of the vector of being in a phrase of some type; those of
            several types add up.
        pair_width: of the vector of a pair of neighbours.
        dropout: share of numbers dropped from the vectors of characters.
        word_dropout: share of words that become unknown while training, whose
            characters, casing and frozen vectors stay.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> from tfnlp.networks import rnn
    >>> start = front({"token_ids": 9, "character_ids": 5, "casing_ids": 10}, width=6)
    >>> start.vectors.shape, sorted(rnn.encoder(start, width=4).input)
    ((None, None, 64), ['casing_ids', 'character_ids', 'padding_mask', 'token_ids'])
    """
    _check_names(sizes)
    check_choice("characters_by", characters_by, ("cnn", "rnn"))
    inputs = {name: feature(name) for name in (*sizes, "padding_mask")}
    words, found = inputs["token_ids"], []
    if vectors is not None and not tune_vectors:
        frozen = embed(
            sizes["token_ids"], vectors=vectors, trainable=False, name="pretrained"
        )
        found.append(frozen(words))  # [B, T, E]
        vectors = None
        if seen is not None:
            words = ops.where(words < seen, words, 1)
            sizes = {**sizes, "token_ids": min(seen, sizes["token_ids"])}
    if width != 0 or not found:
        kept = WordDropout(word_dropout)(words) if word_dropout else words
        found.append(_learnt(kept, sizes["token_ids"], width, vectors))  # [B, T, E]
    if (ids := inputs.get("character_ids")) is not None:
        letters = _embedded(ids, sizes, character_width, "character_ids")
        letters = dropped(letters, dropout)  # [B, T, L, E]
        found.append(
            CharacterRNN(character_filters, name="letters")(letters, ids)
            if characters_by == "rnn"
            else _strongest(letters, ids, character_filters, character_window)
        )
    if (ids := inputs.get("casing_ids")) is not None:
        found.append(_embedded(ids, sizes, casing_width, "casing_ids"))
    if (ids := inputs.get("gazetteer_ids")) is not None:
        places = _embedded(ids, sizes, gazetteer_width, "gazetteer_ids")
        real = ops.cast(ops.expand_dims(ids > 0, -1), places.dtype)  # [B, T, G, 1]
        found.append(ops.sum(places * real, axis=2))
    if (ids := inputs.get("pair_ids")) is not None:
        pairs = _embedded(ids, sizes, pair_width, "pair_ids")  # [B, T, 2, E]
        found.append(ops.concatenate([pairs[:, :, 0], pairs[:, :, 1]], axis=-1))
    joined = found[0] if len(found) == 1 else keras.layers.Concatenate()(found)
    return Front(inputs.pop("token_ids"), inputs.pop("padding_mask"), joined, inputs)


def feature(name: str) -> keras.KerasTensor:
    """A fresh input of a network: one id a word, or several."""
    shape = [None, _SEVERAL[name]] if name in _SEVERAL else [None]
    return keras.Input(shape, dtype="int32", name=name)


def _learnt(
    ids: keras.KerasTensor, size: int, width: int | None, vectors: np.ndarray | None
) -> keras.KerasTensor:
    """Vectors that training changes, begun from `vectors` where there are some."""
    width = (100 if width is None else width) if vectors is None else None
    layer = embed(size, width, vectors=vectors, spread=_spread(width))
    return layer(ids)


def _embedded(
    ids: keras.KerasTensor, sizes: Mapping[str, int], width: int, name: str
) -> keras.KerasTensor:
    layer = embed(
        sizes[name], width, spread=_spread(width), name=name.removesuffix("_ids")
    )
    return layer(ids)


def _strongest(
    letters: keras.KerasTensor, ids: keras.KerasTensor, filters: int, window: int
) -> keras.KerasTensor:
    """The strongest answer of each filter to the letters of a word: [B, T, F].

    Answers are never negative, so padding, which is 0, is never the strongest.
    """
    check_size("character_filters", filters)
    check_size("character_window", window)
    real = ops.cast(ops.expand_dims(ids > 0, -1), letters.dtype)  # [B, T, L, 1]
    answers = keras.layers.Conv2D(
        filters, (1, window), padding="same", activation="relu", name="letters"
    )(letters * real)
    return ops.max(answers * ops.cast(real, answers.dtype), axis=2)


def _spread(width: int | None) -> float:
    """Numbers of this spread have the variance 1 / width (Lample et al. 2016)."""
    return (3.0 / width) ** 0.5 if width else 0.05


def _check_names(sizes: Mapping[str, int]) -> None:
    if "token_ids" not in sizes or not set(sizes) <= set(FEATURES):
        raise UsageError(
            f"Features of a word are {', '.join(FEATURES)}, the first in any case. "
            f"Received: {', '.join(sizes) or 'none'}. Pass words.sizes, for example."
        )
