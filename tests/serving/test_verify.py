"""The parity check: all backends of an artefact give the same answers, or it fails."""

import shutil
import socket

import keras
import pytest

import tfnlp
from tfnlp.cli.console import main
from tfnlp.data.readers import from_list
from tfnlp.errors import ExportError
from tfnlp.export.format_parity import match_endpoints
from tfnlp.export.savedmodel.artefact import export
from tfnlp.serving import verify


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """An artefact of a small classifier."""
    rows = from_list(
        [{"text": "a fine film", "label": "good"}, {"text": "dull", "label": "bad"}] * 4
    )
    task = tfnlp.Classification.from_rows(rows)
    network = task.network(tfnlp.cnn.encoder(len(task.text.vocabulary), hidden_dim=8))
    return export(task, network, "demo", output=tmp_path_factory.mktemp("saved"))


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(["verify", *map(str, words)])
    return ended.value.code


@pytest.mark.slow
def test_all_backends_give_the_same_answers(saved, capsys):
    assert run(saved.parent) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["SavedModel", "REST", "gRPC"]
    assert all(line.endswith("same") for line in lines[1:])


@pytest.mark.slow
def test_different_weights_are_detected(saved, tmp_path, capsys):
    copy = shutil.copytree(saved, tmp_path / "demo" / "1")
    file = copy / "assets.extra" / "model.keras"
    network = keras.models.load_model(file)
    for weight in network.weights:
        weight.assign_add(keras.ops.ones_like(weight) * 0.1)
    network.save(file)
    assert run(copy) == 5
    printed = capsys.readouterr()
    assert "REST" in printed.err
    assert "Received another '" in printed.out


def test_a_tolerance_is_a_share(saved, capsys):
    assert run(saved, "--tolerance", "2") == 2


@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.layers.Layer):
    """Multiplies by a number that is missing in its configuration."""

    times = 1.0

    def call(self, inputs):
        return inputs * self.times


def test_a_network_that_its_file_does_not_hold_is_not_saved(tmp_path):
    rows = from_list([{"text": "fine", "label": "good"}, {"text": "", "label": "bad"}])
    task = tfnlp.Classification.from_rows(rows)
    inner = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=4))
    layer = Forgetful()
    layer.times = 3.0
    for weight in inner.weights:
        weight.assign_add(keras.ops.ones_like(weight))
    network = keras.Model(inner.inputs, layer(inner.output))
    with pytest.raises(ExportError, match=r"by \.keras: .*another 'outputs'"):
        tfnlp.save(task, network, "demo", output=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_cannot_start_keeps_no_version_back(saved, monkeypatch, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(verify, "free_port", lambda: taken.getsockname()[1])
        found = verify.verify(saved)
    assert [each.backend for each in found] == ["SavedModel"]
    assert "The server is not compared" in caplog.text


def test_all_endpoints_and_odd_rows_are_compared(saved_tagger):
    predictor = tfnlp.load(saved_tagger)
    endpoints = match_endpoints(predictor.task, predictor.endpoints)
    requests = list(verify.requests(predictor.task, endpoints))
    assert {name for name, _ in requests} == {"serving_default", "from_tokens"}
    texts = [
        text
        for _, inputs in requests
        for each in inputs.values()
        for text in each.numpy()
    ]
    assert b"" in texts
    assert any(len(text) >= 1 << 20 for text in texts)
    assert any(b"\xff" in text for text in texts)
