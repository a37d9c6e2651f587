"""Parity check: every backend of an artefact must give the same answers.

The reference is the network with its task, as in training and evaluation. Compared with
it are the network loaded from its file, the SavedModel, the embedded server over REST
and gRPC, and the ONNX and LiteRT exports where they exist, ONNX models with string
inputs included. Strings must be equal, and numbers equal within a tolerance.
"""

import contextlib
import logging
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import ExportError, ServerError
from tfnlp.export import golden_rows
from tfnlp.export.format_parity import (
    arrays,
    export_folder,
    flatten_outputs,
    golden_features,
    match_endpoints,
    needs_one_run,
)
from tfnlp.export.onnx.string_models import answered, model_file
from tfnlp.export.savedmodel.artefact import SIDE_FILES, StagedVersion
from tfnlp.export.savedmodel.portable import without_cudnn
from tfnlp.export.savedmodel.servable import function
from tfnlp.serving.client.address import Target
from tfnlp.serving.client.predictor import load
from tfnlp.serving.protocol.status import StatusError
from tfnlp.task import Arrays, Endpoint, Task

if TYPE_CHECKING:
    from tfnlp.serving.client.transports import Grpc, Rest

LOG = logging.getLogger("tfnlp")
Predict = Callable[[str, Mapping[str, tf.Tensor]], Arrays]
"""Runs a request to an endpoint."""
Expected = tuple[str, Mapping[str, tf.Tensor], Arrays]
"""An endpoint, a request to it, and the expected answer."""
TIMEOUT = 600.0
"""Seconds that a server may take for one request."""
LONG = ("word " * 10_000, "x" * (1 << 20), b"\xff\xfe not UTF-8 \xc3")
"""Rows sent one at a time, so that no batch is padded to their length."""


class Comparison(NamedTuple):
    """The answers of one backend, compared with the reference."""

    backend: str
    rows: int
    max_difference: float  # of two numbers; inf if strings differ
    error: str  # why it fails, or ""


def verify(
    path: str | Path, *, tolerance: float = golden_rows.TOLERANCE
) -> list[Comparison]:
    """Compares all backends of a version of an artefact.

    Args:
        path: ``saved_models/NAME``, or the folder of a version.
        tolerance: allowed difference of numbers, absolute and relative.

    Raises:
        ArtefactError: the folder is no artefact.
    """
    predictor = load(path)
    task, folder = predictor.task, predictor.path
    endpoints = match_endpoints(task, predictor.endpoints)
    functions = {n: _traced(e, predictor.network) for n, e in endpoints.items()}
    expected = _expected(task, endpoints, functions)
    return [
        _compare("SavedModel", predictor.run, expected, tolerance),
        *_compare_networks(task, folder, endpoints, expected, tolerance),
        *_compare_onnx_models(folder, expected, tolerance),
        *_compare_servers(folder, expected, tolerance),
    ]


def check(version: StagedVersion) -> list[Comparison]:
    """Compares an unpublished version with the network that it was made from.

    Raises:
        ExportError: an answer differs.
    """
    folder, task, model, functions, runner = version
    expected = _expected(task, task.endpoints(), functions)
    found = [
        _compare_reloaded(folder, task, model),
        _compare("SavedModel", runner.run, expected, golden_rows.TOLERANCE),
        *_compare_servers(folder, expected, golden_rows.TOLERANCE),
    ]
    for each in found:
        if each.error:
            raise ExportError(
                "All backends of an artefact must give the same answers. "
                f"Received another answer by {each.backend}: {each.error}"
            )
    return found


