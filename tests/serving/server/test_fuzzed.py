"""Fuzzing: whatever arrives, a server answers or rejects it."""

import http.client
import json
import random

import grpc
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfnlp.serving.protocol.status import CODES, StatusError
from tfnlp.serving.server import handlers

EXAMPLES = pytest.mark.parametrize(
    "examples", [300, pytest.param(5_000, marks=pytest.mark.long)]
)
SIGNATURES = ("serving_default", "several", "mean", "picky", "classify", "regress", "x")

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.fixed_dictionaries({"b64": st.text("ABC=/+?", max_size=8)})
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["x", "whole", "flag", "text", "b64", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["instances", "inputs", "examples", "context", "other"]),
    VALUES,
    max_size=3,
)


@pytest.fixture(scope="module")
def served(server):
    return server.models.find("half")


def answered(method, served, body):
    """The status code of a request; answers must be JSON."""
    try:
        json.loads(handlers.answer(method, served, body))
    except StatusError as error:
        return error.code
    return "OK"


def fuzzed(examples):
    """Hypothesis settings: as many examples, the same ones in every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow
@EXAMPLES
def test_a_document_is_answered_or_refused(served, examples):
    @fuzzed(examples)
    @given(
        document=DOCUMENTS,
        signature=st.sampled_from(SIGNATURES) | VALUES,
        method=st.sampled_from(["predict", "predict", "classify", "regress"]),
    )
    def check(document, signature, method):
        body = json.dumps({**document, "signature_name": signature}).encode()
        assert answered(method, served, body) in ("OK", "INVALID_ARGUMENT")

    check()


@pytest.mark.slow
@EXAMPLES
def test_bytes_are_refused(served, examples):
    @fuzzed(examples)
    @given(body=st.binary(max_size=60) | st.text('[]{}",:\\u0123\x00é').map(str.encode))
    def check(body):
        assert answered("predict", served, body) == "INVALID_ARGUMENT"

    check()


def damaged(rng):
    """A message to the model with some bytes changed, and perhaps cut."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "half"
    request.model_spec.signature_name = rng.choice(SIGNATURES)
    tensor = request.inputs[rng.choice(["x", "text", "inputs"])]
    tensor.dtype = rng.choice([1, 3, 7, 9, 10])
    tensor.tensor_shape.dim.add(size=rng.choice([0, 1, 2, -1, 2**40]))
    tensor.float_val.extend(rng.random() for _ in range(rng.randrange(3)))
    tensor.tensor_content = rng.randbytes(rng.choice([0, 4, 8]))
    message = bytearray(request.SerializeToString())
    for _ in range(rng.choice([0, 1, 3])):
        message[rng.randrange(len(message))] = rng.randrange(256)
    return bytes(message[: rng.choice([len(message), rng.randrange(len(message))])])


@pytest.mark.slow
@EXAMPLES
def test_damaged_messages_are_answered_or_refused(server, channel, examples):
    """As bytes, so that they need not be valid messages of protocol buffers."""
    call = channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=None,
        response_deserializer=predict_pb2.PredictResponse.FromString,
    )
    rng, codes = random.Random(0), set()
    for _ in range(examples):
        try:
            call(damaged(rng), timeout=60)
            codes.add("OK")
        except grpc.RpcError as error:
            codes.add(error.code().name)
    # gRPC itself answers INTERNAL to what is no message at all.
    assert codes <= {*CODES} - {"UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert "INVALID_ARGUMENT" in codes
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "half"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    assert list(stub.Predict(request).outputs["y"].float_val) == [8.0]


@pytest.mark.slow
def test_lines_that_are_no_http_are_refused(server, rest):
    rng = random.Random(0)
    for _ in range(200):
        connection = http.client.HTTPConnection(
            "127.0.0.1", server.config.rest_api_port, timeout=30
        )
        connection.connect()
        connection.sock.sendall(rng.randbytes(rng.randrange(1, 200)) + b"\r\n\r\n")
        first = connection.sock.recv(12)
        connection.close()
        assert first == b"" or first.startswith((b"HTTP/1.1 400", b"HTTP/1.1 40"))
    assert rest.get("/v1/models/half").status_code == 200
