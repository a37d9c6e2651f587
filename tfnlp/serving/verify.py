"""Whether an artefact answers the same wherever it is asked.

The network through its task is what training and evaluation saw. The network read from
its file, the SavedModel, the embedded server by REST and by gRPC, and ONNX and LiteRT
where they have been written, must answer the same rows with the same strings and,
within a tolerance, the same numbers. So must a model of ONNX that takes strings.
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
    golden_features,
    matched,
    named,
    place,
    takes_a_function,
)
from tfnlp.export.onnx.string_models import answered, model_file
from tfnlp.export.savedmodel.artefact import SIDE_FILES, Written
from tfnlp.export.savedmodel.portable import without_cudnn
from tfnlp.export.savedmodel.servable import function
from tfnlp.serving.client.address import Target
from tfnlp.serving.client.predictor import load
from tfnlp.serving.protocol.status import Refusal
from tfnlp.task import Columns, Endpoint, Task

if TYPE_CHECKING:
    from tfnlp.serving.client.transports import Grpc, Rest

LOG = logging.getLogger("tfnlp")
Ask = Callable[[str, Mapping[str, tf.Tensor]], Columns]
"""Answers a request to an endpoint."""
Asked = tuple[str, Mapping[str, tf.Tensor], Columns]
"""An endpoint, a request to it, and the answer that is expected."""
SECONDS = 600.0
"""How long a server may take for one request."""
LONG = ("word " * 10_000, "x" * (1 << 20), b"\xff\xfe not UTF-8 \xc3")
"""Rows that are asked one at a time, so that no batch is as wide as they are."""


class Way(NamedTuple):
    """One way to ask an artefact, and what came of it."""

    name: str
    rows: int
    worst: float  # the largest difference of two numbers; inf if strings differ
    said: str  # why it fails, or ""


def verify(path: str | Path, *, tolerance: float = golden_rows.TOLERANCE) -> list[Way]:
    """Asks a version of an artefact in every way there is.

    Args:
        path: ``saved_models/NAME``, or the folder of a version.
        tolerance: how far numbers may be apart, absolutely and relatively.

    Raises:
        ArtefactError: the folder is no artefact.
    """
    predictor = load(path)
    task, folder = predictor.task, predictor.path
    answering = matched(task, predictor.endpoints)
    functions = {n: _traced(e, predictor.network) for n, e in answering.items()}
    asked = _asked(task, answering, functions)
    return [
        _compared("SavedModel", predictor.ask, asked, tolerance),
        *_by_networks(task, folder, answering, asked, tolerance),
        *_by_models(folder, asked, tolerance),
        *_by_servers(folder, asked, tolerance),
    ]


def check(written: Written) -> list[Way]:
    """Compares a version that nobody sees yet with the network it was made from.

    Raises:
        ExportError: an answer differs.
    """
    folder, task, model, functions, signatures = written
    asked = _asked(task, task.endpoints(), functions)
    found = [
        _reloaded(folder, task, model),
        _compared("SavedModel", _calling(signatures), asked, golden_rows.TOLERANCE),
        *_by_servers(folder, asked, golden_rows.TOLERANCE),
    ]
    for way in found:
        if way.said:
            raise ExportError(
                "An artefact answers the same wherever it is asked. "
                f"Received another answer by {way.name}: {way.said}"
            )
    return found


def requests(
    task: Task, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Signature and request: odd and golden rows together, very long ones alone.

    The latter, which take as long as all others, at the first signature only.
    """
    fields = golden_rows.golden(task).values()
    texts = next(each.numpy().tolist() for each in fields if each.dtype == tf.string)
    for number, (name, endpoint) in enumerate(endpoints.items()):
        alone = () if number else LONG
        for batch in (texts, *([text] for text in alone)):
            yield name, _request(endpoint, batch)