def requests(
    task: Task, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Yields signature and request: odd and golden rows together, long ones alone.

    The long ones take as long as all others, so only the first signature gets them.
    """
    fields = golden_rows.golden(task).values()
    texts = next(each.numpy().tolist() for each in fields if each.dtype == tf.string)
    for number, (name, endpoint) in enumerate(endpoints.items()):
        alone = () if number else LONG
        for batch in (texts, *([text] for text in alone)):
            yield name, _request(endpoint, batch)


def _expected(
    task: Task, endpoints: Mapping[str, Endpoint], functions: Mapping[str, Callable]
) -> list[Expected]:
    """Requests with the answers of the reference functions.

    Raises:
        ExportError: a request fails.
    """
    expected: list[Expected] = []
    for name, inputs in requests(task, endpoints):
        try:
            expected.append((name, inputs, arrays(functions[name](**inputs))))
        except tf.errors.OpError as error:
            raise ExportError(
                "An artefact must answer any text, however odd. "
                f"Received: {_first(error)} for a text of golden or odd rows at "
                f"{name}. Look at encode and decode of the task."
            ) from error
    return expected


def _compare_reloaded(folder: Path, task: Task, model: keras.Model) -> Comparison:
    """Compares the network loaded from its file on golden rows."""
    reloaded = keras.models.load_model(folder / SIDE_FILES / "model.keras")
    rows = golden_features(task, model)
    # As graphs: eager recurrent layers run token by token in Python.
    graphs = (tf.function(each, autograph=False) for each in (model, reloaded))
    expected, received = (arrays(flatten_outputs(each(rows))) for each in graphs)
    largest, message = 0.0, ""
    try:
        largest = _max_difference(expected, received, golden_rows.TOLERANCE)
    except ExportError as error:
        largest, message = float("inf"), _first(error)
    return Comparison(".keras", len(next(iter(rows.values()))), largest, message)


def _compare_networks(
    task: Task,
    folder: Path,
    endpoints: Mapping[str, Endpoint],
    expected: list[Expected],
    tolerance: float,
) -> Iterator[Comparison]:
    """Compares networks in other formats at the signature of the task's own fields."""
    if not needs_one_run(task):
        return
    own = [n for n in endpoints if endpoints[n].inputs.keys() == task.inputs.keys()][:1]
    expected = [each for each in expected if each[0] in own]
    for kind, network in networks(folder).items():
        graphs = {name: _traced(endpoints[name], network) for name in own}
        yield _compare(kind, partial(_call, graphs), expected, tolerance)


def _compare_onnx_models(
    folder: Path, expected: list[Expected], tolerance: float
) -> Iterator[Comparison]:
    """Compares ONNX models with string inputs on all requests that are UTF-8."""
    files = {
        name: export_folder(folder, "onnx") / model_file(name)
        for name in dict.fromkeys(name for name, *_ in expected)
    }
    for name, file in files.items():
        if file.exists():
            own = [each for each in expected if each[0] == name and _is_text(each[1])]
            yield _compare(file.name, partial(_run_onnx, file), own, tolerance)


def _run_onnx(file: Path, signature: str, inputs: Mapping[str, tf.Tensor]) -> Arrays:
    return answered(file, [inputs])[0]


def _is_text(inputs: Mapping[str, tf.Tensor]) -> bool:
    """Whether all strings of a request are UTF-8."""
    texts = [each for each in inputs.values() if each.dtype == tf.string]
    valid = (
        tf.strings.regex_full_match(each, r"(?s)[^\x{D800}-\x{DFFF}]*")
        for each in texts
    )
    return all(bool(tf.reduce_all(each)) for each in valid)


def _compare_servers(
    folder: Path, expected: list[Expected], tolerance: float
) -> Iterator[Comparison]:
    as_json = [(name, inputs, _as_text(each)) for name, inputs, each in expected]
    with served(folder) as transports:
        for name, transport in transports.items():
            transport.definitions(TIMEOUT)
            yield _compare(
                name,
                partial(_send, transport),
                as_json if name == "REST" else expected,
                tolerance,
            )


def networks(version: Path) -> dict[str, Callable]:
    """The networks in other formats that exist for a version, by format."""
    found: dict[str, Callable] = {}
    onnx = export_folder(version, "onnx") / "network.onnx"
    if onnx.exists():
        from tfnlp.export.onnx.runtime import OnnxNetwork

        found["ONNX"] = OnnxNetwork(onnx)
    litert = export_folder(version, "litert") / "network.tflite"
    if litert.exists():
        from tfnlp.export.litert.runtime import LiteRTNetwork

        found["LiteRT"] = LiteRTNetwork(litert)
    return found


@contextlib.contextmanager
def served(version: Path) -> Iterator[dict[str, "Rest | Grpc"]]:
    """Starts the embedded server with one version; yields its two transports.

    Yields none, with a warning, without the extra `serve` or if no port can be opened.

    Args:
        version: its folder, whose name need not be a number.
    """
    with contextlib.ExitStack() as stack:
        try:
            found = _serve(version, stack)
        except (ImportError, ServerError) as error:
            LOG.warning(
                "The server is not compared: %s pip install 'tfnlp[serve]'", error
            )
            found = {}
        yield found


def _serve(version: Path, stack: contextlib.ExitStack) -> dict[str, "Rest | Grpc"]:
    from tfnlp.serving.client.transports import Grpc, Rest
    from tfnlp.serving.server.model_manager import ModelConfig
    from tfnlp.serving.server.server import Server, ServerConfig

    stack.enter_context(_quiet_server_log())
    base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (base / "1").symlink_to(version.resolve(), target_is_directory=True)
    model = ModelConfig(name="artefact", base=base, specific=(1,))
    config = ServerConfig(
        port=free_port(), rest_api_port=free_port(), poll=0.0, warm_up=False
    )
    server = Server(lambda: [model], config)
    server.start()
    stack.callback(server.stop, 5.0)
    found: dict[str, Rest | Grpc] = {
        "REST": Rest(Target("rest", f"127.0.0.1:{config.rest_api_port}", model.name)),
        "gRPC": Grpc(Target("grpc", f"127.0.0.1:{config.port}", model.name)),
    }
    for transport in found.values():
        stack.enter_context(contextlib.closing(transport))
    return found


@contextlib.contextmanager
def _quiet_server_log() -> Iterator[None]:
    """Silences the log of the server."""
    logger = logging.getLogger("tfnlp.serving")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def table(found: list[Comparison]) -> str:
    """One line per backend: number of rows, largest difference and result.

    Example:
    >>> print(table([Comparison("REST", 30, 1.2e-07, "")]))
    backend         rows   max diff   result
    REST              30    1.2e-07   same
    """
    width = max(15, *(len(each.backend) + 1 for each in found))
    lines = [f"{'backend':<{width}}{'rows':>5}{'max diff':>11}   result"]
    for name, rows, difference, error in found:
        result = error or "same"
        lines.append(f"{name:<{width}}{rows:>5}{difference:>11.2g}   {result}")
    return "\n".join(lines)


def _compare(
    backend: str, predict: Predict, expected: Iterable[Expected], tolerance: float
) -> Comparison:
    rows, largest, message = 0, 0.0, ""
    for signature, inputs, answer in expected:
        rows += len(next(iter(inputs.values())))
        try:
            received = predict(signature, inputs)
            largest = max(largest, _max_difference(answer, received, tolerance))
        except (StatusError, ExportError, RuntimeError, tf.errors.OpError) as error:
            message, largest = f"{signature}: {_first(error)}", float("inf")
    return Comparison(backend, rows, largest, message)


def _request(endpoint: Endpoint, texts: list[str | bytes]) -> dict[str, tf.Tensor]:
    """Texts for string fields, defaults for optional fields, 0 for numbers."""
    columns = {
        name: texts
        if spec.dtype == tf.string and name not in endpoint.defaults
        else [endpoint.defaults.get(name, 0)] * len(texts)
        for name, spec in endpoint.inputs.items()
    }
    return {
        name: tf.constant(column, endpoint.inputs[name].dtype)
        for name, column in columns.items()
    }


def _traced(endpoint: Endpoint, network: Callable) -> Callable:
    """The graph of an endpoint, for any number of rows."""
    is_keras = isinstance(network, keras.Model)
    with without_cudnn(network) if is_keras else contextlib.nullcontext():
        traced: Callable = function(endpoint, network).get_concrete_function()
        return traced


def _call(
    graphs: Mapping[str, Callable], name: str, inputs: Mapping[str, tf.Tensor]
) -> Arrays:
    return arrays(graphs[name](**inputs))


def _as_text(answer: Arrays) -> Arrays:
    """An answer as JSON holds it: invalid UTF-8 becomes U+FFFD."""

    def text(value: bytes) -> bytes:
        return value.decode("utf-8", "replace").encode()

    return {
        name: np.asarray(np.frompyfunc(text, 1, 1)(column), object)
        if column.dtype == object
        else column
        for name, column in answer.items()
    }


def _send(
    transport: "Rest | Grpc", endpoint: str, inputs: Mapping[str, tf.Tensor]
) -> Arrays:
    return transport.send(endpoint, inputs, TIMEOUT)


def _max_difference(expected: Arrays, received: Arrays, tolerance: float) -> float:
    return golden_rows.max_difference(
        expected, {n: np.asarray(received[n]) for n in expected}, tolerance=tolerance
    )


def _first(error: Exception) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0]


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
