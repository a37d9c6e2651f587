"""Every call of TF Serving's REST reference, and the errors of wrong ones."""

import gzip
import json
import math

import pytest

MODEL = "/v1/models/half"


def predicted(rest, body, at=MODEL):
    return rest.post(f"{at}:predict", json=body)


def test_status_lists_every_version(rest):
    found = rest.get(MODEL).json()["model_version_status"]
    fine = {"error_code": "OK", "error_message": ""}
    assert found == [
        {"version": "7", "state": "AVAILABLE", "status": fine},
        {"version": "3", "state": "AVAILABLE", "status": fine},
    ]


@pytest.mark.parametrize("place", ["versions/3", "labels/stable"])
def test_status_lists_one_version(rest, place):
    found = rest.get(f"{MODEL}/{place}").json()["model_version_status"]
    assert [each["version"] for each in found] == ["3"]


@pytest.mark.parametrize(
    ("place", "version"), [("", "7"), ("/versions/3", "3"), ("/labels/stable", "3")]
)
def test_metadata_lists_the_signatures(rest, place, version):
    found = rest.get(f"{MODEL}{place}/metadata").json()
    assert found["model_spec"] == {
        "name": "half",
        "signature_name": "",
        "version": version,
    }
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signatures["several"]["outputs"].keys() == {
        *("sum", "not", "text", "raw_bytes", "ratio")
    }


@pytest.mark.parametrize(
    ("place", "added"),
    [("", 7), ("/versions/3", 3), ("/labels/stable", 3), ("/labels/canary", 7)],
)
def test_the_requested_version_answers(rest, place, added):
    found = predicted(rest, {"instances": [1.0, 2.5]}, MODEL + place)
    assert found.json() == {"predictions": [1.0 + added, 2.5 + added]}


def test_a_single_output_has_no_name_in_columns_either(rest):
    assert predicted(rest, {"inputs": [1.0]}).json() == {"outputs": [8.0]}
    assert predicted(rest, {"inputs": {"x": [1.0]}}).json() == {"outputs": [8.0]}


def test_what_is_not_a_number_goes_in_and_out(rest):
    content = '{"instances": [NaN, Infinity, -Infinity]}'
    found = rest.post(f"{MODEL}:predict", content=content).text
    nan, *rest_of = json.loads(found)["predictions"]
    assert math.isnan(nan)
    assert rest_of == [math.inf, -math.inf]


def test_several_fields_and_outputs_come_by_row(rest):
    row = {"whole": [1, 2], "flag": True, "text": "é"}
    body = {"signature_name": "several", "instances": [row, {**row, "text": "b"}]}
    first, second = predicted(rest, body).json()["predictions"]
    assert first["sum"] == 3
    assert first["not"] is False
    assert first["text"] == "é"
    assert first["raw_bytes"] == {"b64": "w6n/"}
    assert first["ratio"] == [1 / 3, 2 / 3]
    assert second["text"] == "b"


def test_several_fields_and_outputs_come_in_columns(rest):
    inputs = {"whole": [[1, 2]], "flag": [False], "text": [{"b64": "/w=="}]}
    found = predicted(rest, {"signature_name": "several", "inputs": inputs}).json()
    assert found["outputs"]["sum"] == [3]
    assert found["outputs"]["raw_bytes"] == [{"b64": "//8="}]


def test_an_output_of_all_rows_together_comes_in_columns_only(rest):
    named, rows = {"signature_name": "mean"}, [[1.0, 2.0], [3.0, 4.0]]
    assert predicted(rest, {**named, "inputs": rows}).json() == {"outputs": 2.5}
    rejected = predicted(rest, {**named, "instances": rows})
    assert rejected.status_code == 400
    assert "has no shape information" in rejected.json()["error"]


def test_examples_are_classified(rest):
    body = {"signature_name": "classify", "examples": [{"x": 0.25}, {"x": [1.0]}]}
    assert rest.post(f"{MODEL}:classify", json=body).json() == {
        "results": [
            [["small", 0.75], ["large", 0.25]],
            [["small", 0.0], ["large", 1.0]],
        ]
    }


def test_scores_have_no_more_digits_than_they_need(rest):
    for method, found in (
        ("classify", [[["small", 0.9], ["large", 0.1]]]),
        ("regress", [0.2]),
    ):
        body = {"signature_name": method, "examples": [{"x": 0.1}]}
        assert rest.post(f"{MODEL}:{method}", json=body).json() == {"results": found}


def test_examples_share_a_context(rest):
    body = {"signature_name": "regress", "context": {"x": 1.5}, "examples": [{}, {}]}
    found = rest.post(f"{MODEL}:regress", json=body)
    assert found.json() == {"results": [3.0, 3.0]}


