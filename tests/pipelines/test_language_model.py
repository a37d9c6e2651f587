"""The script from a text file to texts that go on, with tiny settings."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import tfnlp
from tfnlp import cli

SCRIPT = Path(__file__).parents[2] / "pipelines" / "language_model.py"

spec = importlib.util.spec_from_file_location("pipeline_language_model", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)

TINY = (
    "--decoder.hidden_dim",
    "16",
    "--decoder.num_layers",
    "1",
    "--sequence_length",
    "8",
    "--training.epochs",
    "1",
)


def run(folder, *words):
    file = folder / "text.txt"
    lines = [f"the {a} sees the {b}\n" for a in ("dog", "cat") for b in ("bird", "cow")]
    file.write_text("".join(lines) * 20, "utf-8")
    words = ["--train", str(file), "--output", str(folder), *TINY, *words]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, words)
    return stop.value.code


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [("--decoder.num_heads", "2"), ("--decoder", "recurrent", "--tokenizer", "words")],
    ids=["characters", "words"],
)
def test_a_text_becomes_an_artefact_that_goes_on(flags, tmp_path, capsys):
    assert run(tmp_path, "--name", "plays", *flags) == 0
    assert "perplexity" in capsys.readouterr().out
    predictor = tfnlp.load(tmp_path / "plays")
    (answer,) = predictor.predict([{"prompt": "the ", "max_tokens": 4}])
    assert set(answer) == {"text", "score"}
    (scored,) = predictor.predict([{"text": "the dog", "before": ""}])
    assert scored["length"] == len(scored["scores"]) == len(scored["tokens"])
    report = json.loads((predictor.path / "assets.extra" / "report.json").read_text())
    assert report["scores"]["perplexity"] > 1.0


def test_a_wrong_option_ends_before_a_file_is_read(tmp_path, capsys):
    assert run(tmp_path, "--decoder.heads", "2", "--train", "none.txt") == 2
    assert "Did you mean --decoder.num_heads?" in capsys.readouterr().err


def test_a_file_without_text_is_told(tmp_path, capsys):
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert run(tmp_path, "--train", str(empty)) == 3
    assert str(empty) in capsys.readouterr().err
