"""The script from a file of tagged sentences to answers, with tiny settings."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import tfnlp
from tfnlp import cli
from tfnlp.cli import console

SCRIPT = Path(__file__).parents[2] / "pipelines" / "tagging.py"
LINES = ("Ann NNP B-PER", "lives VBZ O", "in IN O", "New NNP B-LOC", "York NNP I-LOC")

spec = importlib.util.spec_from_file_location("pipeline_tagging", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


def sentences(folder):
    """Twenty sentences of one to five words; one starts with an inside tag."""
    cut = ["\r\n".join(LINES[: 1 + n % 5]) for n in range(20)]
    file = folder / "train.txt"
    cut.append("Bonn NNP I-LOC")
    file.write_text("-DOCSTART- -X- O\r\n\r\n" + "\r\n\r\n".join(cut), "utf-8")
    return str(file)


def run(folder, *words):
    file = sentences(folder)
    words = ["--train", file, "--valid", file, "--test", file, *words]
    words += [
        "--encoder.hidden_dim",
        "16",
        "--embedding_dim",
        "8",
        "--training.epochs",
        "1",
    ]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, [*words, "--output", str(folder)])
    return stop.value.code


@pytest.mark.slow
def test_a_file_of_columns_becomes_an_artefact(tmp_path, capsys):
    assert run(tmp_path, "--name", "names") == 0
    said = capsys.readouterr()
    assert "warning: 1 tag does not fit BIO: 1 × I-LOC → B-LOC;" in said.err
    assert "f1" in said.out
    predictor = tfnlp.load(tmp_path / "names")
    (answer,) = predictor.predict(["Ann in York."])
    assert answer["tokens"] == ["Ann", "in", "York", "."]
    assert answer["starts"] == [0, 4, 7, 11]
    assert set(answer["tags"]) <= {"O", "B-LOC", "I-LOC", "B-PER", "I-PER"}
    report = json.loads((predictor.path / "assets.extra" / "report.json").read_text())
    assert report["rows"] == {"train": 21, "valid": 21, "test": 21}
    words = ["evaluate", str(predictor.path), "--data", sentences(tmp_path), "--json"]
    with pytest.raises(SystemExit):
        console.main(words)
    again = json.loads(capsys.readouterr().out)["scores"]
    assert again == pytest.approx(report["scores"], abs=1e-5)


@pytest.mark.slow
def test_vectors_bring_words_that_training_lacks(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("ann" + " 0.5" * 8 + "\nboston" + " -0.5" * 8 + "\n")
    assert run(tmp_path, "--vectors", str(file), "--encoder", "cnn", "--no-crf") == 2
    flags = ("--vectors", str(file), "--encoder", "cnn", "--crf", "false")
    assert run(tmp_path, *flags, "--tags", "2") == 0
    predictor = tfnlp.load(tmp_path / "tagging")
    assert "boston" in predictor.task.words.vocabulary
    assert predictor.task.scheme is None and "NNP" in predictor.task.tags


def test_a_wrong_option_ends_before_a_file_is_read(tmp_path, capsys):
    assert run(tmp_path, "--encoder.cel", "gru", "--train", "none.txt") == 2
    assert "Did you mean --encoder.cell?" in capsys.readouterr().err


def test_tuned_vectors_have_their_own_width(tmp_path, capsys):
    file = tmp_path / "vectors.txt"
    file.write_text("Ann 0.1 0.2\nYork 0.3 0.4\n", "utf-8")
    assert run(tmp_path, "--vectors", str(file), "--trainable_vectors") == 2
    message = "with trainable_vectors there are none. Received: 8."
    assert message in capsys.readouterr().err
