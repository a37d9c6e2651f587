"""Layers of ``.keras`` files of version 0.1 load with the argument names of today."""

import keras
import pytest

from tfnlp.layers import (
    CharacterRNN,
    DecoderBlock,
    LearnedPositions,
    TransformerBlock,
)
from tfnlp.networks import RecurrentDecoder, TransformerDecoder

BLOCK = {"heads": 2, "hidden": 6, "activation": "relu", "dropout": 0.0}
OLD = [
    (
        "TransformerBlock",
        {**BLOCK, "pre_norm": False, "causal": True, "attention_dropout": 0.1},
        TransformerBlock,
        {"num_heads": 2, "intermediate_dim": 6, "normalize_first": False},
    ),
    (
        "DecoderBlock",
        {**BLOCK, "cross": True, "rotary": False},
        DecoderBlock,
        {"num_heads": 2, "intermediate_dim": 6, "cross_attention": True},
    ),
    (
        "LearnedPositions",
        {"length": 7},
        LearnedPositions,
        {"sequence_length": 7},
    ),
    ("CharacterRNN", {"width": 6}, CharacterRNN, {"hidden_dim": 6}),
    (
        "RecurrentDecoder",
        {"vocabulary_size": 9, "width": 8, "embedding_width": 4, "depth": 2}
        | {"cell": "gru", "tied": False},
        RecurrentDecoder,
        {"hidden_dim": 8, "embedding_dim": 4, "num_layers": 2}
        | {"tie_word_embeddings": False},
    ),
    (
        "TransformerDecoder",
        {"vocabulary_size": 9, "width": 8, "heads": 2, "depth": 1, "hidden": 5}
        | {"length": 7, "source": True, "tied": False},
        TransformerDecoder,
        {"hidden_dim": 8, "num_heads": 2, "num_layers": 1, "intermediate_dim": 5}
        | {"sequence_length": 7, "cross_attention": True}
        | {"tie_word_embeddings": False},
    ),
]


@pytest.mark.parametrize(("name", "config", "kind", "expected"), OLD)
def test_a_layer_of_version_0_1_is_loaded(name, config, kind, expected):
    described = {"class_name": f"tfnlp>{name}", "registered_name": f"tfnlp>{name}"}
    described |= {"module": None, "config": {**config, "dtype": "float32"}}

    layer = keras.saving.deserialize_keras_object(described)

    assert type(layer) is kind
    assert layer.get_config().items() >= expected.items()
