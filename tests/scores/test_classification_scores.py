"""Scores of classification agree with scikit-learn and survive odd columns."""

import numpy as np
import pytest
from sklearn import metrics

from tfnlp.scores import classification, classification_bootstrap

LABELS = ("a", "b", "c")
NAMES = ("precision", "recall", "f1")


def column(*values: str) -> np.ndarray:
    return np.array(values, object)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gold labels, answers and probabilities of 300 rows of three classes."""
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(3), 300)
    gold = np.array(LABELS, object)[random.integers(0, 3, 300)]
    return gold, np.array(LABELS, object)[probabilities.argmax(1)], probabilities


@pytest.mark.parametrize("average", classification.AVERAGES)
def test_averages_are_those_of_scikit_learn(drawn, average):
    gold, answered, _ = drawn
    scores = classification.score(gold, answered, labels=LABELS)
    wanted = metrics.precision_recall_fscore_support(
        list(gold), list(answered), average=average, zero_division=0
    )
    assert [scores[f"{name}_{average}"] for name in NAMES] == pytest.approx(wanted[:3])


def test_probability_scores_are_those_of_scikit_learn(drawn):
    gold, answered, known = drawn
    scores = classification.score(gold, answered, labels=LABELS, probabilities=known)
    onehot = gold[:, None] == np.array(LABELS)
    area = metrics.roc_auc_score(list(gold), known, multi_class="ovr")
    assert scores["roc_auc"] == pytest.approx(area)
    precision = metrics.average_precision_score(onehot, known, average="macro")
    assert scores["pr_auc"] == pytest.approx(precision)
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(list(gold), known))


def test_two_classes_score_the_positive_one():
    gold, answered = column("ham", "spam", "spam"), column("spam", "spam", "ham")
    scores = classification.score(gold, answered, labels=("spam", "ham"))
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0.5, 0.5, 0.5)


def test_average_precision_of_two_classes_is_that_of_the_positive_one():
    gold, known = column("no", "yes", "yes"), np.array([0.2, 0.9, 0.1])
    both = np.stack([known, 1 - known], axis=1)
    scores = classification.score(gold, gold, labels=("yes", "no"), probabilities=both)
    wanted = metrics.average_precision_score([0, 1, 1], known)
    assert scores["pr_auc"] == pytest.approx(wanted)


def test_a_gold_label_that_training_never_saw_is_an_error():
    gold, known = column("a", "new"), np.array([[0.9, 0.1, 0], [0.8, 0.1, 0.1]])
    scores = classification.score(
        gold, column("a", "a"), labels=LABELS, probabilities=known
    )
    assert scores["accuracy"] == 0.5
    assert scores["f1_macro"] == pytest.approx(1 / 3)
    assert np.isfinite(list(scores.values())).all()


def test_a_set_with_a_label_that_training_never_saw_is_an_error():
    scores = classification.score(
        column("a|new", "b"),
        column("a", "b"),
        labels=LABELS,
        probabilities=np.array([[0.9, 0.1, 0], [0.1, 0.9, 0]]),
        separator="|",
    )
    assert scores["accuracy"] == 0.5
    assert scores["recall_micro"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("separator", [None, "|"])
def test_perfect_answers_have_perfect_scores(separator):
    gold = column("a", "b", "b")
    scores = classification.score(
        gold,
        gold,
        labels=LABELS,
        probabilities=np.eye(3)[[0, 1, 1]],
        separator=separator,
    )
    losses = {name: scores.pop(name) for name in list(scores) if "loss" in name}
    assert scores.pop("calibration_error") == 0
    assert set(scores.values()) == {1.0}
    assert max(losses.values()) == 0


@pytest.mark.parametrize("separator", [None, "|"])
@pytest.mark.parametrize("rows", [0, 2])
def test_empty_answers_have_finite_scores(separator, rows):
    gold = column(*["a"] * rows)
    scores = classification.score(
        gold,
        column(*[""] * rows),
        labels=LABELS,
        probabilities=np.zeros((rows, 3)),
        separator=separator,
    )
    draw = classification_bootstrap.headline(
        gold, column(*[""] * rows), labels=LABELS, separator=separator
    )
    scores |= draw(np.arange(rows))
    assert scores["accuracy"] == 0
    assert np.isfinite(list(scores.values())).all()


def test_a_diverged_network_has_finite_scores():
    gold, known = column("a", "b"), np.full((2, 3), np.nan)
    scores = classification.score(gold, gold, labels=LABELS, probabilities=known)
    assert np.isfinite(list(scores.values())).all()


def test_areas_are_left_out_where_all_gold_labels_are_the_same():
    gold, known = column("a", "a"), np.array([[0.5, 0.5]] * 2)
    scores = classification.score(gold, gold, labels=("a", "b"), probabilities=known)
    assert "roc_auc" not in scores and "pr_auc" not in scores


def test_scores_of_sets_are_those_of_scikit_learn():
    gold, answered = column("a|b", "c", "a , c"), column("a", "c|b", "a|c")
    truth = [[1, 1, 0], [0, 0, 1], [1, 0, 1]]
    predicted = [[1, 0, 0], [0, 1, 1], [1, 0, 1]]
    gold[2] = "a | c"
    scores = classification.score(gold, answered, labels=LABELS, separator="|")
    for average in classification.AVERAGES:
        wanted = metrics.f1_score(truth, predicted, average=average, zero_division=0)
        assert scores[f"f1_{average}"] == pytest.approx(wanted)
    assert scores["hamming_loss"] == pytest.approx(
        metrics.hamming_loss(truth, predicted)
    )


def test_calibration_error_is_the_weighted_gap_of_the_bins():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    hits = np.array([True, True, True, False])
    error = classification.calibration_error(confidence, hits)
    assert error == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)
