"""TF Serving's gRPC interface: PredictionService, ModelService and health.

The messages and stubs are those of `tensorflow-serving-api`, so any client of TF
Serving works. Requests run in the threads of the gRPC server.
"""

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
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

from tfnlp.serving.protocol import tensor_protos
from tfnlp.serving.protocol.signatures import DEFAULT
from tfnlp.serving.protocol.status import CODES, StatusError, invalid
from tfnlp.serving.server import deadlines, handlers
from tfnlp.serving.server.configs import models_of
from tfnlp.serving.server.loaded_model import LoadedModel
from tfnlp.serving.server.metrics import Monitoring
from tfnlp.serving.server.model_manager import ModelManager
from tfnlp.serving.server.rest import WRONG_TOKEN, is_token

_CLASSIFY, _REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
_STATUS = {code.value[0]: code for code in grpc.StatusCode}
SERVICES = (
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
"""Service names of the health service; "" is the whole server."""


def add_services(
    server: grpc.Server, models: ModelManager, monitoring: Monitoring
) -> health.HealthServicer:
    """Registers all services on a gRPC server; returns the health service."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Predictions(models, monitoring), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        Management(models, monitoring), server
    )
    healthy = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    return healthy


def set_health(healthy: health.HealthServicer, serving: bool) -> None:
    """Sets the status that the health service reports."""
    states = health_pb2.HealthCheckResponse
    for name in SERVICES:
        healthy.set(name, states.SERVING if serving else states.NOT_SERVING)


def _rpc(api: str) -> Callable[[Callable], Callable]:
    """Decorates an RPC: deadline, metrics, and `StatusError` as a gRPC status."""

    def around(method: Callable[[Any, Any], Any]) -> Callable:
        @functools.wraps(method)
        def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
            started, code, message = time.perf_counter(), "OK", ""
            response = None
            try:
                with deadlines.within(context.time_remaining()):
                    response = method(self, request)
            except StatusError as error:
                code, message = error.code, error.message
            self.monitoring.count(
                _name_of(request, self.models) if code != "NOT_FOUND" else "",
                code,
                time.perf_counter() - started,
                api=api,
                entrypoint="GRPC",
            )
            if code != "OK":
                context.abort(_STATUS[CODES[code]], message)
            return response

        return answer

    return around


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata."""

    def __init__(self, models: ModelManager, monitoring: Monitoring):
        self.models, self.monitoring = models, monitoring

    @_rpc("Predict")
    def Predict(
        self, request: predict_pb2.PredictRequest
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on columns."""
        served = find(self.models, request)
        name = request.model_spec.signature_name or DEFAULT
        signature = served.signature(name)
        if signature is None:
            raise StatusError(
                "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
            )
        wanted = list(request.output_filter) or list(signature.outputs)
        _check_filter(wanted, list(signature.outputs))
        columns = {n: tensor_protos.array(n, p) for n, p in request.inputs.items()}
        outputs = served.predict(name, columns)
        response = predict_pb2.PredictResponse(model_spec=spec_of(served, name))
        for output in wanted:
            response.outputs[output].CopyFrom(tensor_protos.proto(outputs[output]))
        return response

    @_rpc("Classify")
    def Classify(
        self, request: classification_pb2.ClassificationRequest
    ) -> classification_pb2.ClassificationResponse:
        """Runs a classification signature on examples."""
        served, name = find(self.models, request), request.model_spec.signature_name
        return classification_pb2.ClassificationResponse(
            model_spec=spec_of(served, name or DEFAULT),
            result=_classified(served, name, serialized(request.input)),
        )

    @_rpc("Regress")
    def Regress(
        self, request: regression_pb2.RegressionRequest
    ) -> regression_pb2.RegressionResponse:
        """Runs a regression signature on examples."""
        served, name = find(self.models, request), request.model_spec.signature_name
        return regression_pb2.RegressionResponse(
            model_spec=spec_of(served, name or DEFAULT),
            result=_regressed(served, name, serialized(request.input)),
        )

    @_rpc("MultiInference")
    def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures of one model on the same examples."""
        _check_tasks(request.tasks)
        examples = serialized(request.input)
        response = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            served, name = find(self.models, task), task.model_spec.signature_name
            result = response.results.add(model_spec=spec_of(served, name or DEFAULT))
            if task.method_name == _CLASSIFY:
                found = _classified(served, name, examples)
                result.classification_result.CopyFrom(found)
            else:
                found = _regressed(served, name, examples)
                result.regression_result.CopyFrom(found)
        return response

    @_rpc("GetModelMetadata")
    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != handlers.METADATA:
                raise invalid(f"Metadata field {field} is not supported")
        return handlers.metadata(find(self.models, request))


class Management(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, models: ModelManager, monitoring: Monitoring):
        self.models, self.monitoring = models, monitoring

    @_rpc("GetModelStatus")
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Loading state of the versions of a model."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        version, label = _choice(request.model_spec)
        name = request.model_spec.name
        return handlers.status(self.models, name, version=version, label=label)

    @_rpc("HandleReloadConfigRequest")
    def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        """Replaces the served models with those of another configuration."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        self.models.replace(models_of(request.config, Path("/")))
        return model_management_pb2.ReloadConfigResponse()


def find(models: ModelManager, request: Any) -> LoadedModel:
    """Finds the version that the ``model_spec`` of a request selects.

    Raises:
        StatusError: there is none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.model_spec.name:
        raise invalid("ModelSpec has no name specified.")
    version, label = _choice(request.model_spec)
    found: LoadedModel = models.find(
        request.model_spec.name, version=version, label=label
    )
    return found


def serialized(given: input_pb2.Input) -> list[bytes]:
    """The examples of a request, each with the context of all, serialized."""
    kind = given.WhichOneof("kind")
    if kind is None:
        return []
    found = getattr(given, kind)
    context = b""
    if kind == "example_list_with_context":
        context = found.context.SerializeToString()
    # Concatenated serialized messages are one merged message.
    return [context + example.SerializeToString() for example in found.examples]


def spec_of(served: LoadedModel, signature: str) -> model_pb2.ModelSpec:
    """The model_spec of a response: name, version and signature."""
    spec = model_pb2.ModelSpec(name=served.name, signature_name=signature)
    spec.version.value = served.number
    return spec


def _choice(spec: model_pb2.ModelSpec) -> tuple[int | None, str]:
    version = spec.version.value if spec.HasField("version") else None
    return version, spec.version_label


def _classified(
    served: LoadedModel, name: str, examples: Sequence[bytes]
) -> classification_pb2.ClassificationResult:
    result = classification_pb2.ClassificationResult()
    for row in served.classify(name, examples):
        classes = result.classifications.add().classes
        for label, score in row:
            classes.add(label=label.decode("utf-8", "replace"), score=score)
    return result


def _regressed(
    served: LoadedModel, name: str, examples: Sequence[bytes]
) -> regression_pb2.RegressionResult:
    result = regression_pb2.RegressionResult()
    for value in served.regress(name, examples):
        result.regressions.add(value=value)
    return result


def _check_filter(wanted: Sequence[str], outputs: Sequence[str]) -> None:
    for name in wanted:
        if name not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected "
                f"to be in the set {{{','.join(sorted(outputs))}}}."
            )
    if len(set(wanted)) < len(wanted):
        twice = next(name for name in wanted if wanted.count(name) > 1)
        raise invalid(f"duplicate output tensor alias: {twice}")


def _check_tasks(tasks: Sequence[inference_pb2.InferenceTask]) -> None:
    if not tasks:
        raise invalid("Inference request must have at least one task.")
    if not all(task.model_spec.name for task in tasks):
        raise invalid("Found ModelSpec with an empty model name.")
    if len({task.model_spec.name for task in tasks}) > 1:
        raise invalid(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )
    names = [task.model_spec.signature_name or DEFAULT for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate evaluation of signature: {name}")
    for task in tasks:
        if task.method_name not in (_CLASSIFY, _REGRESS):
            raise StatusError(
                "UNIMPLEMENTED",
                f"Unsupported signature method_name: {task.method_name}",
            )


def _name_of(request: Any, models: ModelManager) -> str:
    """The model of a request if it is served; unknown names are not counted."""
    tasks = getattr(request, "tasks", ())
    first = tasks[0] if tasks else request
    name = first.model_spec.name if hasattr(first, "model_spec") else ""
    return name if name in models.names else ""


class TokenInterceptor(grpc.ServerInterceptor):
    """Rejects requests without the bearer token of the server.

    Args:
        token: expected in the metadata ``authorization`` after ``Bearer``.
    """

    def __init__(self, token: str):
        self._token = token
        self._reject = grpc.unary_unary_rpc_method_handler(
            lambda request, context: context.abort(
                grpc.StatusCode.UNAUTHENTICATED, WRONG_TOKEN
            )
        )

    def intercept_service(
        self, continuation: Callable, details: grpc.HandlerCallDetails
    ) -> Any:
        """Continues with a call, or rejects it."""
        given = dict(details.invocation_metadata).get("authorization", "")
        if is_token(given, self._token):
            return continuation(details)
        return self._reject
