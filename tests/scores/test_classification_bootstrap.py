"""Scores of drawn rows equal the scores of those rows, and come fast."""

import time

import numpy as np
import pytest

from tfnlp.scores import classification, classification_bootstrap, intervals

LABELS = ("a", "b", "c")
SETS = ("a|b", "c", "", "a|c", "b")
OF_PROBABILITIES = {"log_loss", "calibration_error", "roc_auc", "pr_auc"}


def made(rows: int, *, classes=LABELS, sets=False, seed=1):
    """Gold labels, answers and probabilities with ties; one gold label is unknown."""
    random = np.random.default_rng(seed)
    names = np.array(SETS if sets else classes, object)
    gold, answered = (names[random.integers(0, len(names), rows)] for _ in "ga")
    gold[0] = "new"
    known = random.dirichlet(np.ones(len(classes)), rows).round(1).astype("float32")
    return gold, answered, known


def options(classes, sets):
    return {"labels": classes, "separator": "|" if sets else None}


@pytest.mark.parametrize(
    ("classes", "sets"), [(LABELS, False), (("a", "b"), False), (LABELS, True)]
)
@pytest.mark.parametrize("size", [200, 12])
def test_a_draw_scores_as_its_rows_do(classes, sets, size):
    gold, answered, known = made(size, classes=classes, sets=sets)
    same = options(classes, sets)
    draw = classification_bootstrap.headline(
        gold, answered, probabilities=known, **same
    )
    for seed in range(20):
        numbers = np.random.default_rng(seed).integers(0, size, size)
        found = draw(numbers)
        rows = gold[numbers], answered[numbers]
        score = classification.score(*rows, probabilities=known[numbers], **same)
        assert found == pytest.approx({name: score[name] for name in found})
        assert OF_PROBABILITIES & set(score) == OF_PROBABILITIES & set(found)


def test_sets_of_one_class_score_alike():
    """One column of a table was two classes to scikit-learn: its zeros, too."""
    gold, answered = (np.array(each, object) for each in (["", "", "a"], ["", "a", ""]))
    labels = {"labels": ("a", "b"), "separator": "|"}
    drawn = classification_bootstrap.headline(gold, answered, **labels)(np.arange(3))
    scores = classification.score(gold, answered, **labels)
    assert drawn["f1_micro"] == scores["f1_micro"] == 0.0


def test_two_classes_have_the_f1_of_the_positive_one():
    gold, answered, _ = made(50, classes=("a", "b"))
    draw = classification_bootstrap.headline(gold[1:], answered[1:], labels=("a", "b"))
    names = ["accuracy", "f1_macro", "f1_micro", "f1_weighted", "f1"]
    assert list(draw(np.arange(49))) == names


def test_areas_of_many_rows_and_classes_are_left_out(monkeypatch):
    monkeypatch.setattr(classification_bootstrap, "LARGEST", 100)
    gold, answered, known = made(40)
    draw = classification_bootstrap.headline(
        gold, answered, labels=LABELS, probabilities=known
    )
    assert OF_PROBABILITIES & set(draw(np.arange(40))) == {"log_loss"}


def test_a_draw_of_one_class_has_no_area():
    gold, answered, known = made(40)
    draw = classification_bootstrap.headline(
        gold, answered, labels=LABELS, probabilities=known
    )
    assert "roc_auc" not in draw(np.full(40, 7))


def test_a_diverged_network_has_finite_scores():
    gold, answered, known = made(40)
    draw = classification_bootstrap.headline(
        gold, answered, labels=LABELS, probabilities=known * np.nan
    )
    assert np.isfinite(list(draw(np.arange(40)).values())).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "classes", "sets"),
    [(25_000, 2, False), (7_500, 20, False), (5_000, 28, True), (100, 10_000, False)],
)
def test_a_thousand_draws_take_seconds(rows, classes, sets):
    names = tuple(f"class {number}" for number in range(classes))
    gold, answered, known = made(rows, classes=names)
    same = options(names, sets)
    start = time.process_time()
    draw = classification_bootstrap.headline(
        gold, answered, probabilities=known, **same
    )
    found = intervals.percentiles(draw, rows)
    took = time.process_time() - start
    print(rows, classes, sets, took)
    assert took < 20  # 1 to 6 s; more under load
    assert "log_loss" in found
