"""Golden rows: what they hold, and what they forgive."""

import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.errors import ExportError
from tfnlp.export import golden_rows
from tfnlp.text.vectorizer.vectorizer import Vectorizer
from tfnlp.text.vocabulary import Vocabulary

TASK = tfnlp.Classification(
    Vectorizer(("film", "fine")), Vocabulary(("neg", "pos")), text_pair=True
)


def test_golden_rows_hold_odd_texts_and_words_of_the_task():
    texts = golden_rows.golden(TASK)["first"].numpy().tolist()
    assert b"" in texts and b"a\x00b" in texts
    assert any(b"film" in text for text in texts)


def test_golden_rows_of_a_pair_are_two_texts():
    first, second = golden_rows.golden(TASK).values()
    assert first.shape == second.shape
    assert tf.reduce_sum(tf.cast(first == second, tf.int32)) < 3


@pytest.mark.parametrize(
    "other",
    [
        {"score": np.array([0.6]), "label": np.array(["b"], object)},
        {"score": np.array([0.5]), "label": np.array(["a"], object)},
        {"score": np.array([[0.5]]), "label": np.array(["b"], object)},
        {"score": np.array([np.nan]), "label": np.array(["b"], object)},
    ],
)
def test_answers_that_differ_are_an_error(other):
    ours = {"score": np.array([0.5]), "label": np.array(["b"], object)}
    with pytest.raises(ExportError, match="must answer like the SavedModel"):
        golden_rows.max_difference(ours, other)


def test_a_small_difference_is_reported():
    ours, theirs = {"score": np.array([0.5])}, {"score": np.array([0.50001])}
    assert golden_rows.max_difference(ours, theirs) == pytest.approx(1e-5)


def test_a_row_that_sees_its_neighbours_is_an_error():
    def answer(inputs):
        return {"mean": np.full(len(inputs["x"]), np.mean(inputs["x"]))}

    with pytest.raises(ExportError):
        golden_rows.check_single_rows(answer, {"x": np.arange(9.0)})
