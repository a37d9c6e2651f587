"""ONNX beside a version: what is written, what it answers, and who can read it."""

import json
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ExportError, UsageError
from tfnlp.export.onnx import conversion
from tfnlp.export.onnx.export import export_onnx
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.savedmodel.artefact import export
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.saving import from_json
from tfnlp.serving import verify
from tfnlp.tasks.language_model import LanguageModel

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
        tfnlp.Vectorizer(WORDS, sequence_length=40), tfnlp.Vocabulary(("neg", "été"))
    )
    network = network_of(task, tfnlp.rnn.encoder(len(WORDS) + 2, hidden_dim=8))
    output = tmp_path_factory.mktemp("saved")
    return export(task, network, "demo", output=output), task, network


@pytest.fixture(scope="module")
def exported(classifier):
    return export_onnx(*classifier, int8=True, rows=ROWS)


def test_a_folder_beside_the_versions_holds_both_halves(exported):
    assert exported.parts[-3:] == ("demo", "onnx", "1")
    assert {file.name for file in exported.iterdir()} == {
        *("export.json", "model.onnx", "network.int8.onnx", "network.onnx"),
        *("format.json", "task.json"),
    }
    hidden = [path for path in exported.parent.iterdir() if path != exported]
    assert hidden == []


def test_the_report_says_what_was_written(exported):
    report = json.loads((exported / "export.json").read_text())
    network = report["files"]["network.onnx"]
    assert network["operations"]["LSTM"] == 1 and "Loop" not in network["operations"]
    assert network["inputs"]["token_ids"] == "int32 [B, T]"
    assert max(report["golden"][name] for name in ("outputs", "answers")) < 1e-5
    assert report["golden"]["model.onnx"] < 1e-5
    assert any("UTF-8" in limit for limit in report["limits"])


def test_the_report_says_what_int8_costs(exported):
    cost = json.loads((exported / "export.json").read_text())["int8"]
    assert 0 < cost["golden"]["worst_output"] < 1
    assert cost["golden"]["equal_answers"] > 0.8
    assert {"float32", "int8", "difference"} == set(cost["scores"]["accuracy"])


def test_a_task_answers_through_onnx(exported, classifier):
    folder, _, _ = classifier
    task = from_json((exported / "task.json").read_text("utf-8"))
    answered = task.answer(
        OnnxNetwork(exported / "network.onnx"), {"text": tf.constant(["fine", ""])}
    )
    served = tfnlp.load(folder).answer({"text": ["fine", ""]})
    assert answered["label"].numpy().tolist() == served["label"].tolist()
    np.testing.assert_allclose(answered["score"], served["score"], rtol=1e-5)


