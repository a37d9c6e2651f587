"""The table of all sets: its flags, what it resumes with and how it reads."""

import json
import shlex
from pathlib import Path

import pytest

from tfnlp import cli
from tfnlp.errors import DataError, TfnlpError, UsageError

ROWS = {"train": 6920, "valid": 872, "test": 1821}


@pytest.fixture
def bench(script):
    return script("benchmarks/classification.py")


@pytest.fixture
def measured(bench, monkeypatch):
    """Counts runs instead of running them."""
    done = []

    def measure(run, data):
        done.append(run)
        return result(bench, run.set, run.model, 0.5, flags=run.flags)

    monkeypatch.setattr(bench, "measure", measure)
    return done


def result(bench, name, model, value, *, flags=""):
    scores = dict.fromkeys(bench.REPORTED, value)
    return bench.Result(name, model, flags, scores, ROWS, 1.0)


def recipe(bench, tmp_path, *words):
    output = tmp_path / "runs" / "results.jsonl"
    return cli.parse(bench.Recipe, ["--output", str(output), *words])


@pytest.mark.parametrize("path", ["text_classification", "baseline"])
def test_flags_of_every_set_are_known_to_both_scripts(bench, script, path):
    folder = "benchmarks" if path == "baseline" else "pipelines"
    recipe = script(f"{folder}/{path}.py").Recipe
    read = {name: cli.parse(recipe, shlex.split(f)) for name, f in bench.SETS.items()}
    assert len(read) == 10
    assert read["mrpc"].text_pair == "#2 String" and read["goemotions"].multi_label


def test_every_file_of_every_set_exists(bench, shared_data):
    words = [word for flags in bench.SETS.values() for word in shlex.split(flags)]
    files = [word.format(data=shared_data) for word in words if "{data}" in word]
    assert [file for file in files if not Path(file).exists()] == []


def test_all_sets_and_encoders_are_run(bench, tmp_path):
    found = bench.runs(
        recipe(bench, tmp_path, "--sets", "all", "--encoders", "bow,transformer")
    )
    assert len(found) == len(bench.SETS) * 3


def test_a_second_call_measures_nothing_again(bench, tmp_path, measured, capsys):
    bench.main(recipe(bench, tmp_path))
    bench.main(recipe(bench, tmp_path))
    assert [run.model for run in measured] == ["baseline", "bow"]
    assert "| rotten_tomatoes |" in capsys.readouterr().out


def test_other_flags_are_measured_anew(bench, tmp_path, measured):
    bench.main(recipe(bench, tmp_path))
    bench.main(recipe(bench, tmp_path, "--flags=--training.epochs 1"))
    assert [run.model for run in measured] == ["baseline", "bow", "bow"]


def test_a_failed_run_stops_no_other_and_is_named(bench, tmp_path, monkeypatch):
    def failing(words):
        raise bench.subprocess.CalledProcessError(3, words)

    found = {"scores": dict.fromkeys(bench.REPORTED, 0.25), "rows": ROWS}
    monkeypatch.setattr(bench, "_of_baseline", failing)
    monkeypatch.setattr(bench, "_of_pipeline", lambda words: found)
    chosen = recipe(bench, tmp_path)
    with pytest.raises(TfnlpError, match="rotten_tomatoes with baseline"):
        bench.main(chosen)
    assert [found.model for found in bench.load(Path(chosen.output))] == ["bow"]


def test_results_hold_no_path_of_the_machine(bench, tmp_path, measured):
    chosen = recipe(bench, tmp_path, "--sets", "imdb", "--data", str(tmp_path))
    bench.main(chosen)
    lines = Path(chosen.output).read_text().splitlines()
    assert json.loads(lines[0])["flags"].startswith("--train {data}/imdb/")


def test_an_unknown_set_names_the_nearest(bench, tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'imdb'"):
        bench.main(recipe(bench, tmp_path, "--sets", "imbd"))


def test_a_missing_folder_is_told_before_the_first_run(bench, tmp_path, measured):
    words = ["--sets", "rotten_tomatoes,sst2", "--data", str(tmp_path / "none")]
    with pytest.raises(DataError, match="The sets sst2 are read from a folder"):
        bench.main(recipe(bench, tmp_path, *words))
    assert measured == []


def test_the_table_compares_the_best_encoder(bench):
    results = [
        result(bench, "sst2", "baseline", 0.81),
        result(bench, "sst2", "cnn", 0.82),
        result(bench, "sst2", "bow", 0.8),
        result(bench, "goemotions", "baseline", 0.4),
        result(bench, "imdb", "baseline", 0.929167),
        result(bench, "imdb", "bow", 0.9291666),
    ]
    assert bench.table(results).splitlines() == [
        "| set | rows | score | TF-IDF + SVM | bow | cnn | best − baseline |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
        "| goemotions | 6,920 / 872 / 1,821 | f1_macro "
        "| **0.4000** (1 s) | – | – | – |",
        "| imdb | 6,920 / 872 / 1,821 | accuracy "
        "| **0.9292** (1 s) | **0.9292** (1 s) | – | +0.0000 |",
        "| sst2 | 6,920 / 872 / 1,821 | accuracy "
        "| 0.8100 (1 s) | 0.8000 (1 s) | **0.8200** (1 s) | +0.0100 |",
    ]


def test_flags_of_one_encoder_stand_behind_those_of_its_set(bench, tmp_path):
    found = bench.runs(recipe(bench, tmp_path, "--sets=mrpc", "--encoders=bow,cnn"))
    ends = [run.flags.partition("--encoder ")[2] for run in found]
    assert ends == ["", "bow --symmetric --ngrams 1", "cnn --symmetric"]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["baseline", "bow"])
def test_both_scripts_leave_what_the_table_needs(bench, films, tmp_path, model):
    flags = "--train {data}/films.tsv"
    if model != "baseline":
        flags += (
            f" --encoder {model} --vocabulary_size 100 --encoder.hidden_dim 32"
            " --training.epochs 1"
        )
    found = bench.measure(bench.Run("films", model, flags), Path(films).parent)
    assert set(found.scores) == set(bench.REPORTED)
    assert set(found.rows) == set(bench.SPLITS)
