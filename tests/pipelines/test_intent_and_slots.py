"""The script from parallel files and JSON to answers, with tiny settings."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import tfnlp
from tfnlp import cli
from tfnlp.cli import console

SCRIPT = Path(__file__).parents[2] / "pipelines" / "intent_and_slots.py"
REQUESTS = (
    ("play some jazz", "O O B-genre", "play"),
    ("rain in New York", "O O B-city I-city", "ask"),
    ("play jazz today", "O B-genre B-day", "play#ask"),
)
FILES = ("seq.in", "seq.out", "label")

spec = importlib.util.spec_from_file_location("pipeline_intent_and_slots", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


def parallel(folder, *, files=FILES, more=()):
    """A folder of twelve sentences and those that come on top."""
    folder.mkdir()
    for name, lines in zip(
        FILES, zip(*(REQUESTS * 4), *more, strict=False), strict=True
    ):
        if name in files:
            (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return str(folder)


def run(folder, source, *words):
    words = ["--train", source, "--valid", source, "--test", source, *words]
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


def evaluated(capsys, *words):
    with pytest.raises(SystemExit):
        console.main(["evaluate", *words, "--json"])
    return json.loads(capsys.readouterr().out)["scores"]


@pytest.mark.slow
def test_parallel_files_become_an_artefact(tmp_path, capsys):
    source = parallel(tmp_path / "train")
    assert run(tmp_path, source, "--name", "assistant") == 0
    said = capsys.readouterr()
    assert "intent_accuracy" in said.out and "classes (3)" in said.err
    predictor = tfnlp.load(tmp_path / "assistant")
    report = json.loads((predictor.path / "assets.extra" / "report.json").read_text())
    assert {"f1", "intent_accuracy", "sentence_accuracy"} <= set(report["intervals"])
    again = evaluated(capsys, str(predictor.path), "--data", source)
    assert again == pytest.approx(report["scores"], abs=1e-5)

    signatures = tf.saved_model.load(str(predictor.path)).signatures
    text = signatures["serving_default"](text=tf.constant(["Rain in York."]))
    words = signatures["from_tokens"](tokens=tf.constant(["Rain in York ."]))
    assert text["tokens"].numpy().tolist() == [[b"Rain", b"in", b"York", b"."]]
    assert text["intent"].numpy() == words["intent"].numpy()
    assert text["intent_score"].numpy() == pytest.approx(words["intent_score"].numpy())

    strange = parallel(tmp_path / "strange", more=[("go home", "O B-place", "go")])
    lower = evaluated(capsys, str(predictor.path), "--data", strange)
    assert lower["intent_accuracy"] == pytest.approx(again["intent_accuracy"] * 12 / 13)


@pytest.mark.slow
def test_json_with_other_names_of_columns_is_read(tmp_path):
    file = tmp_path / "train.jsonl"
    rows = [{"words": w.split(), "tags": t.split(), "goal": i} for w, t, i in REQUESTS]
    file.write_text("\n".join(map(json.dumps, rows * 4)), "utf-8")
    flags = ("--tokens", "words", "--intent", "goal", "--pooling", "attention")
    assert run(tmp_path, str(file), *flags, "--crf", "false") == 0
    predictor = tfnlp.load(tmp_path / "intent_and_slots")
    (answer,) = predictor.predict(["play jazz"])
    assert answer["intent"] in {"play", "ask", "play#ask"}


@pytest.mark.slow
def test_rows_without_intents_are_no_rows(tmp_path, capsys):
    source = parallel(tmp_path / "whole")
    assert run(tmp_path, source, "--intent", "intend") == 3
    assert "Did you mean 'intent'?" in capsys.readouterr().err
    assert run(tmp_path, parallel(tmp_path / "bare", files=FILES[:2])) == 3
    assert "has no column 'intent'" in capsys.readouterr().err


def test_a_wrong_option_ends_before_a_file_is_read(tmp_path, capsys):
    assert run(tmp_path, "none.txt", "--pooling", "meen") == 2
    assert "'meen'" in capsys.readouterr().err
    assert run(tmp_path, "none.txt", "--intent_weight", "-1") == 2