def test_a_body_may_be_compressed(rest):
    content = gzip.compress(b'{"instances": [1.0]}')
    headers = {"Content-Encoding": "gzip"}
    found = rest.post(f"{MODEL}:predict", content=content, headers=headers)
    assert found.json() == {"predictions": [8.0]}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/no", 404, "Could not find any versions of model no"),
        (f"{MODEL}/versions/5", 404, "Could not find version 5 of model half"),
        (f"{MODEL}/labels/x", 400, "Unrecognized servable version label: x"),
        ("/v1/models/no/metadata", 404, "Servable not found for request: Latest(no)"),
        (f"{MODEL}/nothing", 400, f"Malformed request: GET {MODEL}/nothing"),
        (f"{MODEL}:predict", 400, f"Malformed request: GET {MODEL}:predict"),
        (f"{MODEL}/versions/99999999999999999999", 400, "Failed to convert version"),
        (
            "/v1/models/..%2F..%2Fetc",
            404,
            "Could not find any versions of model ../../",
        ),
        ("/v1/models", 400, "Missing model name in request."),
        ("/v2/models", 404, "Not Found"),
    ],
)
def test_a_wrong_address_is_refused(rest, path, status, message):
    found = rest.get(path)
    assert found.status_code == status
    assert found.json()["error"].startswith(message)


@pytest.mark.parametrize(
    ("body", "place", "status", "message"),
    [
        (
            {"instances": [1]},
            "/versions/9",
            404,
            "Servable not found for request: Spec",
        ),
        ({"instances": [1], "signature_name": "x"}, "", 400, 'name: "x" not found in'),
        ({"instances": [1], "signature_name": 1}, "", 400, "must be a string value"),
        ({"instances": [[1, 2]]}, "", 400, "must have the shape (None,), and has"),
        ({"instances": ["1"]}, "", 400, "is not of expected type: float32"),
        ({}, "", 400, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": [-1.0], "signature_name": "picky"},
            "",
            400,
            "is < 0",
        ),
    ],
)
def test_a_wrong_request_is_refused(rest, body, place, status, message):
    found = predicted(rest, body, MODEL + place)
    assert found.status_code == status
    assert message in found.json()["error"]


@pytest.mark.parametrize(
    ("method", "body", "message"),
    [
        ("classify", {"examples": [{"x": 1.0}]}, "No classification inputs found"),
        (
            "classify",
            {"signature_name": "several", "examples": [{"x": 1.0}]},
            "Expected one input Tensor.",
        ),
        (
            "classify",
            {"signature_name": "x", "examples": [{}]},
            "No signature was found with the name: x",
        ),
        ("classify", {"signature_name": "classify"}, "key 'examples' is expected"),
        ("classify", {"signature_name": "classify", "examples": []}, "empty array"),
        ("regress", {"signature_name": "regress", "examples": {}}, "an list/array"),
        ("regress", {"signature_name": "regress", "examples": [3]}, "must be JSON obj"),
        (
            "regress",
            {"signature_name": "regress", "examples": [{"x": None}]},
            "unexpected JSON type: Null",
        ),
        (
            "regress",
            {"signature_name": "regress", "examples": [{"x": [1.5, "a"]}]},
            "Unexpected element type in feature: x expecting type: float",
        ),
        (
            "regress",
            {"signature_name": "regress", "examples": [{"x": 2**63}]},
            "has uint64_t element",
        ),
        (
            "regress",
            {"signature_name": "classify", "examples": [{}]},
            "Expected one out",
        ),
        ("regress", {"signature_name": "regress", "examples": [{}]}, "Feature: x"),
    ],
)
def test_wrong_examples_are_refused(rest, method, body, message):
    found = rest.post(f"{MODEL}:{method}", json=body)
    assert found.status_code == 400
    assert message in found.json()["error"]


def test_other_methods_are_not_allowed(rest):
    assert rest.put(MODEL).status_code == 405
    assert "error" in rest.delete(MODEL).json()


def test_pages_of_other_origins_may_send_requests_where_that_is_allowed(rest):
    preflight = rest.options(f"{MODEL}:predict", headers={"Origin": "http://a.example"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert rest.options(f"{MODEL}:predict").status_code == 400


def test_requests_are_counted_under_the_names_of_tf_serving(rest):
    predicted(rest, {"instances": [1.0]})
    predicted(rest, {"instances": ["x"]})
    rest.get("/v1/models/a-name-that-must-not-be-kept")
    page = rest.get("/metrics").text
    counted = ':tensorflow:serving:request_count{model_name="half",status="OK"}'
    assert counted in page
    assert 'model_name="half",status="INVALID_ARGUMENT"' in page
    assert ":tensorflow:serving:request_latency_bucket{" in page
    assert "must-not-be-kept" not in page
