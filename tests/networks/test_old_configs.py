"""Layers of ``.keras`` files of version 0.1 load under the names of today."""

import h5py
import keras
import pytest

from tfnlp.layers import (
    CharacterRNN,
    CrossAttention,
    DecoderBlock,
    LearnedPositions,
    ReversibleEmbedding,
    ScheduledSampling,
    SparseLinear,
    TokenAlignment,
    TransformerBlock,
)
from tfnlp.layers.windows import CutWindows, JoinWindows
from tfnlp.networks import RecurrentDecoder, TransformerDecoder, TruncatedBPTT

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
    ("Look", {"width": 6, "additive": True}, CrossAttention, {"units": 6}),
    (
        "TokenTable",
        {"vocabulary_size": 9, "width": 4, "tied": False},
        ReversibleEmbedding,
        {"input_dim": 9, "output_dim": 4, "tie_weights": False},
    ),
    (
        "TermSums",
        {"size": 9, "classes": 2, "dropout": 0.5},
        SparseLinear,
        {"vocabulary_size": 9, "units": 2, "dropout": 0.5},
    ),
    ("Matching", {}, TokenAlignment, {}),
    ("CutWindows", {"length": 7}, CutWindows, {"window_size": 7}),
    ("JoinWindows", {"length": 7}, JoinWindows, {"window_size": 7}),
    (
        "ScheduledSampling",
        {"share": 0.25, "rise": 9},
        ScheduledSampling,
        {"rate": 0.25, "ramp_steps": 9},
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


def weight_paths(network, tmp_path):
    """Groups of a weights file that hold variables."""
    file, found = tmp_path / "network.weights.h5", []
    network.save_weights(file)
    with h5py.File(file) as root:
        root.visititems(lambda name, item: found.append(name) if len(item) else None)
    return {name for name in found if name.endswith("vars")}


def test_weights_of_renamed_layers_stay_at_their_path(tmp_path):
    ids, mask = (keras.Input([None], dtype="int32") for _ in range(2))
    network = keras.Model([ids, mask], SparseLinear(9, 2)(ids, mask))

    assert "layers/term_sums/vars" in weight_paths(network, tmp_path)


def test_weights_of_a_stateful_decoder_stay_at_their_path(tmp_path):
    ids = keras.Input([None], dtype="int32")
    slot, place = (keras.Input([], dtype="int32") for _ in range(2))
    decoder = TruncatedBPTT(RecurrentDecoder(9, hidden_dim=4), slots=2)
    network = keras.Model([ids, slot, place], decoder(ids, slot, place))

    paths = weight_paths(network, tmp_path)

    assert {"layers/carried/decoder/table/vars"} <= paths


def test_weights_of_attention_stay_at_their_path(tmp_path):
    ids, mask = (keras.Input([None], dtype="int32") for _ in range(2))
    memory = keras.Input([None, 3])
    decoder = RecurrentDecoder(9, hidden_dim=4, attention="luong")
    network = keras.Model([ids, memory, mask], decoder(ids, memory, mask))

    paths = weight_paths(network, tmp_path)

    assert "layers/recurrent_decoder/look/keys/vars" in paths
    assert "layers/recurrent_decoder/table/vars" in paths
