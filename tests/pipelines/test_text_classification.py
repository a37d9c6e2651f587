"""The script from a file to answers, with tiny settings."""

import dataclasses
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import tfnlp
from tfnlp import cli, recipes
from tfnlp.cli import console

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "pipelines" / "text_classification.py"
TEXTS = ["a fine film", "", "dull", "so much too long " * 20, "\U0001f600 école 電影"]
WORDS = {"good": ["fine", "great", "moving"], "bad": ["dull", "flat", "endless"]}

spec = importlib.util.spec_from_file_location("text_classification", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


def table(path, columns, rows):
    lines = [columns, *rows]
    path.write_text("\n".join(",".join(line) for line in lines) + "\n", "utf-8")
    return str(path)


def reviews(folder, name="reviews.csv"):
    """Forty reviews, half of them good."""
    rows = [
        (f"a {words[number % 3]} film number {number}", label)
        for label, words in WORDS.items()
        for number in range(20)
    ]
    return table(folder / name, ("review", "mood"), rows)


def recipe(folder, **options):
    """Tiny settings; every side is the same file, so that no side lacks a class."""
    file = options.pop("file", None) or reviews(folder)
    settings = {"text": "review", "label": "mood", "name": "tiny", "sequence_length": 8}
    settings |= {"vocabulary_size": 100, "output": str(folder / "models")}
    settings |= {"encoder_options": recipes.EncoderOptions(hidden_dim=32)}
    training = tfnlp.TrainConfig(epochs=1, batch_size=16)
    return script.Recipe(
        train=file, valid=file, test=file, training=training, **settings | options
    )


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """The first version of an artefact, moved and its origin deleted."""
    origin = tmp_path_factory.mktemp("origin")
    written = script.main(recipe(origin))
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    shutil.copytree(written.parent, moved)
    shutil.rmtree(origin)
    return moved / "1"


def test_an_artefact_is_complete(version):
    names = {
        str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()
    }
    side = ("task.json", "recipe.json", "model.keras")
    side += ("report.json", "report.md", "report.html")
    assert names >= {
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        *(f"assets.extra/{name}" for name in side),
    }
    beside = {path.name for path in version.parent.iterdir()}
    assert beside == {"1", "models.config", "serving"}


def test_the_report_tells_scores_rows_and_versions(version):
    report = json.loads((version / "assets.extra" / "report.json").read_text())
    assert report["rows"] == {"train": 40, "valid": 40, "test": 40}
    assert {"scores", "intervals", "seconds", "versions"} <= set(report)
    assert set(report["seconds"]) >= {"read and audit", "vocabulary", "train"}


def test_the_recipe_of_an_artefact_can_be_run_again(version):
    file = str(version / "assets.extra" / "recipe.json")
    again = cli.parse(script.Recipe, ["--recipe", file, "--sequence_length", "9"])
    assert (again.text, again.sequence_length) == ("review", 9)
    assert again.encoder_options.hidden_dim == 32
    assert again.pooling == again.DEFAULTS[again.encoder]["pooling"]


def test_a_moved_artefact_answers_texts(version):
    answers = tfnlp.load(version.parent).predict(TEXTS)
    assert len(answers) == len(TEXTS)
    assert {answer["label"] for answer in answers} <= {"good", "bad"}
    assert all(sum(a["probabilities"]) == pytest.approx(1.0) for a in answers)


WITHOUT = """
    import json, sys

    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "tfnlp":
                raise ImportError(name)

    sys.meta_path.insert(0, Hidden())
    import tensorflow as tf

    serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
    answers = serve(text=tf.constant(json.loads(sys.argv[2])))
    scores = answers["score"].numpy(), answers["probabilities"].numpy()
    print(json.dumps([
        [label.decode() for label in answers["label"].numpy()],
        *(array.view("int32").tolist() for array in scores),
        "tfnlp" in sys.modules,
    ]))
"""


@pytest.mark.slow
def test_plain_tensorflow_answers_bit_for_bit_alike(version, capsys):
    words = [sys.executable, "-c", textwrap.dedent(WITHOUT), str(version)]
    done = subprocess.run(
        [*words, json.dumps(TEXTS)], capture_output=True, text=True, check=True
    )
    labels, scores, probabilities, ours = json.loads(done.stdout)
    assert call("predict", str(version.parent), "--text", *TEXTS) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ours is False
    assert labels == [answer["label"] for answer in answers]
    assert scores == bits([answer["score"] for answer in answers])
    assert probabilities == bits([answer["probabilities"] for answer in answers])


def bits(values):
    return np.array(values, "float32").view("int32").tolist()


class Closed(io.StringIO):
    """Standard output whose reader has left."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_another_run_writes_the_next_version_before_it_prints(
    version, tmp_path, monkeypatch
):
    shutil.copytree(version.parent, tmp_path / "models" / "tiny")
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        script.main(recipe(tmp_path))
    loaded = tfnlp.load(tmp_path / "models" / "tiny")
    assert loaded.path.name == "2"


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_the_last_weights_lie_beside_the_best(tmp_path):
    """At such a rate every epoch is worse than the first."""
    training = tfnlp.TrainConfig(
        epochs=3, learning_rate=0.5, batch_size=4, keep_weights="both"
    )
    settings = dataclasses.replace(recipe(tmp_path, encoder="bow"), training=training)
    version = script.main(settings)
    network = tfnlp.load(version).network
    best = network.get_weights()
    network.load_weights(version / "assets.extra" / "last.weights.h5")
    apart = zip(best, network.get_weights(), strict=True)
    assert any(np.abs(one - other).max() > 1e-3 for one, other in apart)


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_a_run_that_was_stopped_before_it_was_saved_goes_on(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")
    weights, ended = [], Path("runs", "tiny", "checkpoints", "ended.ckpt")
    save, evaluate = tfnlp.save, tfnlp.evaluate

    def evaluated(task, model, *rows, **options):
        weights.append(model.get_weights())
        return evaluate(task, model, *rows, **options)

    def stopped(*given, **options):
        raise InterruptedError

    monkeypatch.setattr(tfnlp, "evaluate", evaluated)
    monkeypatch.setattr(tfnlp, "save", stopped)
    with pytest.raises(InterruptedError):
        script.main(recipe(tmp_path, encoder="bow"))
    assert ended.exists()
    monkeypatch.setattr(tfnlp, "save", save)
    script.main(recipe(tmp_path, encoder="bow", resume=True))
    assert "resumed after the last epoch" in caplog.text and not ended.exists()
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["linear", "cnn", "rnn", "transformer"])
def test_every_encoder_trains_and_is_scored_again(encoder, tmp_path, capsys):
    written = script.main(recipe(tmp_path, encoder=encoder))
    report = json.loads((written / "assets.extra" / "report.json").read_text())
    data = ["--data", reviews(tmp_path), "--text", "review", "--label", "mood"]
    capsys.readouterr()
    assert call("evaluate", str(written), *data, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["scores"] == pytest.approx(report["scores"], abs=1e-5)


@pytest.mark.slow
def test_pairs_are_learnt_through_flags(tmp_path):
    rows = [(f"a{n}", f"b{n}", "same" if n % 2 else "other") for n in range(20)]
    file = table(tmp_path / "pairs.csv", ("one", "two", "mood"), rows)
    words = ["--train", file, "--valid", file, "--test", file, "--text_pair", "two"]
    words += [
        "--text",
        "one",
        "--label",
        "mood",
        "--encoder.hidden_dim",
        "32",
        "--sequence_length",
        "4",
    ]
    words += ["--training.epochs", "1", "--output", str(tmp_path), "--name", "pairs"]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, words)
    (answer,) = tfnlp.load(tmp_path / "pairs").predict([{"first": "a", "second": "b"}])
    assert stop.value.code == 0
    assert answer["label"] in ("same", "other")


@pytest.mark.slow
def test_several_labels_are_learnt_through_flags(tmp_path):
    rows = [(f"text {n}", ("joy|fear", "joy", "fear", "")[n % 4]) for n in range(20)]
    file = table(tmp_path / "several.csv", ("text", "label"), rows)
    words = ["--train", file, "--valid", file, "--test", file, "--multi_label"]
    words += [
        "--label_separator",
        "|",
        "--encoder.hidden_dim",
        "32",
        "--sequence_length",
        "4",
    ]
    words += ["--training.epochs", "1", "--output", str(tmp_path), "--name", "several"]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, words)
    predictor = tfnlp.load(tmp_path / "several")
    assert stop.value.code == 0
    assert predictor.task.labels.entries == ("fear", "joy")
    assert len(predictor.predict(["text"])[0]["probabilities"]) == 2


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
@pytest.mark.parametrize("tuned", [True, False])
def test_word_vectors_come_from_a_file(tuned, tmp_path):
    file = tmp_path / "glove.txt"
    file.write_text("fine " + "1.5 " * 31 + "1.5\ndull " + "-1.5 " * 31 + "-1.5\n")
    given = recipe(tmp_path, encoder="cnn", vectors=str(file), trainable_vectors=tuned)
    written = script.main(given)
    predictor = tfnlp.load(written)
    tables = [
        layer
        for layer in predictor.network._flatten_layers()
        if "Embedding" in type(layer).__name__
    ]
    place = predictor.task.text.vocabulary.entries.index("fine")
    rows = [layer.get_weights()[0][place] for layer in tables]
    assert any(row == pytest.approx(1.5, abs=0.1) for row in rows)
    assert (rows[0] == 1.5).all() != tuned
