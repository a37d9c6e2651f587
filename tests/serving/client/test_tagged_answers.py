"""Answers of a tagger: lists that end where the row does, spans, words as requests."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.errors import RequestError
from tfnlp.serving.client.answers import rows
from tfnlp.serving.client.predictor import load
from tfnlp.specs import TEXT
from tfnlp.task import Task

TEXTS = ["Ann left New York", "", "Rome!"]


@pytest.fixture(scope="module")
def names(saved_tagger):
    """An artefact of names that has learnt nothing, but answers all sorts of tags."""
    return load(saved_tagger)


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """An artefact that takes a text and a whole number."""
    place = keras.Input([1], name="place")
    network = keras.Model({"place": place}, place * 1.0)
    return load(
        tfnlp.save(Counted(), network, "c", output=tmp_path_factory.mktemp("c"))
    )


class Counted(Task):
    """Answers the number of its request."""

    inputs = {"text": TEXT, "place": tf.TensorSpec([None], tf.int32)}  # noqa: RUF012

    def encode(self, inputs):
        return {"place": tf.cast(inputs["place"][:, None], tf.float32)}

    def loss(self, y, outputs):
        return outputs[:, 0]

    def decode(self, outputs, inputs):
        return {"place": inputs["place"], "text": inputs["text"]}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


@pytest.mark.slow
def test_lists_end_where_the_row_does(names):
    long, empty, short = names.predict(TEXTS)
    assert [long["tokens"], short["tokens"]] == [TEXTS[0].split(), ["Rome", "!"]]
    for answer in (long, empty, short):
        lists = [answer[name] for name in ("tags", "starts", "ends", "scores")]
        assert {len(each) for each in lists} == {len(answer["tokens"])}
    assert empty["tokens"] == empty["spans"] == []


@pytest.mark.slow
def test_a_row_reads_the_same_whatever_else_is_in_the_batch(names):
    for text, answer in zip(TEXTS, names.predict(TEXTS), strict=True):
        (alone,) = names.predict([text])
        scores = answer.pop("scores")
        assert alone.pop("scores") == pytest.approx(scores, rel=1e-4)
        assert answer == alone


@pytest.mark.slow
def test_spans_are_dictionaries_that_slice_the_text(names):
    texts = ["Ann left New York", "New York! 😀 Rome"]
    for text, answer in zip(texts, names.predict(texts), strict=True):
        assert next(iter(answer)) == "spans" and answer["spans"]
        for span in answer["spans"]:
            assert list(span) == ["text", "type", "start", "end"]
            assert text[span["start"] : span["end"]] == span["text"]


@pytest.mark.slow
def test_words_have_an_endpoint_of_their_own(names):
    rows = [
        {"tokens": ["Ann", "left."]},
        {"text": "Ann left."},
        {"tokens": "Ann left."},
    ]
    listed, text, joined = names.predict(rows)
    assert listed == joined
    assert (listed["tokens"], text["tokens"]) == (
        ["Ann", "left."],
        ["Ann", "left", "."],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["Ann", 7]}, "'tokens' holds text or a list of words. Received: ["),
        ({"text": ["Ann"]}, "The field 'text' holds text. Received: ['Ann']."),
        ({"token": "Ann"}, "exactly the fields text; or tokens. Received: token. Did"),
        ({"text": "Ann", "tokens": "Ann"}, "fields text; or tokens. Received: text, t"),
    ],
)
def test_a_request_that_fits_no_endpoint_is_reported(row, message, names):
    with pytest.raises(RequestError) as caught:
        names.predict([row])
    assert message in str(caught.value)


def test_integers_are_sent_as_integers(counted):
    (answer,) = counted.predict([{"text": "Ann left", "place": 1}])
    assert answer == {"place": 1, "text": "Ann left"}


@pytest.mark.parametrize("value", [1.5, 1.0, "1", True, None, [1], 2**40])
def test_what_is_no_whole_number_is_reported(value, counted):
    with pytest.raises(RequestError, match=r"The field 'place' holds whole numbers. R"):
        counted.predict([{"text": "Ann", "place": 1}, {"text": "Ann", "place": value}])


def test_lists_that_belong_together_are_cut_alike():
    columns = {
        "label": np.array([b"x", b"y"], object),
        "starts": np.array([[0, 0], [0, 2]]),
        "words": np.array([[b"a", b""], [b"a", b"b"]], object),
        "pair": np.array([[0.5, 0.0], [0.5, 0.5]]),
    }
    first, second = rows(columns, ["words", "starts"])
    assert first == {"label": "x", "pair": [0.5, 0.0], "starts": [0], "words": ["a"]}
    assert second["starts"] == [0, 2]


def test_no_rows_are_no_answers():
    assert list(rows({"tags": np.zeros((0, 0), object)}, ["tags"])) == []
