"""Intent and slots: conformance, then what the second head adds to tagging."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import DataError, SchemaError, UsageError
from tfnlp.evaluation.evaluate import evaluate, mean_loss
from tfnlp.networks import cnn, word_features
from tfnlp.saving import from_json, to_json
from tfnlp.tasks.intent_and_slots import IntentAndSlots
from tfnlp.tasks.tagging import Tagging
from tfnlp.testing import check_task

REQUESTS = (
    ("play", "play|O some|O jazz|B-genre"),
    ("play", "play|O New|B-album York|I-album"),
    ("ask", "rain|O today|B-day in|O York|B-city"),
    ("ask", "is|O it|O cold|O in|O New|B-city York|I-city"),
    ("play#ask", "jazz|B-genre today|B-day"),
    ("book", "a|O table|O for|O two|B-size today|B-day"),
    ("book", "book|O a|O table|O in|O York|B-city"),
    ("play", "jazz|B-genre please|O"),
)


def row(intent, sentence):
    words, tags = zip(*(word.split("|") for word in sentence.split()), strict=True)
    joined = " ".join(words)
    tags = " ".join(tags)
    return {"tokens": joined, "text": joined, "tags": tags, "intent": intent}


ROWS = from_list([row(*request) for request in REQUESTS])


def joint(rows=ROWS, **options):
    return IntentAndSlots.from_rows(rows, **options)


def builder(task, *, crf=True, pooling=("mean", "max")):
    def build(hp):
        start = word_features.embedding_inputs(
            task.words.sizes, embedding_dim=8, character_filters=8
        )
        encoder = cnn.encoder(start, hidden_dim=16, dropout=0.0)
        return task.network(encoder, crf=crf, dropout=0.0, pooling=pooling)

    return build


def shaken(task, **options):
    """A network whose weights are off their start values, so that answers vary."""
    network, random = builder(task, **options)(None), np.random.default_rng(1)
    for weight in network.weights:
        weight.assign_add(random.normal(scale=0.3, size=weight.shape))
    return network


def encoded(task, tokens, tags, intents):
    row = {"tokens": tokens, "tags": tags, "intent": intents}
    return task.encode_targets({name: tf.constant(each) for name, each in row.items()})


def columns(tags, intents):
    return {"tags": np.array(tags, object), "intent": np.array(intents, object)}


@pytest.mark.slow
def test_texts_as_requests_conform(tmp_path):
    """Softmax; what a CRF does is in test_tagging.py and test_semantic_roles.py."""
    task = joint(scheme="BIOES").for_texts()
    check_task(task, builder(task, crf=False), ROWS, tmp_path)


def test_an_answer_has_an_intent_besides_what_tagging_answers():
    task = joint()
    answer = tf.function(task.answer)(
        shaken(task, pooling=("attention",)),
        {"tokens": tf.constant(["rain in York", ""])},
    )
    assert {"tokens", "tags", "scores", "span_types", "starts"} < set(answer)
    assert set(answer["intent"].numpy()) <= {b"ask", b"book", b"play", b"play#ask"}
    assert answer["intent_score"].shape == (2,)
    assert all(0.25 <= score <= 1 for score in answer["intent_score"].numpy())


def test_texts_and_tokens_have_their_own_endpoints():
    task = joint(intent_weight=2.0).for_texts()
    assert isinstance(task, IntentAndSlots) and task.intent_weight == 2.0
    assert list(task.endpoints()) == ["serving_default", "from_tokens"]


def test_a_row_weighs_its_words_and_its_intent():
    _, weight = encoded(
        joint(intent_weight=3.0),
        ["a b", "a b", "a b", ""],
        ["O B-day", "O B-NEW", "O O", "O"],
        [" ask ", "ask", "what", "what"],
    )
    assert weight.numpy().tolist() == [5.0, 3.0, 2.0, 0.0]


def test_the_loss_is_a_mean_over_words_and_intents():
    task = joint(intent_weight=3.0)
    y, _ = encoded(task, ["a b"] * 3, ["O O", "O O", "O B-NEW"], ["ask", "what", "ask"])
    logits = np.zeros([3, 2, len(task.tags)], np.float32)
    intent = np.array([[5.0, 0.0, 0.0, 0.0]] * 3, np.float32)
    loss = task.loss(y, {"tags": logits, "intent": intent}).numpy()
    slots, right = np.log(len(task.tags)), np.log1p(3 * np.exp(-5.0))
    expected = [(2 * slots + 3 * right) / 5, slots, right]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("crf", [True, False], ids=["crf", "softmax"])
def test_without_a_weight_the_loss_is_that_of_tagging(crf):
    task = joint(intent_weight=0.0)
    network = shaken(task, crf=crf)
    alone = Tagging.from_rows(ROWS)
    slots = mean_loss(alone, lambda features: network(features)["tags"], ROWS)
    assert mean_loss(task, network, ROWS) == pytest.approx(slots)


def test_a_sentence_is_right_if_intent_and_slots_are():
    task = joint(scheme="BIOES")
    rows = columns(["O B-day", "O S-day", "O O"], ["ask", " play", "strange"])
    tags = [["O", "B-day", ""], ["O", "O", ""], ["O", "O", ""]]
    found = task.score(rows, columns(tags, ["ask", "play", "ask"]))
    assert found["intent_accuracy"] == pytest.approx(2 / 3)
    assert found["sentence_accuracy"] == pytest.approx(1 / 3)
    assert (found["precision"], found["recall"]) == (1.0, 0.5)


@pytest.mark.slow
def test_scores_of_intents_carry_intervals_and_unknown_ones_are_wrong():
    task = joint()
    strange = {"tokens": "play jazz", "text": "", "tags": "O B-NEW", "intent": "sing"}
    report = evaluate(task, shaken(task), from_list([strange] * 2), repeats=10)
    assert report.scores["intent_accuracy"] == report.scores["sentence_accuracy"] == 0.0
    assert {"f1", "intent_accuracy", "sentence_accuracy"} <= set(report.intervals)
    assert np.isfinite(report.scores["loss"])


def test_figures_show_which_intents_are_confused():
    task = joint()
    rows = columns(["O", "O"], ["ask", "sing"]) | {"tokens": np.array(["a", "b"])}
    answers = columns([["O"], ["O"]], ["book", "ask"]) | {
        "tokens": np.array([["a"], ["b"]], object)
    }
    *_, matrix, table = task.figures(rows, answers)
    assert matrix.title == "Intents: confusion matrix"
    assert matrix.labels == ("ask", "book", "sing")
    assert table.columns[0] == "intent" and len(table.rows) == 3


def test_a_task_is_what_its_json_says():
    task = joint(scheme="BIOES", intent_weight=0.5, constrained=True)
    twin = from_json(to_json(task.for_texts()))
    assert twin.config() == task.config() and twin.intents.entries[0] == "ask"


def test_rows_that_cannot_be_learnt_from_are_refused():
    plain = {"tokens": "a", "tags": "B-x"}
    with pytest.raises(SchemaError, match="Row has no field 'intent'"):
        joint(from_list([plain]))
    with pytest.raises(DataError, match="Received: 'ask'"):
        joint(from_list([{**plain, "intent": name} for name in ("ask", " ask", "")]))
    with pytest.raises(UsageError, match=r"Received: -1\.0"):
        joint(intent_weight=-1.0)