def _asked(
    task: Task, endpoints: Mapping[str, Endpoint], functions: Mapping[str, Callable]
) -> list[Asked]:
    """Requests with what the functions answer.

    Raises:
        ExportError: there is no answer to one.
    """
    asked: list[Asked] = []
    for name, inputs in requests(task, endpoints):
        try:
            asked.append((name, inputs, arrays(functions[name](**inputs))))
        except tf.errors.OpError as error:
            raise ExportError(
                "An artefact must answer any text, the oddest too. "
                f"Received: {_first(error)} for a text of golden or odd rows at "
                f"{name}. Look at encode and decode of the task."
            ) from error
    return asked


def _reloaded(folder: Path, task: Task, model: keras.Model) -> Way:
    """What the network computes that was read from its file, for golden rows."""
    reloaded = keras.models.load_model(folder / SIDE_FILES / "model.keras")
    rows = golden_features(task, model)
    # In graph: what is recurrent goes from token to token in Python outside of it.
    graphs = (tf.function(each, autograph=False) for each in (model, reloaded))
    expected, received = (arrays(named(each(rows))) for each in graphs)
    worst, said = 0.0, ""
    try:
        worst = _apart(expected, received, golden_rows.TOLERANCE)
    except ExportError as error:
        worst, said = float("inf"), _first(error)
    return Way(".keras", len(next(iter(rows.values()))), worst, said)


def _by_networks(
    task: Task,
    folder: Path,
    answering: Mapping[str, Endpoint],
    asked: list[Asked],
    tolerance: float,
) -> Iterator[Way]:
    """Other formats' networks answer at the signature of the task's own fields."""
    if not takes_a_function(task):
        return
    own = [n for n in answering if answering[n].inputs.keys() == task.inputs.keys()][:1]
    asked = [each for each in asked if each[0] in own]
    for kind, network in networks(folder).items():
        graphs = {name: _traced(answering[name], network) for name in own}
        yield _compared(kind, _calling(graphs), asked, tolerance)


def _by_models(folder: Path, asked: list[Asked], tolerance: float) -> Iterator[Way]:
    """Models of ONNX with strings in answer whatever is UTF-8 at their signatures."""
    files = {
        name: place(folder, "onnx") / model_file(name)
        for name in dict.fromkeys(name for name, *_ in asked)
    }
    for name, file in files.items():
        if file.exists():
            own = [each for each in asked if each[0] == name and _is_text(each[1])]
            yield _compared(file.name, partial(_ask_model, file), own, tolerance)


def _ask_model(file: Path, signature: str, inputs: Mapping[str, tf.Tensor]) -> Columns:
    return answered(file, [inputs])[0]


def _is_text(inputs: Mapping[str, tf.Tensor]) -> bool:
    """Whether all strings of a request are UTF-8."""
    texts = [each for each in inputs.values() if each.dtype == tf.string]
    sound = (
        tf.strings.regex_full_match(each, r"(?s)[^\x{D800}-\x{DFFF}]*")
        for each in texts
    )
    return all(bool(tf.reduce_all(each)) for each in sound)


def _by_servers(folder: Path, asked: list[Asked], tolerance: float) -> Iterator[Way]:
    with served(folder) as transports:
        for name, transport in transports.items():
            transport.definitions(SECONDS)
            ask = partial(_ask_in_time, transport)
            expected = asked
            if name == "REST":
                expected = [(n, i, _as_text(a)) for n, i, a in asked]
            yield _compared(name, ask, expected, tolerance)


def networks(version: Path) -> dict[str, Callable]:
    """The networks of other formats that have been written for a version."""
    found: dict[str, Callable] = {}
    onnx = place(version, "onnx") / "network.onnx"
    if onnx.exists():
        from tfnlp.export.onnx.runtime import OnnxNetwork

        found["ONNX"] = OnnxNetwork(onnx)
    litert = place(version, "litert") / "network.tflite"
    if litert.exists():
        from tfnlp.export.litert.runtime import LiteRTNetwork

        found["LiteRT"] = LiteRTNetwork(litert)
    return found


@contextlib.contextmanager
def served(version: Path) -> Iterator[dict[str, "Rest | Grpc"]]:
    """Two transports to the embedded server with one version.

    None, and a warning, without the extra `serve` or if it may open no port.

    Args:
        version: its folder, whose name need not be a number.
    """
    with contextlib.ExitStack() as ending:
        try:
            found = _serve(version, ending)
        except (ImportError, ServerError) as error:
            LOG.warning("The server is not asked: %s pip install 'tfnlp[serve]'", error)
            found = {}
        yield found


