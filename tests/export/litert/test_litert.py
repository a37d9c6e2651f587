"""LiteRT beside a version: the numeric half, without Flex, with smaller weights."""

import json

import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ExportError
from tfnlp.export.litert import export
from tfnlp.export.litert.export import export_litert
from tfnlp.export.litert.runtime import LiteRTNetwork
from tfnlp.export.savedmodel import artefact
from tfnlp.saving import from_json
from tfnlp.serving import verify

pytestmark = pytest.mark.slow

WORDS = "a and dull film fine good of the warm don't".split()
ROWS = from_list(
    [{"text": "a fine film", "label": "été"}, {"text": "a dull film", "label": "neg"}]
)


def network_of(task, encoder):
    network = task.network(encoder, dropout=0.0)
    random = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return network


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A version of a classifier, its task and its network."""
    task = tfnlp.Classification(
        tfnlp.Vectorizer(WORDS, sequence_length=12), tfnlp.Vocabulary(("neg", "été"))
    )
    network = network_of(task, tfnlp.rnn.encoder(len(WORDS) + 2, hidden_dim=64))
    output = tmp_path_factory.mktemp("saved")
    return artefact.export(task, network, "demo", output=output), task, network


@pytest.fixture(scope="module")
def exported(classifier):
    return export_litert(*classifier, kinds=("float16", "int8"), rows=ROWS)


def report_of(folder):
    return json.loads((folder / "export.json").read_text())


def test_a_folder_beside_the_versions_holds_the_numeric_half(exported):
    assert exported.parts[-3:] == ("demo", "litert", "1")
    assert {file.name for file in exported.iterdir()} == {
        *("export.json", "format.json", "network.tflite", "task.json"),
        *("network.float16.tflite", "network.int8.tflite"),
    }


def test_a_bilstm_needs_no_flex_operations(exported):
    file = report_of(exported)["files"]["network.tflite"]
    assert file["operations"]["WHILE"] == 2
    assert not [name for name in file["operations"] if name.startswith("Flex")]
    assert file["inputs"]["token_ids"] == "int32 [B, T]"
    golden = report_of(exported)["golden"]
    assert max(golden["outputs"], golden["answers"]) < 1e-5


def test_the_report_says_what_smaller_weights_cost(exported):
    report = report_of(exported)
    sizes = [file["bytes"] for file in report["files"].values()]
    float16, int8, float32 = sizes
    assert int8 < float16 < 0.6 * float32
    assert "float16" in report["files"]["network.float16.tflite"]["weights"]
    for kind, most in (("float16", 0.02), ("int8", 1.0)):
        assert 0 < report[kind]["golden"]["worst_output"] < most
        assert set(report[kind]["scores"]["accuracy"]) == {
            *("float32", kind, "difference")
        }
        assert any(kind in limit for limit in report["limits"])


def test_a_task_answers_through_litert(exported, classifier):
    task = from_json((exported / "task.json").read_text("utf-8"))
    inputs = {"text": tf.constant(["a fine warm film", ""])}
    answered = task.answer(LiteRTNetwork(exported / "network.tflite"), inputs)
    served = tfnlp.load(classifier[0]).answer({"text": ["a fine warm film", ""]})
    assert answered["label"].numpy().tolist() == served["label"].tolist()
    np.testing.assert_allclose(answered["score"], served["score"], rtol=1e-5)


def test_the_parity_gate_asks_litert(exported, classifier):
    assert list(verify.networks(classifier[0])) == ["LiteRT"]


def test_a_file_that_answers_otherwise_is_not_published(classifier, monkeypatch):
    folder, task, network = classifier
    before = sorted((folder.parent / "litert").rglob("*"))
    other = network_of(task, tfnlp.bow.encoder(len(WORDS) + 2, hidden_dim=4))
    convert = export.converted
    monkeypatch.setattr(export, "converted", lambda _, kinds: convert(other))
    with pytest.raises(ExportError, match="must answer like the SavedModel"):
        export_litert(folder, task, network)
    assert sorted((folder.parent / "litert").rglob("*")) == before
