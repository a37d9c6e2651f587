"""The parity gate: every way to ask an artefact gives the same answers, or it fails."""

import shutil

import keras
import pytest

import tfnlp
from tfnlp.cli.console import main
from tfnlp.data.readers import from_list
from tfnlp.errors import ExportError
from tfnlp.serving import parity


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """An artefact of a small classifier."""
    rows = from_list(
        [{"text": "a fine film", "label": "good"}, {"text": "dull", "label": "bad"}] * 4
    )
    task = tfnlp.Classification.from_rows(rows)
    network = task.network(tfnlp.cnn.encoder(len(task.text.vocabulary), width=8))
    return tfnlp.save(task, network, "demo", output=tmp_path_factory.mktemp("saved"))


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(["verify", *map(str, words)])
    return ended.value.code


@pytest.mark.slow
def test_every_way_gives_the_same_answers(saved, capsys):
    assert run(saved.parent) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["SavedModel", "REST", "gRPC"]
    assert all(line.endswith("same") for line in lines[1:])


@pytest.mark.slow
def test_other_weights_are_found_out(saved, tmp_path, capsys):
    copy = shutil.copytree(saved, tmp_path / "demo" / "1")
    file = copy / "assets.extra" / "model.keras"
    network = keras.models.load_model(file)
    for weight in network.weights:
        weight.assign_add(keras.ops.ones_like(weight) * 0.1)
    network.save(file)
    assert run(copy) == 5
    told = capsys.readouterr()
    assert "REST" in told.err
    assert "Received another '" in told.out
    with pytest.raises(ExportError, match="by SavedModel: serving_default"):
        parity.check(copy)


def test_a_tolerance_is_a_share(saved, capsys):
    assert run(saved, "--tolerance", "2") == 2


def test_all_endpoints_and_odd_rows_are_asked(saved_tagger):
    asked = list(parity.requests(tfnlp.load(saved_tagger)))
    assert {name for name, _ in asked} == {"serving_default", "from_tokens"}
    texts = [
        text for _, inputs in asked for each in inputs.values() for text in each.numpy()
    ]
    assert b"" in texts
    assert any(len(text) >= 1 << 20 for text in texts)
    assert any(b"\xff" in text for text in texts)