def _serve(version: Path, ending: contextlib.ExitStack) -> dict[str, "Rest | Grpc"]:
    from tfnlp.serving.client.transports import Grpc, Rest
    from tfnlp.serving.server.model_manager import Model
    from tfnlp.serving.server.server import Server, Settings

    ending.enter_context(_hushed())
    base = Path(ending.enter_context(tempfile.TemporaryDirectory()))
    (base / "1").symlink_to(version.resolve(), target_is_directory=True)
    model = Model(name="artefact", base=base, specific=(1,))
    ports = Settings(
        port=free_port(), rest_api_port=free_port(), poll=0.0, warm_up=False
    )
    server = Server(lambda: [model], ports)
    server.start()
    ending.callback(server.stop, 5.0)
    found: dict[str, Rest | Grpc] = {
        "REST": Rest(Target("rest", f"127.0.0.1:{ports.rest_api_port}", model.name)),
        "gRPC": Grpc(Target("grpc", f"127.0.0.1:{ports.port}", model.name)),
    }
    for transport in found.values():
        ending.enter_context(contextlib.closing(transport))
    return found


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Without what a server tells of itself: it is no server for anybody else."""
    logger = logging.getLogger("tfnlp.serving")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def table(found: list[Way]) -> str:
    """One line a way: rows asked, the worst difference and the verdict.

    Example:
    >>> print(table([Way("REST", 30, 1.2e-07, "")]))
    asked by        rows   apart by
    REST              30    1.2e-07   same
    """
    width = max(15, *(len(way.name) + 1 for way in found))
    lines = [f"{'asked by':<{width}}{'rows':>5}{'apart by':>11}"]
    for way in found:
        verdict = way.said or "same"
        lines.append(f"{way.name:<{width}}{way.rows:>5}{way.worst:>11.2g}   {verdict}")
    return "\n".join(lines)


def _compared(name: str, ask: Ask, asked: Iterable[Asked], tolerance: float) -> Way:
    rows, worst, said = 0, 0.0, ""
    for signature, inputs, answer in asked:
        rows += len(next(iter(inputs.values())))
        try:
            received = ask(signature, inputs)
            worst = max(worst, _apart(answer, received, tolerance))
        except (Refusal, ExportError, RuntimeError, tf.errors.OpError) as error:
            said, worst = f"{signature}: {_first(error)}", float("inf")
    return Way(name, rows, worst, said)


def _request(endpoint: Endpoint, texts: list[str | bytes]) -> dict[str, tf.Tensor]:
    """Texts where texts belong, defaults where there are some, and 0 for numbers."""
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
    """The graph of an endpoint, for requests of any number of rows."""
    is_keras = isinstance(network, keras.Model)
    with without_cudnn(network) if is_keras else contextlib.nullcontext():
        traced: Callable = function(endpoint, network).get_concrete_function()
        return traced


def _calling(graphs: Mapping[str, Callable]) -> Ask:
    return lambda name, inputs: arrays(graphs[name](**inputs))


def _as_text(answer: Columns) -> Columns:
    """An answer as JSON can hold it: bytes that are no UTF-8 become U+FFFD."""

    def text(value: bytes) -> bytes:
        return value.decode("utf-8", "replace").encode()

    return {
        name: np.asarray(np.frompyfunc(text, 1, 1)(column), object)
        if column.dtype == object
        else column
        for name, column in answer.items()
    }


def _ask_in_time(
    transport: "Rest | Grpc", endpoint: str, inputs: Mapping[str, tf.Tensor]
) -> Columns:
    return transport.ask(endpoint, inputs, SECONDS)


def _apart(expected: Columns, received: Columns, tolerance: float) -> float:
    return golden_rows.worst_difference(
        expected, {n: np.asarray(received[n]) for n in expected}, tolerance=tolerance
    )


def _first(error: Exception) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0]


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