def test_a_process_without_tensorflow_and_tfnlp_is_answered(exported, classifier):
    script = """
        import json, sys
        sys.modules["tensorflow"] = sys.modules["tfnlp"] = None  # not to be imported
        import numpy, onnxruntime, onnxruntime_extensions

        options = onnxruntime.SessionOptions()
        options.register_custom_ops_library(onnxruntime_extensions.get_library_path())
        session = onnxruntime.InferenceSession(sys.argv[1], options)
        texts = numpy.array(["A FINE film!", "don’t", "", "\\0"], dtype=object)
        (labels,) = session.run(["label"], {"text": texts})
        print(json.dumps(labels.tolist()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(exported / "model.onnx")],
        capture_output=True,
        text=True,
        check=True,
    )
    texts = ["A FINE film!", "don’t", "", "\0"]
    served = tfnlp.load(classifier[0]).predict(texts)
    assert json.loads(done.stdout) == [row["label"] for row in served]


def test_a_request_without_rows_is_an_error_and_no_crash(exported):
    network = OnnxNetwork(exported / "network.onnx")
    none = dict.fromkeys(("token_ids", "padding_mask"), tf.zeros([0, 3], tf.int32))
    with pytest.raises(UsageError, match="at least one row"):
        network(none)


def test_a_model_that_cannot_be_run_is_not_published(classifier, monkeypatch):
    monkeypatch.setattr(
        "tfnlp.export.onnx.subprocess_runner.__file__",
        str(classifier[0] / "missing.py"),
    )
    target = classifier[0].parent / "onnx" / classifier[0].name
    before = sorted(target.iterdir()) if target.exists() else None
    with pytest.raises(ExportError, match=r"must run what was written.*exit status 2"):
        export_onnx(*classifier)
    assert before == (sorted(target.iterdir()) if target.exists() else None)


def test_an_export_takes_the_place_of_the_one_before(classifier, exported):
    again = export_onnx(*classifier)
    assert again == exported and not (again / "network.int8.onnx").exists()
    export_onnx(*classifier, int8=True, rows=ROWS)


def test_a_file_that_answers_otherwise_is_not_published(classifier, monkeypatch):
    folder, task, network = classifier
    before = sorted((folder.parent / "onnx").rglob("*"))
    convert = conversion.network

    def spoilt(model):
        found = convert(model)
        bias = next(i for i in found.graph.initializer if list(i.dims) == [2])
        bias.CopyFrom(onnx.numpy_helper.from_array(np.ones(2, np.float32), bias.name))
        return found

    monkeypatch.setattr(conversion, "network", spoilt)
    with pytest.raises(ExportError, match="must answer like the SavedModel"):
        export_onnx(folder, task, network)
    assert sorted((folder.parent / "onnx").rglob("*")) == before


def test_half_precision_is_written_as_float32(tmp_path):
    task = tfnlp.Classification(
        tfnlp.Vectorizer(WORDS, sequence_length=9), tfnlp.Vocabulary(("neg", "pos"))
    )
    encoder = tfnlp.rnn.encoder(len(WORDS) + 2, hidden_dim=4)
    network = task.network(encoder)
    for layer in network._flatten_layers():
        layer.dtype_policy = "mixed_bfloat16"
    folder = export(task, network, "half", output=tmp_path)
    report = json.loads(
        (export_onnx(folder, task, network) / "export.json").read_text()
    )
    assert any("below float32" in limit for limit in report["limits"])


def test_texts_that_onnx_cannot_read_are_said_to_be(tmp_path):
    vectorizer = tfnlp.Vectorizer("abcdefgh", tokenizer="characters", sequence_length=9)
    task = tfnlp.Classification(vectorizer, tfnlp.Vocabulary(("neg", "pos")))
    network = task.network(tfnlp.bow.encoder(10, hidden_dim=4))
    folder = export(task, network, "letters", output=tmp_path)
    exported = export_onnx(folder, task, network)
    report = json.loads((exported / "export.json").read_text())
    assert not (exported / "model.onnx").exists()
    assert any("tokenizer='characters'" in limit for limit in report["limits"])


def test_several_labels_of_pairs_go_through(tmp_path):
    vectorizer = tfnlp.Vectorizer(WORDS, sequence_length=9)
    labels = tfnlp.Vocabulary(("no", "yes"))
    task = tfnlp.Classification(vectorizer, labels, text_pair=True, label_separator=",")
    network = network_of(task, tfnlp.bow.encoder(len(WORDS) + 2, hidden_dim=8))
    folder = export(task, network, "pairs", output=tmp_path)
    exported = export_onnx(folder, task, network)
    report = json.loads((exported / "export.json").read_text())
    assert set(report["files"]["model.onnx"]["inputs"]) == {"first", "second"}


def test_a_tagger_has_a_model_for_each_signature(exported_tagger):
    report = json.loads((exported_tagger / "export.json").read_text())
    files, golden = report["files"], report["golden"]
    assert list(report["endpoints"]) == ["serving_default", "from_tokens"]
    assert list(files["model.onnx"]["inputs"]) == ["text"]
    assert list(files["model.from_tokens.onnx"]["inputs"]) == ["tokens"]
    assert max(golden["model.onnx"], golden["model.from_tokens.onnx"]) < 1e-4
    assert not any("Only serving_default" in limit for limit in report["limits"])


def test_a_column_with_the_name_of_a_field_is_called_otherwise(exported_tagger):
    report = json.loads((exported_tagger / "export.json").read_text())
    outputs = report["files"]["model.from_tokens.onnx"]["outputs"]
    assert "output_tokens" in outputs and "tokens" not in outputs
    assert any(
        "tokens of an answer begins with 'output_'" in limit
        for limit in report["limits"]
    )


def test_verify_asks_the_models_of_a_tagger(exported_tagger):
    found = {each.backend: each for each in verify.verify(exported_tagger.parents[1])}
    compared = [found[name] for name in ("model.onnx", "model.from_tokens.onnx")]
    assert [each.error for each in compared] == ["", ""]
    assert all(way.rows > 30 for way in compared)


def test_verify_finds_out_a_model_that_answers_otherwise(exported_tagger, tmp_path):
    base = shutil.copytree(exported_tagger.parents[1], tmp_path / "names")
    file = base / "onnx" / "1" / "model.from_tokens.onnx"
    file.write_bytes(file.read_bytes().replace(b"B-LOC", b"B-PER"))
    found = {each.backend: each.error for each in verify.verify(base)}
    assert "another 'tags'" in found["model.from_tokens.onnx"]
    assert found["model.onnx"] == ""


def test_a_signature_without_counterpart_keeps_none_of_the_others_back(tmp_path):
    rows = from_list([{"tokens": "a b", "tags": "X Y"}])
    task = tfnlp.Tagging.from_rows(rows, tokenizer="bytes").for_texts()
    start = tfnlp.networks.word_features.embedding_inputs(
        task.words.sizes, embedding_dim=2
    )
    network = task.network(tfnlp.cnn.encoder(start, hidden_dim=4), crf=False)
    folder = export(task, network, "bytes", output=tmp_path)
    exported = export_onnx(folder, task, network)
    limits = json.loads((exported / "export.json").read_text())["limits"]
    assert {file.name for file in exported.glob("*.onnx")} == {
        *("network.onnx", "model.from_tokens.onnx")
    }
    assert any(
        "no model.onnx." in each and "tokenizer='bytes'" in each for each in limits
    )


def test_generation_is_refused_by_name(tmp_path):
    task = LanguageModel.from_rows(from_list([{"text": "abc"}]), tokenizer="characters")
    network = task.network(
        RecurrentDecoder(task.tokenizer.vocabulary_size, hidden_dim=8, dropout=0.0)
    )
    folder = export(task, network, "letters", output=tmp_path)
    exported = export_onnx(folder, task, network)
    limits = json.loads((exported / "export.json").read_text())["limits"]
    assert not (exported / "model.onnx").exists()
    assert any("There is no model.onnx. Texts are generated" in each for each in limits)
