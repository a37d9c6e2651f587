"""The engine answers every row once, in order, through one traced function."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.rows import from_list
from tfnlp.errors import DataError, SchemaError
from tfnlp.evaluation.evaluate import evaluate, mean_loss
from tfnlp.prediction import predict, predict_with_targets
from tfnlp.scores import classification, classification_figures
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Task

LABELS = ("dull", "good")


class Keyword(Task):
    """Whether a text holds the word 'good'; counts how often it is traced."""

    def __init__(self):
        super().__init__()
        self.inputs = {"text": TEXT}
        self.targets = {"label": TEXT, "weight": NUMBER}
        self.traces = 0

    def encode(self, inputs):
        self.traces += 1
        found = tf.strings.regex_full_match(inputs["text"], "(?s).*good.*")
        return {"found": tf.cast(found, tf.float32)[:, None]}

    def encode_targets(self, row):
        return tf.cast(row["label"] == "good", tf.float32), row["weight"]

    def loss(self, y, outputs):
        return (y - outputs[:, 0]) ** 2

    def decode(self, outputs, inputs):
        probability = outputs[:, 0]
        return {
            "label": tf.where(probability > 0.5, "good", "dull"),
            "score": tf.maximum(probability, 1 - probability),
            "probabilities": tf.stack([1 - probability, probability], axis=1),
            "echo": inputs["text"],
            "words": tf.strings.split(inputs["text"]).to_tensor(),
        }

    def score(self, rows, answers):
        return classification.score(
            rows["label"],
            answers["label"],
            labels=LABELS,
            probabilities=answers["probabilities"],
        )

    def headline(self, rows, answers):
        return {"accuracy": float(np.mean(rows["label"] == answers["label"]))}

    def figures(self, rows, answers):
        return classification_figures.figures(
            rows["text"],
            rows["label"],
            answers["label"],
            labels=LABELS,
            probabilities=answers["probabilities"],
        )

    def config(self):
        return {}


@pytest.fixture
def model() -> keras.Model:
    """Says 0.9 where the word was found, else 0.1."""
    found = keras.Input([1], name="found")
    outputs = keras.layers.Rescaling(0.8, 0.1)(found)
    return keras.Model({"found": found}, outputs)


def rows(*texts: str | bytes, weights: list[float] | None = None) -> tf.data.Dataset:
    """Rows whose labels are right but for the last one."""
    labels = ["good" if b"good" in tf.compat.as_bytes(t) else "dull" for t in texts]
    labels[-1:] = ["good" if label == "dull" else "dull" for label in labels[-1:]]
    return tf.data.Dataset.from_tensor_slices(
        {
            "text": tf.constant(list(texts), tf.string, [len(texts)]),
            "label": tf.constant(labels, tf.string, [len(texts)]),
            "weight": tf.constant(weights or [1.0] * len(texts), shape=[len(texts)]),
            "id": tf.range(len(texts)),
        }
    )


TEXTS = ["a good film", "", "dull 😀 film", "很 good", "so long " * 9, "a good end"]


def test_a_report_holds_scores_intervals_and_facts(model):
    report = evaluate(
        Keyword(),
        model,
        rows(*TEXTS),
        batch_size=4,
        seconds={"train": 2.0},
        history={"loss": [np.float32(0.5)]},
        counts={"train": 90},
        repeats=20,
    )
    assert report.scores["accuracy"] == pytest.approx(5 / 6)
    assert set(report.intervals) == {"accuracy"}
    assert set(report.seconds) == {"train", "evaluate"}
    assert report.rows == {"train": 90, "test": 6}
    assert report.history == {"loss": [0.5]}
    assert report.versions["tensorflow"] == tf.__version__
    assert len(report.figures) == 6


def test_one_pass_gives_answers_and_loss(model):
    calls = []

    class Counted(Keyword):
        def encode_targets(self, row):
            calls.append("targets")
            return super().encode_targets(row)

        def encode(self, inputs):
            calls.append("encode")
            return super().encode(inputs)

    report = evaluate(Counted(), model, rows(*TEXTS), batch_size=4, repeats=0)
    assert calls == ["encode", "targets"]  # each traced once
    assert report.scores["loss"] == pytest.approx(
        mean_loss(Keyword(), model, rows(*TEXTS)), rel=1e-6
    )


def test_a_task_with_an_answer_of_its_own_is_scored_in_two_passes(model):
    class Shouting(Keyword):
        def answer(self, model, inputs):
            found = dict(super().answer(model, inputs))
            return found | {"echo": tf.strings.upper(found["echo"])}

    report = evaluate(Shouting(), model, rows(*TEXTS), repeats=0)
    assert report.scores["loss"] == pytest.approx(
        mean_loss(Keyword(), model, rows(*TEXTS)), rel=1e-6
    )


@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_every_row_is_answered_once_and_in_order(model, batch_size):
    gold, answered = predict_with_targets(
        Keyword(), model, rows(*TEXTS), batch_size=batch_size
    )
    assert gold["text"].tolist() == answered["echo"].tolist() == TEXTS
    assert answered["probabilities"].shape == (6, 2)


def test_rows_of_similar_length_are_batched_and_answers_are_in_order(model):
    """More of them than are sorted together: 50 batches."""
    texts = [f"{number} " + "long " * (number * 7 % 13) for number in range(120)]
    seen = []

    def watched(features):
        tf.py_function(lambda found: seen.append(len(found)), [features["found"]], [])
        return model(features)

    gold, answered = predict_with_targets(
        Keyword(), watched, rows(*texts), batch_size=2
    )
    assert gold["text"].tolist() == answered["echo"].tolist() == texts
    assert sum(seen) == 120 and set(seen) == {2}
    widths = [len(row.split()) for row in texts]
    assert [int((row != "").sum()) for row in answered["words"]] == widths


def test_answers_are_traced_once_for_all_batch_sizes(model):
    task = Keyword()
    predict_with_targets(task, model, rows(*TEXTS), batch_size=4)
    assert task.traces == 1


def test_shorter_answers_are_padded(model):
    _, answered = predict_with_targets(
        Keyword(), model, rows("a b c", "d"), batch_size=1
    )
    assert answered["words"].tolist() == [["a", "b", "c"], ["d", "", ""]]


def test_invalid_utf_8_is_replaced(model):
    gold, _ = predict_with_targets(Keyword(), model, rows(b"caf\xe9", "a"))
    assert gold["text"][0] == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_loss_is_the_weighted_mean_whatever_the_batches(model, batch_size):
    weighted = rows(*TEXTS, weights=[1.0, 1.0, 1.0, 1.0, 0.0, 2.0])
    loss = mean_loss(Keyword(), model, weighted, batch_size=batch_size)
    assert loss == pytest.approx((4 * 0.01 + 2 * 0.81) / 6)


def test_rows_without_weight_have_no_loss(model):
    assert mean_loss(Keyword(), model, rows("a", weights=[0.0])) == 0


def test_no_rows_are_refused(model):
    with pytest.raises(DataError, match=r"at least one row .* Received: no rows\."):
        evaluate(Keyword(), model, rows("a").take(0))


def test_rows_without_a_target_are_refused(model):
    unlabelled = rows("a").map(lambda row: {"text": row["text"], "lable": row["label"]})
    with pytest.raises(SchemaError, match=r"no field 'label'.* Did you mean 'lable'"):
        evaluate(Keyword(), model, unlabelled)


def test_rows_without_targets_are_answered(model):
    texts = from_list([{"text": text} for text in TEXTS])
    answered = predict(Keyword(), model, texts, batch_size=4)
    expected = predict_with_targets(Keyword(), model, rows(*TEXTS), batch_size=4)[1]
    assert answered["echo"].tolist() == TEXTS
    np.testing.assert_array_equal(answered["probabilities"], expected["probabilities"])
