"""Roles of a predicate: conformance, then what is special about the task."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import DataError, RequestError
from tfnlp.evaluation.evaluate import evaluate
from tfnlp.export.savedmodel.artefact import export
from tfnlp.networks import cnn, word_features
from tfnlp.networks.predicate import add_predicate_features
from tfnlp.saving import from_json, to_json
from tfnlp.serving.client.predictor import load
from tfnlp.tasks.semantic_roles import SemanticRoles
from tfnlp.testing import check_task

SENTENCES = (
    ("Ann left and Bob stayed", 1, "B-ARG0 B-V O O O"),
    ("Ann left and Bob stayed", 4, "O O O B-ARG1 B-V"),
    ("he saw the old town", 1, "B-ARG0 B-V B-ARG1 I-ARG1 I-ARG1"),
    ("Bob gave up smoking", 1, "B-ARG0 B-V I-V B-ARG1"),
    ("Bob gave up smoking", 3, "B-ARG0 O O B-V"),
    ("today it rained", 2, "B-ARGM-TMP O B-V"),
    ("the town that he left", 4, "B-ARG1 I-ARG1 B-R-ARG1 B-ARG0 B-V"),
    ("ask Ann", 0, "B-V B-ARG2"),
)


def row(tokens, predicate, tags):
    start = len(" ".join(tokens.split()[:predicate])) + bool(predicate)
    return {"tokens": tokens, "predicate": predicate, "tags": tags, "start": start}


ROWS = from_list([row(*sentence) for sentence in SENTENCES])
TEXTS = ROWS.map(
    lambda row: {"text": row["tokens"], "predicate": row["start"], "tags": row["tags"]}
)


def builder(task, *, crf=True):
    def build(hp):
        start = word_features.embedding_inputs(
            task.words.sizes, embedding_dim=8, character_filters=8
        )
        start = add_predicate_features(start, distance_dim=8, predicate_dim=8)
        return task.network(
            cnn.encoder(start, hidden_dim=16, dropout=0.0), crf=crf, dropout=0.0
        )

    return build


def shaken(task, **options):
    """A network whose weights are off their start values, so that tags vary."""
    network, random = builder(task, **options)(None), np.random.default_rng(1)
    for weight in network.weights:
        weight.assign_add(random.normal(scale=0.3, size=weight.shape))
    return network


def tagger(task, network):
    """A function from requests, each a text and a place, to the answers to them."""

    @tf.function(input_signature=[dict(task.inputs)])
    def answer(inputs):
        return dict(task.answer(network, inputs))

    def ask(*requests):
        texts, places = zip(*requests, strict=True)
        inputs = {task.request: tf.constant(texts), "predicate": tf.constant(places)}
        return {name: column.numpy() for name, column in answer(inputs).items()}

    return ask


@pytest.fixture(scope="module", params=["crf", "softmax"])
def ask(request):
    task = SemanticRoles.from_rows(ROWS, scheme="BIOES")
    return tagger(task, shaken(task, crf=request.param == "crf"))


@pytest.fixture(scope="module")
def ask_text():
    task = SemanticRoles.from_rows(ROWS).for_texts()
    return tagger(task, shaken(task))


@pytest.mark.slow
def test_words_as_requests_conform(tmp_path):
    """A CRF; what softmax does with texts is in test_intent_and_slots.py."""
    task = SemanticRoles.from_rows(ROWS, scheme="BIO")
    check_task(task, builder(task, crf=True), ROWS, tmp_path)


def test_the_predicate_is_always_the_predicate(ask):
    answer = ask(("he saw the old town", 3), ("Ann", 0), ("a b c", 2))
    tags = answer["tags"].astype(str)
    assert [tags[0, 3][2:], tags[1, 0][2:], tags[2, 2][2:]] == ["V", "V", "V"]
    assert (answer["span_types"] == b"V").sum(axis=1).tolist() == [1, 1, 1]
    assert answer["predicate_text"].tolist() == [b"old", b"Ann", b"c"]


@pytest.mark.parametrize("place", [-1, 3, 4, 2**31 - 1, -(2**31)])
def test_without_a_predicate_there_is_no_role(ask, place):
    answer = ask(("Ann left it", place), ("he saw the old town", 1))
    assert answer["tags"][0].tolist() == [b"O", b"O", b"O", b"", b""]
    assert not answer["span_types"][0].any() and answer["predicate_text"][0] == b""
    assert (answer["scores"][0, :3] == 1).all()


def test_an_empty_request_has_an_empty_answer(ask, ask_text):
    for answer in (ask(("", 0)), ask_text(("", 0))):
        assert answer["tags"].shape == (1, 0) and answer["predicate_text"] == [b""]


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (0, "Né"),
        (1, "Né"),
        (2, ","),
        (3, ""),
        (4, "saw"),
        (6, "saw"),
        (9, "😀"),
        (11, ""),
    ],
)
def test_a_predicate_of_a_text_is_the_word_that_holds_a_character(
    ask_text, place, word
):
    answer = ask_text(("Né, saw  😀 ", place))
    assert answer["predicate_text"][0].decode() == word
    found = [place for place, tag in enumerate(answer["tags"][0]) if tag == b"B-V"]
    words = ["Né", ",", "saw", "😀"]
    assert found[:1] == ([words.index(word)] if word else [])


def test_an_answer_does_not_depend_on_its_batch(ask):
    request = ("saw the town", 2)
    alone, batch = ask(request), ask(("today he saw the old town", 0), request)
    assert alone["predicate_text"][0] == batch["predicate_text"][1] == b"town"
    assert alone["tags"][0].tolist() == batch["tags"][1, :3].tolist()
    np.testing.assert_allclose(
        alone["scores"][0], batch["scores"][1, :3], rtol=1e-4, atol=1e-5
    )


def test_the_predicates_own_spans_are_not_scored():
    task = SemanticRoles.from_rows(ROWS)
    tags = np.array(["B-ARG0 B-V O B-C-V B-C-ARG0"], object)
    missed = np.array([["B-ARG0", "B-V", "O", "O", "B-ARG0"]], object)
    found = task.score({"tags": tags}, {"tags": missed})
    assert (found["precision"], found["recall"]) == (0.5, 0.5)
    assert task.headline({"tags": tags}, {"tags": missed})["f1"] == 0.5


def test_figures_show_the_predicate():
    task = SemanticRoles.from_rows(ROWS)
    rows = {"tags": np.array(["B-ARG0 B-V"], object)}
    answers = {
        "tokens": np.array([["Ann", "left", ""]], object),
        "tags": np.array([["O", "B-V", ""]], object),
    }
    assert any("*left*" in str(figure) for figure in task.figures(rows, answers))


def test_roles_that_nobody_tagged_v_are_learnt_too():
    rows = [{"tokens": "Ann left", "predicate": 1, "tags": "B-ARG0 O"}]
    task = SemanticRoles.from_rows(from_list(rows))
    answer = tagger(task, shaken(task))(("Ann left", 1))
    assert answer["predicate_text"] == [b"left"]


def test_a_row_is_scored_like_any_other(ask):
    task = SemanticRoles.from_rows(ROWS, scheme="BIOES")
    report = evaluate(task, shaken(task), ROWS, repeats=10)
    assert {"f1", "token_accuracy"} <= set(report.intervals)


@pytest.mark.slow
def test_an_artefact_takes_texts_and_tokens(tmp_path):
    task = SemanticRoles.from_rows(ROWS)
    folder = export(task.for_texts(), shaken(task), "roles", output=tmp_path)
    predictor = load(folder)
    text, words = predictor.predict(
        [
            {"text": "Ann left.", "predicate": 4},
            {"tokens": "Ann left .", "predicate": 1},
        ]
    )
    assert text["predicate_text"] == words["predicate_text"] == "left"
    assert (text["tokens"], text["tags"]) == (words["tokens"], words["tags"])
    with pytest.raises(RequestError, match=r"whole numbers\. Received: 'left'"):
        predictor.predict([{"text": "Ann left.", "predicate": "left"}])


def test_a_task_is_what_its_json_says():
    task = SemanticRoles.from_rows(ROWS, scheme="BIOES")
    twin = from_json(to_json(task.for_texts()))
    assert isinstance(twin, SemanticRoles)
    assert twin.config() == task.config() and twin.request == "tokens"


def test_tags_without_an_outside_are_refused():
    rows = [{"tokens": "Ann left", "predicate": 1, "tags": "NOUN VERB"}]
    with pytest.raises(DataError, match="Received: NOUN, VERB without it"):
        SemanticRoles.from_rows(from_list(rows))
