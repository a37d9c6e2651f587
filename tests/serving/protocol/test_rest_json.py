"""TF Serving's JSON: what is read, what is refused, and what is written."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.serving.protocol.json_tensors import array
from tfnlp.serving.protocol.rest_json import (
    columns,
    parsed,
    predictions,
    signature_name,
)
from tfnlp.serving.protocol.status import CODES, HTTP, StatusError

TEXT = tf.TensorSpec([None], tf.string)
FLOATS = tf.TensorSpec([None], tf.float32)
ONE = {"text": TEXT}
TWO = {"text": TEXT, "size": FLOATS}


def test_every_code_has_a_status_of_http():
    assert HTTP.keys() == CODES.keys()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: "),
        (b"[1]", "JSON Value: [1] Is not object"),
        (b"[" * 100_000, "JSON Parse error: "),
        (b'{"a": ' + b"1" * 5000 + b"}", "JSON Parse error: "),
    ],
)
def test_what_is_no_object_is_refused(body, message):
    with pytest.raises(StatusError) as error:
        parsed(body)
    assert error.value.code == "INVALID_ARGUMENT"
    assert error.value.message.startswith(message)


def test_a_name_of_a_signature_is_text():
    assert signature_name({"signature_name": "n_best"}) == "n_best"
    with pytest.raises(
        StatusError, match="'signature_name' key must be a string value"
    ):
        signature_name({"signature_name": 3})


@pytest.mark.parametrize(
    ("document", "fields", "expected"),
    [
        ({"instances": ["a", "b"]}, ONE, {"text": [b"a", b"b"]}),
        ({"instances": [{"text": "a"}]}, ONE, {"text": [b"a"]}),
        ({"instances": [{"b64": "/w=="}]}, ONE, {"text": [b"\xff"]}),
        ({"instances": [{"b64": "/w"}]}, ONE, {"text": [b"\xff"]}),
        ({"inputs": ["a", "b"]}, ONE, {"text": [b"a", b"b"]}),
        ({"inputs": {"text": ["é"]}}, ONE, {"text": ["é".encode()]}),
        (
            {"instances": [{"text": "a", "size": 1}, {"size": 2.5, "text": "b"}]},
            TWO,
            {"text": [b"a", b"b"], "size": [1.0, 2.5]},
        ),
        (
            {"inputs": {"text": ["a"], "size": [1, 2]}},
            TWO,
            {"text": [b"a"], "size": [1.0, 2.0]},
        ),
    ],
)
def test_rows_and_columns_are_read(document, fields, expected):
    found, by_row = columns(document, fields)
    assert {name: column.tolist() for name, column in found.items()} == expected
    assert by_row == ("instances" in document)


def test_a_field_with_a_default_may_be_left_out():
    document = {"instances": ["a", "b"]}
    assert columns(document, TWO, ["size"])[0].keys() == {"text"}


def test_bytes_that_are_no_utf_8_arrive_as_they_are():
    document = parsed(b'{"instances": ["\xffa"]}')
    assert columns(document, ONE)[0]["text"].tolist() == [b"\xffa"]


@pytest.mark.parametrize(
    ("document", "fields", "message"),
    [
        ({}, ONE, "Missing 'inputs' or 'instances' key"),
        ({"instances": [], "inputs": []}, ONE, "expecting only one of 'inputs' or"),
        ({"instances": "a"}, ONE, "Expecting 'instances' to be an list/array"),
        ({"instances": []}, ONE, "No values in 'instances' array"),
        ({"instances": [1]}, ONE, "JSON Value: 1 Type: Number is not of expected type"),
        ({"instances": [None]}, ONE, "Type: Null is not of expected type: string"),
        ({"instances": ["a", ["b"]]}, ONE, "Expecting shape [] but got: [1]"),
        ({"instances": ["a", {"x": 1}]}, ONE, "got object at item 1 of input list"),
        ({"instances": [{"text": "a"}, "b"]}, ONE, "got list at item 1 of input list"),
        ({"instances": [{"txt": "a"}]}, ONE, "does not have named input: txt"),
        ({"instances": [{"text": "a"}]}, TWO, "keys must be equal to: size,text"),
        ({"instances": ["a"]}, TWO, "instances is a plain list, but expecting list of"),
        ({"inputs": "a"}, TWO, "inputs is a plain value/list, but expecting an object"),
        ({"inputs": {"text": ["a"]}}, TWO, "Missing named input: size in 'inputs'"),
        ({"instances": [{"b64": "é"}]}, ONE, "Unable to base64 decode"),
        (
            {"instances": [[["a"], ["b", "c"]]]},
            ONE,
            "at unexpected size: 2 at level: 1",
        ),
        ({"instances": [[["a"], "b"]]}, ONE, "found at incorrect level"),
        ({"instances": ["\ud800"]}, ONE, "surrogate pair in string is invalid"),
    ],
)
def test_what_does_not_fit_is_refused_in_the_words_of_tf_serving(
    document, fields, message
):
    with pytest.raises(StatusError) as error:
        columns(document, fields)
    assert message in error.value.message


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, tf.int32),
        (True, tf.int32),
        (2**31, tf.int32),
        (-1, tf.uint8),
        ("1", tf.float32),
        (True, tf.float32),
        (10**400, tf.float32),
        (1, tf.bool),
        ({"b64": "eA=="}, tf.float32),
    ],
)
def test_a_value_of_another_type_is_refused(value, dtype):
    with pytest.raises(StatusError, match="is not of expected type"):
        array([value], dtype)


def test_a_type_that_json_has_not_is_unimplemented():
    with pytest.raises(StatusError) as error:
        array([1], tf.complex64)
    assert error.value.code == "UNIMPLEMENTED"


def test_lists_in_one_another_without_end_are_refused():
    value = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(StatusError, match="deep"):
        array(value, tf.int32)


def test_numbers_are_written_with_the_digits_they_need():
    outputs = {"x": np.float32([0.2, 9000000, np.nan, np.inf, -np.inf])}
    written = predictions(outputs, by_row=False).decode()
    assert written == '{"outputs": [0.2, 9000000.0, NaN, Infinity, -Infinity]}'


def test_every_float32_is_read_back_as_itself():
    numbers = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    found = json.loads(predictions({"x": numbers}, by_row=True))["predictions"]
    assert np.array_equal(np.float32(found), numbers)


def test_several_outputs_are_objects_by_row_and_columns_otherwise():
    outputs = {
        "label": np.array([b"a", b"b"], object),
        "n_bytes": np.array([b"\xff"] * 2),
    }
    outputs["n_bytes"] = outputs["n_bytes"].astype(object)
    rows = json.loads(predictions(outputs, by_row=True))["predictions"]
    assert rows[0] == {"label": "a", "n_bytes": {"b64": "/w=="}}
    assert json.loads(predictions(outputs, by_row=False))["outputs"]["label"] == [
        "a",
        "b",
    ]


def test_an_output_without_rows_cannot_be_told_by_row():
    with pytest.raises(StatusError, match="Tensor name: mean has no shape information"):
        predictions({"mean": np.float32(1.0)}, by_row=True)
    with pytest.raises(StatusError, match="inconsistent batch size: 3 expecting: 2"):
        predictions({"a": np.zeros(2), "b": np.zeros(3)}, by_row=True)


def test_an_answer_is_valid_utf_8_whatever_the_graph_says():
    written = predictions({"label": np.array([b"\xff"], object)}, by_row=True)
    assert json.loads(written)["predictions"] == ["\ufffd"]
