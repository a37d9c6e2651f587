"""LiteRT beside a version: the numeric half, without Flex, with smaller weights."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.export.litert.conversion import converted
from tfnlp.export.litert.export import export_litert
from tfnlp.export.litert.runtime import LiteRTNetwork
from tfnlp.saving import from_json

pytestmark = pytest.mark.slow

WORDS = "a and dull film fine good of the warm don't".split()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    task = tfnlp.Classification(
        tfnlp.Vectorizer(WORDS, length=12), tfnlp.Vocabulary(("neg", "pos"))
    )
    network = task.network(tfnlp.rnn.encoder(len(WORDS) + 2, width=64), dropout=0.0)
    output = tmp_path_factory.mktemp("saved")
    return tfnlp.save(task, network, "demo", output=output), task, network


@pytest.fixture(scope="module")
def exported(classifier):
    return export_litert(*classifier, kinds=("float16", "int8"))


def test_a_bilstm_needs_no_flex_operations(exported):
    report = json.loads((exported / "export.json").read_text())
    operations = report["files"]["network.tflite"]["operations"]
    assert "WHILE" in operations
    assert not [name for name in operations if name.startswith("Flex")]
    assert report["golden"]["answers"] < 1e-4


def test_weights_can_be_smaller(exported):
    sizes = {file.name: file.stat().st_size for file in exported.glob("*.tflite")}
    assert sizes["network.float16.tflite"] < 0.8 * sizes["network.tflite"]
    assert sizes["network.int8.tflite"] < sizes["network.float16.tflite"]
    report = json.loads((exported / "export.json").read_text())
    assert report["float16"]["golden"]["worst_output"] < 0.01


def test_a_task_answers_through_litert(exported, classifier):
    task = from_json((exported / "task.json").read_text("utf-8"))
    inputs = {"text": tf.constant(["a fine warm film", ""])}
    answered = task.answer(LiteRTNetwork(exported / "network.tflite"), inputs)
    served = tfnlp.load(classifier[0]).answer({"text": ["a fine warm film", ""]})
    np.testing.assert_allclose(answered["score"], served["score"], rtol=1e-4)


def test_layers_of_keras_with_a_mask_are_as_in_keras(tmp_path):
    ids = keras.Input([None], dtype="int32", name="token_ids")
    hidden = keras.layers.Embedding(6, 4, mask_zero=True)(ids)
    layer = keras.layers.LSTM(3, return_sequences=True)
    hidden = keras.layers.Bidirectional(layer)(hidden)
    last = keras.layers.GRU(3)(hidden)
    network = keras.Model({"token_ids": ids}, {"all": hidden, "last": last})
    (tmp_path / "network.tflite").write_bytes(converted(network))
    features = {"token_ids": np.array([[1, 2, 3], [4, 0, 0]], np.int32)}
    found = LiteRTNetwork(tmp_path / "network.tflite")(features)
    for name, expected in network(features).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)
