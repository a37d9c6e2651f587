"""Every call of TF Serving's gRPC services, through its own client stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tfnlp.serving.protocol.tensor_protos import array, proto

CODES = grpc.StatusCode


@pytest.fixture(scope="module")
def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def management(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def spec(name="half", signature="", version=None, label=""):
    found = model_pb2.ModelSpec(
        name=name, signature_name=signature, version_label=label
    )
    if version is not None:
        found.version.value = version
    return found


def request(columns, output_filter=(), **kwargs):
    inputs = {name: tf.make_tensor_proto(value) for name, value in columns.items()}
    return predict_pb2.PredictRequest(
        model_spec=spec(**kwargs), inputs=inputs, output_filter=output_filter
    )


def examples(*values):
    found = input_pb2.Input()
    for value in values:
        example = found.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)
    return found


def status_error(call, message):
    with pytest.raises(grpc.RpcError) as error:
        call(message)
    return error.value.code(), error.value.details()


def test_a_request_is_answered_by_the_newest_version(predictions):
    answer = predictions.Predict(request({"x": np.float32([1, 2.5])}))
    assert list(answer.outputs["y"].float_val) == [8.0, 9.5]
    assert answer.model_spec.version.value == 7
    assert answer.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("sent", [{"version": 3}, {"label": "stable"}])
def test_a_request_may_name_a_version(predictions, sent):
    answer = predictions.Predict(request({"x": np.float32([1])}, **sent))
    assert list(answer.outputs["y"].float_val) == [4.0]


def test_outputs_have_their_types(predictions):
    columns = {"whole": np.int32([[1, 2]]), "flag": [True], "text": [b"\xff"]}
    found = predictions.Predict(request(columns, signature="several")).outputs
    assert list(found["sum"].int64_val) == [3]
    assert list(found["not"].bool_val) == [False]
    assert list(found["raw_bytes"].string_val) == [b"\xff\xff"]
    assert tf.make_ndarray(found["ratio"]).shape == (1, 2)


def test_only_the_requested_outputs_are_returned(predictions):
    columns = {"whole": np.int32([[1, 2]]), "flag": [True], "text": ["a"]}
    sent = request(columns, ["sum"], signature="several")
    assert list(predictions.Predict(sent).outputs) == ["sum"]


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request({}, name=""), "INVALID_ARGUMENT", "ModelSpec has no name"),
        (request({}, name="no"), "NOT_FOUND", "Servable not found for request: Latest"),
        (request({}, version=5), "NOT_FOUND", "Specific(half, 5)"),
        (request({}, label="x"), "INVALID_ARGUMENT", "Unrecognized servable version"),
        (request({}, signature="x"), "FAILED_PRECONDITION", 'key "x" not found'),
        (request({}), "INVALID_ARGUMENT", "Missing but required: {x}"),
        (request({"x": [1.0], "z": [1.0]}), "INVALID_ARGUMENT", "Sent extra: {z}"),
        (request({"x": ["a"]}), "INVALID_ARGUMENT", "must be of type float32"),
        (request({"x": [[1.0]]}), "INVALID_ARGUMENT", "must have the shape"),
        (request({"x": [1.0]}, ["q"]), "INVALID_ARGUMENT", "alias not found in sig"),
        (request({"x": [1.0]}, ["y", "y"]), "INVALID_ARGUMENT", "duplicate output"),
        (request({"x": [-1.0]}, signature="picky"), "INVALID_ARGUMENT", "is < 0"),
    ],
)
def test_a_wrong_request_has_the_code_of_tf_serving(predictions, sent, code, message):
    found, details = status_error(predictions.Predict, sent)
    assert found == CODES[code]
    assert message in details


def test_a_short_message_does_not_fill_the_memory(predictions):
    huge = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[1.0])
    for _ in range(3):
        huge.tensor_shape.dim.add(size=10_000)
    sent = predict_pb2.PredictRequest(model_spec=spec(), inputs={"x": huge})
    code, details = status_error(predictions.Predict, sent)
    assert code == CODES.INVALID_ARGUMENT
    assert "1 values for a shape of 1000000000000" in details


@pytest.mark.parametrize("values", [[], [b"a" * 100_000]])
def test_a_text_does_not_stand_for_many(predictions, values):
    many = tensor_pb2.TensorProto(dtype=tf.string.as_datatype_enum, string_val=values)
    many.tensor_shape.dim.add(size=1 << 21)
    signature = spec(signature="letters")
    sent = predict_pb2.PredictRequest(model_spec=signature, inputs={"text": many})
    code, details = status_error(predictions.Predict, sent)
    assert code == CODES.INVALID_ARGUMENT
    assert "values for a shape of 2097152" in details


def test_numbers_of_16_bits_come_as_such(predictions):
    given = np.float16([0.1, 2.0])
    answer = predictions.Predict(request({"x": given}, signature="narrow"))
    half, brain = (tf.make_ndarray(answer.outputs[n]) for n in ("half", "brain"))
    assert half.dtype == np.float16
    assert half.tolist() == given.tolist()
    assert brain.dtype == tf.bfloat16.as_numpy_dtype
    assert brain.astype(float).tolist() == [0.10009765625, 2.0]


@pytest.mark.parametrize(
    "broken",
    [
        tensor_pb2.TensorProto(dtype=999),
        tensor_pb2.TensorProto(dtype=1, tensor_content=b"abc"),
        tensor_pb2.TensorProto(dtype=0),
        tensor_pb2.TensorProto(dtype=20),
        tensor_pb2.TensorProto(dtype=21),
    ],
)
def test_a_broken_tensor_is_refused(predictions, broken):
    sent = predict_pb2.PredictRequest(model_spec=spec(), inputs={"x": broken})
    assert status_error(predictions.Predict, sent)[0] == CODES.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "column",
    [
        np.float32([[1.5, 2.5]]),
        np.float64([0.1]),
        np.int8([-1]),
        np.uint8([255]),
        np.int16([-3]),
        np.int32([5]),
        np.int64([2**40]),
        np.uint32([2**31]),
        np.uint64([2**63]),
        np.array([True, False]),
        np.array([[b"a"], [b"\xff"]], object),
        np.zeros((0, 3), np.float32),
    ],
    ids=lambda column: str(column.dtype),
)
def test_arrays_survive_the_way_there_and_back(column):
    there = proto(column)
    back = array("x", there)
    assert back.dtype == column.dtype
    assert np.array_equal(back, column)
    assert there.tensor_content == b""  # TF Serving fills the field of the type


def test_examples_are_classified_and_regressed(predictions):
    sent = classification_pb2.ClassificationRequest(
        model_spec=spec(signature="classify"), input=examples(0.25, 1.0)
    )
    first, _ = predictions.Classify(sent).result.classifications
    assert [(c.label, c.score) for c in first.classes] == [
        ("small", 0.75),
        ("large", 0.25),
    ]
    sent = regression_pb2.RegressionRequest(
        model_spec=spec(signature="regress"), input=examples(0.25, 1.0)
    )
    found = predictions.Regress(sent).result.regressions
    assert [each.value for each in found] == [0.5, 2.0]


def test_examples_share_a_context(predictions):
    given = input_pb2.Input()
    context = example_pb2.Example()
    context.features.feature["x"].float_list.value.append(4.0)
    given.example_list_with_context.context.CopyFrom(context)
    given.example_list_with_context.examples.add()
    sent = regression_pb2.RegressionRequest(
        model_spec=spec(signature="regress"), input=given
    )
    assert predictions.Regress(sent).result.regressions[0].value == 8.0


@pytest.mark.parametrize(
    ("signature", "given", "message"),
    [
        ("classify", input_pb2.Input(), "Input is empty."),
        ("x", examples(1.0), "No signature was found with the name: x"),
        ("several", examples(1.0), "Expected one input Tensor."),
        ("", examples(1.0), "No classification inputs found"),
        ("regress", examples(1.0), "at least one of"),
    ],
)
def test_what_cannot_be_classified_is_refused(predictions, signature, given, message):
    sent = classification_pb2.ClassificationRequest(
        model_spec=spec(signature=signature), input=given
    )
    code, details = status_error(predictions.Classify, sent)
    assert code == CODES.INVALID_ARGUMENT
    assert message in details


def task(signature, method, name="half"):
    return inference_pb2.InferenceTask(
        model_spec=spec(name=name, signature=signature),
        method_name=f"tensorflow/serving/{method}",
    )


def test_several_signatures_answer_the_same_examples(predictions):
    sent = inference_pb2.MultiInferenceRequest(
        tasks=[task("classify", "classify"), task("regress", "regress")],
        input=examples(0.5),
    )
    classified, regressed = predictions.MultiInference(sent).results
    scores = classified.classification_result.classifications[0].classes
    assert [each.score for each in scores] == [0.5, 0.5]
    assert regressed.regression_result.regressions[0].value == 1.0
    assert regressed.model_spec.signature_name == "regress"


@pytest.mark.parametrize(
    ("tasks", "code", "message"),
    [
        ([], "INVALID_ARGUMENT", "at least one task"),
        ([task("a", "classify", "")], "INVALID_ARGUMENT", "empty model name"),
        (
            [task("a", "classify"), task("b", "classify", "x")],
            "INVALID_ARGUMENT",
            "must access the same model name",
        ),
        ([task("a", "classify")] * 2, "INVALID_ARGUMENT", "Duplicate evaluation"),
        ([task("a", "predict")], "UNIMPLEMENTED", "Unsupported signature method_name"),
    ],
)
def test_wrong_tasks_are_refused(predictions, tasks, code, message):
    sent = inference_pb2.MultiInferenceRequest(tasks=tasks, input=examples(1.0))
    found, details = status_error(predictions.MultiInference, sent)
    assert found == CODES[code]
    assert message in details


def test_metadata_holds_the_signatures(predictions):
    sent = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec(), metadata_field=["signature_def"]
    )
    found = get_model_metadata_pb2.SignatureDefMap()
    answer = predictions.GetModelMetadata(sent)
    assert answer.metadata["signature_def"].Unpack(found)
    assert found.signature_def["classify"].inputs["inputs"].dtype == 7
    assert answer.model_spec.version.value == 7


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (get_model_metadata_pb2.GetModelMetadataRequest(), "Missing ModelSpec"),
        (
            get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec()),
            "must specify at least one metadata_field",
        ),
        (
            get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec(), metadata_field=["x"]
            ),
            "Metadata field x is not supported",
        ),
    ],
)
def test_wrong_metadata_requests_are_rejected(predictions, sent, message):
    code, details = status_error(predictions.GetModelMetadata, sent)
    assert code == CODES.INVALID_ARGUMENT
    assert message in details


def test_status_lists_the_state_of_versions(management):
    sent = get_model_status_pb2.GetModelStatusRequest(model_spec=spec())
    found = management.GetModelStatus(sent).model_version_status
    assert [(each.version, each.state) for each in found] == [(7, 30), (3, 30)]
    sent.model_spec.version.value = 4
    code, details = status_error(management.GetModelStatus, sent)
    assert code == CODES.NOT_FOUND
    assert details == "Could not find version 4 of model half"


def test_a_configuration_of_another_kind_is_refused(management):
    code, details = status_error(
        management.HandleReloadConfigRequest,
        model_management_pb2.ReloadConfigRequest(),
    )
    assert code == CODES.INVALID_ARGUMENT
    assert "Only ModelConfigList is currently supported" in details


def test_the_server_reports_that_it_is_healthy(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "tensorflow.serving.PredictionService"):
        found = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert found.status == health_pb2.HealthCheckResponse.SERVING
