"""Figures of classification stay small, and say what they leave out."""

import json

import numpy as np
import pytest
from sklearn import metrics

from tfnlp.scores import classification_figures, figures, label_encoding


def drawn(rows: int, classes: int, separator: str | None = None) -> dict:
    random = np.random.default_rng(0)
    labels = np.array([f"class {number}" for number in range(classes)], object)
    known = random.dirichlet(np.ones(classes), rows)
    made = classification_figures.figures(
        np.array(["a text " * 100] * rows, object),
        labels[random.integers(0, classes, rows)],
        labels[known.argmax(1)],
        labels=tuple(labels),
        probabilities=known,
        separator=separator,
    )
    return {figure.title: figure for figure in made}


def test_a_matrix_of_many_classes_shows_the_most_confused():
    matrix = drawn(900, 40)["Confusion matrix: the 30 most confused of 40 classes"]
    assert np.shape(matrix.counts) == (30, 30)


def test_a_matrix_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    gold, answered = np.array(list("cabd"), object)[random.integers(0, 4, [2, 99])]
    matrix = classification_figures.confusion(
        label_encoding.codes(gold, answered, "abcd")
    )
    wanted = metrics.confusion_matrix(list(gold), list(answered), labels=list("abcd"))
    assert np.array_equal(matrix.counts, wanted)


def test_rows_of_one_class_have_a_matrix_without_a_warning():
    column = np.array(["b", "b"], object)
    matrix = classification_figures.confusion(
        label_encoding.codes(column, column, "ab")
    )
    assert (matrix.labels, matrix.counts) == (("b",), ((2,),))


def test_the_errors_are_the_surest_ones_and_short():
    [table] = [f for title, f in drawn(200, 5).items() if title.startswith("Worst")]
    scores = [row[-1] for row in table.rows]
    assert len(scores) == 25 and scores == sorted(scores, reverse=True)
    assert len(table.rows[0][0]) == 300
    assert all(gold != answered for _, gold, answered, _ in table.rows)


def test_sets_of_labels_have_no_matrix():
    made = drawn(50, 4, separator="|")
    assert not any(isinstance(figure, figures.Matrix) for figure in made.values())
    assert "Calibration" in made


def test_no_rows_have_no_figures():
    assert drawn(0, 3) == {}


def test_texts_without_spaces_are_measured_in_characters():
    texts = np.array(["这部电影真的很好看我非常喜欢它的故事情节", "好"], object)
    bars = classification_figures.length_histogram(texts)
    assert bars.title == "Length of texts in characters"
    assert sum(bars.values) == 2


def test_one_very_long_text_shares_the_last_bar():
    texts = np.array(["word"] * 300 + ["word " * 9999], object)
    bars = classification_figures.length_histogram(texts)
    assert (bars.names, bars.values) == (("≥ 1",), (301,))


def test_classes_count_a_label_that_training_never_saw():
    codes = label_encoding.codes(
        np.array(["a", "new"], object), np.array(["a", "a"], object), ["a"]
    )
    table = classification_figures.per_class(codes.counts())
    assert table.rows[1] == ("new", 1, 0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("separator", [None, "|"])
def test_figures_come_back_from_json(separator):
    for figure in drawn(60, 3, separator).values():
        assert figures.from_json(json.loads(json.dumps(figure.to_json()))) == figure
