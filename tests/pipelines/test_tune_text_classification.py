"""Hyperparameter search over text, network and training writes a recipe."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINES = Path(__file__).parents[2] / "pipelines"
WORDS = {"good": ["fine", "great", "moving"], "bad": ["dull", "flat", "endless"]}
pytestmark = pytest.mark.slow


def run(folder, script, *words, code=0):
    done = subprocess.run(
        [sys.executable, str(PIPELINES / f"{script}.py"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    return done


def reviews(folder, name="reviews", labels=WORDS):
    lines = [
        f"a {words[n % 3]} film number {n},{label}"
        for label, words in labels.items()
        for n in range(40)
    ]
    (folder / f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n")


def tune(folder, *words, **options):
    given = ["--train", "reviews.csv", "--name", "found", "--training.epochs", "2"]
    given += [
        "--encoder",
        "bow",
        "--encoder.hidden_dim",
        "32",
        "--training.batch_size",
        "16",
    ]
    return run(folder, "tune_text_classification", *given, *words, **options)


def test_the_best_recipe_is_taken_back(tmp_path):
    reviews(tmp_path)
    space = [
        "--space",
        "vocabulary_size=50,100",
        "training.learning_rate=1e-3..1e-1",
        "--method",
        "random",
    ]
    first = tune(tmp_path, "--max_trials", "2", *space)
    again = tune(tmp_path, "--max_trials", "3", *space)
    for done, trials in ((first, 2), (again, 3)):
        header, *rows = done.stdout.splitlines()
        assert header.split() == ["score", "vocabulary_size", "training.learning_rate"]
        assert len(rows) == trials
    assert set(first.stdout.splitlines()) <= set(again.stdout.splitlines())
    found = tmp_path / "runs" / "found"
    assert (found / "report.html").stat().st_size > 1000
    best = json.loads((found / "best.json").read_text())
    row = again.stdout.splitlines()[1].split()
    assert str(best["vocabulary_size"]) == row[1]
    assert best["training"]["learning_rate"] == pytest.approx(float(row[2]), rel=1e-3)
    run(tmp_path, "text_classification", "--recipe", "runs/found/best.json")
    assert (tmp_path / "saved_models" / "found" / "1").is_dir()


def test_trials_are_cross_validated_with_folds(tmp_path):
    reviews(tmp_path)
    space = ["--space", "ngrams=1,2", "--method", "grid"]
    done = tune(tmp_path, "--folds", "2", *space)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr.count("fold 2/2") == 2


def test_a_name_is_not_used_for_another_search(tmp_path):
    reviews(tmp_path)
    reviews(tmp_path, "others", {"good": ["fair"] * 3, "bad": ["poor"] * 3})
    space = ["--space", "standardize=nfkc,lower", "--method", "grid", "--max_trials"]
    tune(tmp_path, *space, "1")
    others = ["--train", "others.csv", "--objective", "log_loss", "--dropout", "0.4"]
    done = tune(tmp_path, *space, "2", *others, code=2)
    assert done.stdout == ""
    differences = ('of objective "accuracy", not "log_loss"', "of dropout ", "of rows ")
    for difference in differences:
        assert difference in done.stderr


def test_epochs_are_searched(tmp_path):
    reviews(tmp_path)
    done = tune(tmp_path, "--space", "training.epochs=1,3", "--method", "grid")
    for last in ("epoch 1/1 ", "epoch 3/3 "):
        assert last in done.stderr
    assert "epoch 2/2" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--objective", "acuracy"], "Received: acuracy. Did you mean 'accuracy'?"),
        (["--objective", "loss", "--folds", "2"], "Received: loss. Did you mean"),
    ],
    ids=["name", "folds"],
)
def test_an_unknown_objective_is_refused_before_reading(words, message, tmp_path):
    done = tune(tmp_path, *words, code=2)  # there is no file to read
    assert "--objective must be a score of these rows: accuracy, " in done.stderr
    assert message in done.stderr


def test_an_objective_that_the_classes_lack_is_refused_before_training(tmp_path):
    reviews(tmp_path, labels=WORDS | {"none": ["long", "new", "old"]})
    done = tune(tmp_path, "--objective", "f1", code=2)
    assert "recall_weighted, f1_macro" in done.stderr  # these classes have no f1
    assert "Received: f1." in done.stderr
    assert "epoch" not in done.stderr and not (tmp_path / "runs").exists()


def test_trials_of_pairs_are_cross_validated(tmp_path):
    lines = [f"film {n},{word} {n},{word}" for n in range(40) for word in ("yes", "no")]
    (tmp_path / "pairs.csv").write_text("\n".join(["text,other,label", *lines]) + "\n")
    pairs = ["--train", "pairs.csv", "--text_pair", "other", "--folds", "2"]
    done = tune(tmp_path, *pairs, "--space", "ngrams=1", "--method", "grid")
    assert done.stderr.count("fold 2/2") == 1


def test_an_unknown_flag_in_the_space_is_refused_before_reading(tmp_path):
    done = tune(tmp_path, "--space", "vocabulary_sise=1,2", code=2)
    assert (
        "Unknown flag --vocabulary_sise. Did you mean --vocabulary_size" in done.stderr
    )
    assert not (tmp_path / "runs").exists()
