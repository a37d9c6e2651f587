"""The scripts that write texts for texts, from files to answers, with tiny settings."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import tfnlp
from tfnlp import cli


def loaded(name):
    path = Path(__file__).parents[2] / "pipelines" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"pipeline_{name}", path)
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # the flags are read out of its source
    spec.loader.exec_module(script)
    return script


SCRIPTS = {name: loaded(name) for name in ("translation", "summarisation")}
TINY = (
    "--hidden_dim",
    "16",
    "--num_layers",
    "1",
    "--tokenizer",
    "words",
    "--training.epochs",
    "1",
)
NOUNS = {"dog": "Hund", "cow": "Ochse", "bird": "Vogel", "fish": "Fisch"}


def corpus(folder):
    """Parallel files of forty lines."""
    english = [f"a {one} sees a {two}" for one in NOUNS for two in NOUNS] * 3
    german = [
        f"ein {a} sieht einen {b}" for a in NOUNS.values() for b in NOUNS.values()
    ]
    (folder / "train.en").write_text("\n".join(english[:40]) + "\n", "utf-8")
    (folder / "train.de").write_text("\n".join((german * 3)[:40]) + "\n", "utf-8")
    return str(folder / "train")


def run(name, folder, *words):
    source = corpus(folder)
    splits = ["--train", source, "--valid", source, "--test", source]
    words = [*splits, *TINY, *words]
    words += ["--source", "en", "--target", "de", "--output", str(folder)]
    script = SCRIPTS[name]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, words)
    return stop.value.code


@pytest.mark.slow
def test_parallel_files_become_an_artefact(tmp_path, capsys):
    flags = ("--decoder.num_heads", "2", "--num_beams", "2", "--target_length", "9")
    assert run("translation", tmp_path, *flags) == 0
    assert "bleu" in capsys.readouterr().out
    predictor = tfnlp.load(tmp_path / "translation")
    (answer,) = predictor.predict(["a dog sees a cow"])
    assert set(answer) == {"text", "score"}
    report = json.loads((predictor.path / "assets.extra" / "report.json").read_text())
    assert 0.0 <= report["scores"]["chrf"] <= 100.0
    page = (predictor.path / "assets.extra" / "report.html").read_text("utf-8")
    assert "Worst answers" in page and "nrefs:1" in page


@pytest.mark.slow
def test_summaries_are_scored_by_rouge(tmp_path, capsys):
    flags = ("--decoder", "recurrent", "--target_length", "9", "--num_beams", "1")
    assert run("summarisation", tmp_path, *flags) == 0
    assert "rouge1" in capsys.readouterr().out


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_wrong_option_ends_before_a_file_is_read(name, tmp_path, capsys):
    assert run(name, tmp_path, "--decoder.heads", "2", "--train", "none") == 2
    assert "Did you mean --decoder.num_heads?" in capsys.readouterr().err


def test_splits_of_other_length_are_told(tmp_path, capsys):
    source = corpus(tmp_path)
    with open(f"{source}.de", "a", encoding="utf-8") as file:
        file.write("noch eine Zeile\n")
    script = SCRIPTS["translation"]
    words = ["--train", source, "--source", "en", "--target", "de"]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, [*words, "--output", str(tmp_path)])
    assert stop.value.code == 3
    assert "40" in (said := capsys.readouterr().err) and "41" in said
