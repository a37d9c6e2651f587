"""The script from a file of roles to answers, with tiny settings."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import tfnlp
from tfnlp import cli
from tfnlp.cli import console

SCRIPT = Path(__file__).parents[2] / "pipelines" / "semantic_roles.py"
PROPS = (
    {"pred": 1, "sense": "leave.01", "args": [["ARG0", 0, 0], ["V", 1, 1]]},
    {"pred": 4, "sense": "give.08", "args": [["ARG0", 3, 3], ["V", 4, 5]]},
)
TINY = ("--encoder.num_layers", "1")
WORDS = ["Ann", "left", "and", "Bob", "gave", "up"]

spec = importlib.util.spec_from_file_location("pipeline_semantic_roles", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


def roles(folder, *, last=PROPS):
    """Ten sentences with two predicates each; `last` are those of the last one."""
    lines = [{"tokens": WORDS, "props": props} for props in [*[PROPS] * 9, last]]
    file = folder / "train.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return str(file)


def run(file, folder, *words):
    words = ["--train", file, "--valid", file, "--test", file, *words]
    words += [
        "--encoder.hidden_dim",
        "16",
        "--embedding_dim",
        "8",
        "--training.epochs",
        "1",
        *TINY,
    ]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, [*words, "--output", str(folder)])
    return stop.value.code


@pytest.mark.slow
def test_a_file_of_roles_becomes_an_artefact(tmp_path, capsys):
    file = roles(tmp_path)
    assert run(file, tmp_path, "--name", "roles") == 0
    said = capsys.readouterr()
    assert "18 rows (90.0%) repeat the text of another." in said.err  # not all 19
    assert "f1" in said.out
    predictor = tfnlp.load(tmp_path / "roles")
    (answer,) = predictor.predict([{"text": "Ann left.", "predicate": 4}])
    assert answer["predicate_text"] == "left" and answer["tags"][1] == "B-V"
    words = ["evaluate", str(predictor.path), "--data", file, "--json"]
    with pytest.raises(SystemExit):
        console.main(words)
    again = json.loads(capsys.readouterr().out)["scores"]
    report = json.loads((predictor.path / "assets.extra" / "report.json").read_text())
    assert again == pytest.approx(report["scores"], abs=1e-5)
    plain = tf.saved_model.load(str(predictor.path)).signatures["from_tokens"]
    found = plain(tokens=tf.constant(["Ann left ."]), predicate=tf.constant([1]))
    assert found["tags"].numpy()[0, 1] == b"B-V"


@pytest.mark.slow
def test_tags_that_say_more_another_encoder_and_no_crf(tmp_path):
    flags = ("--crf", "false", "--scheme", "BIOES", "--encoder", "cnn")
    assert run(roles(tmp_path), tmp_path, *flags) == 0
    task = tfnlp.load(tmp_path / "semantic_roles").task
    assert (task.scheme, task.answer_scheme) == ("BIOES", "BIO")


def test_a_predicate_outside_of_the_sentence_ends_with_its_line(tmp_path, capsys):
    file = roles(tmp_path, last=[{"pred": 6, "args": [["ARG0", 0, 0]]}])
    assert run(file, tmp_path) == 3
    said = capsys.readouterr().err
    assert "line 10" in said and "The predicate is number 6 of 6 words." in said


def test_a_predicate_of_a_table_ends_with_its_row(tmp_path, capsys):
    file = tmp_path / "train.csv"
    file.write_text("tokens,tags,predicate\nAnn left,B-ARG0 B-V,2\n")
    assert run(str(file), tmp_path) == 3
    assert "row 1 with number 2 of 2 words" in capsys.readouterr().err


def test_a_wrong_option_ends_before_a_file_is_read(tmp_path, capsys):
    assert run("none.jsonl", tmp_path, "--max_distance", "0") == 2
    assert "Option max_distance must be a whole number" in capsys.readouterr().err
