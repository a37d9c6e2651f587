"""Tagging in its forms: conformance, then what is special about it."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.data.tagging import schemes
from tfnlp.errors import DataError, UsageError
from tfnlp.evaluation.evaluate import evaluate, mean_loss
from tfnlp.export.savedmodel.artefact import export
from tfnlp.networks import cnn, rnn, word_features
from tfnlp.saving import from_json, to_json
from tfnlp.serving.client.predictor import load
from tfnlp.tasks.tagging import Tagging
from tfnlp.testing import check_task

SENTENCES = (
    "Ann|B-PER lives|O in|O New|B-LOC York|I-LOC",
    "Bob|B-PER Smith|I-PER left|O",
    "he|O saw|O Paris|B-LOC",
    "Rome|B-LOC",
    "nothing|O here|O",
    "Ann|B-PER and|O Bob|B-PER left|O Rome|B-LOC",
    "the|O EU|B-ORG met|O in|O Paris|B-LOC",
    "York|B-PER Smith|I-PER",
)


def row(sentence):
    words, tags = zip(*(word.split("|") for word in sentence.split()), strict=True)
    joined = " ".join(words)
    return {"tokens": joined, "text": joined, "tags": " ".join(tags)}


NAMES = from_list([row(sentence) for sentence in SENTENCES])
PLAIN = NAMES.map(
    lambda row: {**row, "tags": tf.strings.regex_replace(row["tags"], "[BI]-", "T")}
)


def tagging(rows=NAMES, **options):
    return Tagging.from_rows(rows, **options)


def builder(task, *, crf=True, characters=True, read=rnn):
    def build(hp):
        sizes = (
            task.words.sizes
            if characters
            else {"token_ids": len(task.words.vocabulary)}
        )
        start = word_features.embedding_inputs(
            sizes, embedding_dim=8, character_filters=8
        )
        encoder = read.encoder(start, hidden_dim=16, dropout=0.0)
        return task.network(encoder, crf=crf, dropout=0.0)

    return build


def shaken(task, **options):
    """A network whose weights are off their start values, so that tags vary."""
    network, random = builder(task, **options)(None), np.random.default_rng(1)
    for weight in network.weights:
        weight.assign_add(random.normal(scale=0.3, size=weight.shape))
    return network


class Tagger(NamedTuple):
    """A task, an untrained network of it, and a function from requests to answers."""

    task: Tagging
    network: keras.Model
    function: Callable

    def __call__(self, *requests):
        answer = self.function({self.task.request: tf.constant(requests)})
        return {name: column.numpy() for name, column in answer.items()}


def tagger(task, network):
    @tf.function(input_signature=[dict(task.inputs)])
    def answer(inputs):
        return dict(task.answer(network, inputs))

    return Tagger(task, network, answer)


@pytest.fixture(scope="module", params=["crf", "softmax"])
def ask(request):
    """Tags of BIOES inside, of BIO in the answer; words joined with spaces."""
    task = tagging(scheme="BIOES")
    return tagger(task, shaken(task, crf=request.param == "crf"))


@pytest.fixture(scope="module")
def ask_text():
    task = tagging().for_texts()
    return tagger(task, shaken(task))


def encoded(task, tokens, tags):
    return task.encode_targets(
        {"tokens": tf.constant(tokens), "tags": tf.constant(tags)}
    )


@pytest.mark.slow
def test_a_crf_on_texts_conforms(tmp_path):
    task = tagging(scheme="BIOES").for_texts()
    check_task(task, builder(task, read=cnn), NAMES, tmp_path)


@pytest.mark.slow
def test_plain_tags_of_words_conform(tmp_path, check_form):
    task = tagging(PLAIN)
    check_form(task, builder(task, crf=False, read=cnn), PLAIN, tmp_path)


@pytest.mark.long
@pytest.mark.slow
def test_plain_tags_of_words_conform_in_every_engine(tmp_path):
    task = tagging(PLAIN)
    check_task(task, builder(task, crf=False, read=cnn), PLAIN, tmp_path)


def test_an_answer_has_words_tags_offsets_and_scores(ask_text):
    answer = ask_text("Ann saw né New York!", "")
    assert answer["tokens"][0].tolist() == "Ann saw né New York !".encode().split()
    assert answer["starts"][0].tolist() == [0, 4, 8, 11, 15, 19]
    assert answer["ends"][0].tolist() == [3, 7, 10, 14, 19, 20]
    assert ((answer["scores"][0] > 0) & (answer["scores"][0] <= 1)).all()
    assert not any(column[1].any() for column in answer.values())


def test_spans_are_slices_of_the_request(ask_text):
    text = "  Ann,  né\u3000New York \U0001f600 EU!"
    answer = ask_text(text)
    found = zip(answer["span_starts"][0], answer["span_ends"][0], strict=True)
    slices = [text[start:end].encode() for start, end in found]
    assert slices and slices == answer["span_texts"][0].tolist()
    spans = schemes.spans([tag.decode() for tag in answer["tags"][0]])
    assert [kind.encode() for kind, _, _ in spans] == answer["span_types"][0].tolist()


def test_answers_keep_to_the_scheme(ask):
    answer = ask("he Ann Rome in York", "Smith Smith", "Ann")
    tags = [[tag.decode() for tag in row if tag] for row in answer["tags"]]
    assert [len(row) for row in tags] == [5, 2, 1]
    assert not any(schemes.repair(row, "BIO").changes for row in tags)


@pytest.mark.parametrize("sentence", ["", " ", "Ann", "Rome\u00a0 x", "a  b"])
def test_an_answer_does_not_depend_on_its_batch(sentence, ask):
    alone, batch = ask(sentence), ask("he saw Paris and lives in the EU", sentence)
    for name, column in alone.items():
        size = column.shape[1]
        if column.dtype == object:
            assert column[0].tolist() == batch[name][1][:size].tolist()
        else:
            np.testing.assert_allclose(column[0], batch[name][1][:size], atol=1e-5)
        assert not batch[name][1][size:].any()


def test_plain_tags_have_no_spans():
    task = tagging(PLAIN)
    answer = tagger(task, shaken(task, crf=False))("Ann left")
    assert (task.scheme, task.answer_scheme) == (None, None)
    assert set(answer) == {"tokens", "tags", "starts", "ends", "scores"}


def test_gold_tags_of_any_scheme_are_learnt_alike():
    task = tagging(scheme="BIOES")
    words = ["Ann left New York"]
    first, _ = encoded(task, words, ["B-PER O B-LOC I-LOC"])
    second, weight = encoded(task, words, ["S-PER O B-LOC L-LOC"])
    assert first.numpy().tolist() == second.numpy().tolist()
    assert task.tags.tokens(first[0]).numpy().tolist() == [
        b"S-PER",
        b"O",
        b"B-LOC",
        b"E-LOC",
    ]
    assert weight.numpy().tolist() == [4.0]


def test_a_row_with_an_unknown_tag_or_too_few_is_not_learnt_from():
    tags = ["O B-PER", "O B-NEW", "O", "O O O", ""]
    _, weight = encoded(tagging(), ["a b"] * 4 + [""], tags)
    assert weight.numpy().tolist() == [2.0, 0.0, 0.0, 0.0, 0.0]


def test_a_row_with_an_unknown_tag_is_scored(ask):
    strange = {"tokens": "Ann left", "text": "", "tags": "B-NEW O"}
    report = evaluate(ask.task, ask.network, from_list([strange]), repeats=10)
    assert report.scores["recall"] == 0.0
    assert np.isfinite(report.scores["loss"])


def test_the_loss_is_a_mean_over_words(ask):
    sides = (NAMES.take(1), NAMES.skip(1))
    whole, *parts = (mean_loss(ask.task, ask.network, r) for r in (NAMES, *sides))
    words = sum(len(sentence.split()) for sentence in SENTENCES)
    assert whole * words == pytest.approx(5 * parts[0] + (words - 5) * parts[1])


def test_a_constrained_loss_is_lower():
    free, bound = tagging(), tagging(constrained=True)
    network = shaken(free)
    assert mean_loss(bound, network, NAMES) < mean_loss(free, network, NAMES)


def test_right_answers_score_one_in_any_scheme():
    task = tagging(scheme="BIOES")
    rows = {"tags": np.array(["S-PER O", "B-LOC E-LOC"], object)}
    answers = {"tags": np.array([["B-PER", "O", ""], ["B-LOC", "I-LOC", ""]], object)}
    found = task.score(rows, answers)
    assert {found[name] for name in ("f1", "token_accuracy", "sentence_accuracy")} == {
        1.0
    }


def test_a_network_can_go_without_characters():
    task = tagging()
    answer = tagger(task, shaken(task, characters=False))("Ann")
    assert answer["tags"].shape == (1, 1)


@pytest.mark.slow
def test_an_artefact_takes_texts_and_tokens_and_is_scored_by_tokens(tmp_path):
    task = tagging()
    network = shaken(task)
    predictor = load(export(task.for_texts(), network, "names", output=tmp_path))
    (answer,) = predictor.predict(["Ann saw Rome."])
    assert answer["tokens"] == ["Ann", "saw", "Rome", "."]
    (answer,) = predictor.predict([{"tokens": "saw Rome."}], endpoint="from_tokens")
    assert answer["tokens"] == ["saw", "Rome."]
    assert list(predictor.task.inputs) == ["tokens"]


def test_a_task_is_what_its_json_says():
    task = tagging(scheme="BIOES", tokenizer="characters", constrained=True)
    twin = from_json(to_json(task.for_texts()))
    assert twin.config() == task.config() and twin.request == "tokens"


def test_rows_that_cannot_be_learnt_from_are_refused():
    with pytest.raises(DataError, match="row 1 with 2 words and 1 tag: "):
        tagging(from_list([{"tokens": "a b", "tags": "O"}]))
    with pytest.raises(DataError, match="Received: no tag at all"):
        tagging(from_list([{"tokens": "", "tags": ""}]))
    with pytest.raises(UsageError, match="Received: 'BIOUL2'"):
        tagging(scheme="BIOUL2")
