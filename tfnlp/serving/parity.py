"""Whether an artefact answers the same wherever it is asked.

The network through its task is what training and evaluation saw. The network read from
its file, the SavedModel, the embedded server by REST and by gRPC, and ONNX where it has
been written, must answer the same rows with the same strings and, within a tolerance,
the same numbers.
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
from tfnlp.export import golden
from tfnlp.export.beside import arrays, place, takes_a_function
from tfnlp.export.portable import without_cudnn
from tfnlp.export.servable import function
from tfnlp.serving.predictor import Predictor, load
from tfnlp.serving.refusals import Refusal
from tfnlp.serving.targets import Target
from tfnlp.task import Columns, Endpoint, Task

if TYPE_CHECKING:
    from tfnlp.serving.transports import Grpc, Rest

LOG = logging.getLogger("tfnlp")
Ask = Callable[[str, Mapping[str, tf.Tensor]], Columns]
"""Answers a request to an endpoint."""
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


def verify(path: str | Path, *, tolerance: float = golden.TOLERANCE) -> list[Way]:
    """Asks a version of an artefact in every way there is.

    Args:
        path: ``saved_models/NAME``, or the folder of a version.
        tolerance: how far numbers may be apart, absolutely and relatively.

    Raises:
        ArtefactError: the folder is no artefact.
    """
    predictor = load(path)
    answering = endpoints(predictor, predictor.task)
    functions = {
        name: _traced(endpoint, predictor.network)
        for name, endpoint in answering.items()
    }
    return _asked(predictor, predictor.task, functions, {}, tolerance)


def check(folder: Path, task: Task, functions: Mapping[str, Callable]) -> list[Way]:
    """Compares a version that is being written with the network it was made from.

    Args:
        folder: of the version; its name need not be a number yet.
        task: as it was trained.
        functions: what it answers at each of its endpoints.

    Raises:
        ExportError: an answer differs.
    """
    predictor = Predictor(folder)
    others = {".keras": predictor.network}
    found = _asked(predictor, task, functions, others, golden.TOLERANCE)
    for way in found:
        if way.said:
            raise ExportError(
                "An artefact answers the same wherever it is asked. "
                f"Received another answer by {way.name}: {way.said} "
                "Report this with the task and the versions of `tfnlp doctor`."
            )
    return found


def requests(
    task: Task, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Signature and request: odd and golden rows together, very long ones alone."""
    fields = golden.golden(task).values()
    texts = next(each.numpy().tolist() for each in fields if each.dtype == tf.string)
    for name, endpoint in endpoints.items():
        for batch in (texts, *([text] for text in LONG)):
            yield name, _request(endpoint, batch)


def endpoints(predictor: Predictor, task: Task) -> dict[str, Endpoint]:
    """What answers at each signature: the task's endpoint of the same fields.

    The loaded task may give them other names, as one that was saved for raw texts.
    """
    known = task.endpoints()
    found = {}
    for name, fields in predictor.endpoints.items():
        ordered = [known[name], *known.values()] if name in known else known.values()
        found[name] = next(e for e in ordered if e.inputs.keys() == fields.keys())
    return found


def _asked(
    predictor: Predictor,
    task: Task,
    functions: Mapping[str, Callable],
    others: Mapping[str, keras.Model],
    tolerance: float,
) -> list[Way]:
    answering = endpoints(predictor, task)
    asked = list(requests(task, answering))
    expected = [arrays(functions[name](**inputs)) for name, inputs in asked]
    with ways(predictor, task, answering, others) as asking:
        return [
            _compared(
                name,
                ask,
                tolerance,
                [
                    (signature, inputs, answer)
                    for (signature, inputs), answer in zip(asked, expected, strict=True)
                    if signature in answered
                ],
            )
            for name, (ask, answered) in asking.items()
        ]


@contextlib.contextmanager
def ways(
    predictor: Predictor,
    task: Task,
    answering: Mapping[str, Endpoint],
    others: Mapping[str, keras.Model],
) -> Iterator[dict[str, tuple[Ask, list[str]]]]:
    """Name of a way → what asks, and the signatures that it has.

    Other networks answer at the signature of the task's own fields.
    """
    every = list(answering)
    default = [n for n in every if answering[n].inputs.keys() == task.inputs.keys()][:1]
    found: dict[str, tuple[Ask, list[str]]] = {}
    for kind, network in others.items():
        found[kind] = (_calling(_traced(answering[default[0]], network)), default)
    found["SavedModel"] = (predictor.ask, every)
    for kind, network in networks(predictor.path).items():
        ask = _calling(_traced(answering[default[0]], network))
        found[kind] = (ask, default if takes_a_function(task) else [])
    with served(predictor.path) as transports:
        for name, transport in transports.items():
            transport.definitions(SECONDS)
            found[name] = (partial(_ask_in_time, transport), every)
        yield found


def networks(version: Path) -> dict[str, Callable]:
    """The networks of other formats that have been written for a version."""
    found: dict[str, Callable] = {}
    onnx = place(version, "onnx") / "network.onnx"
    if onnx.exists():
        from tfnlp.export.onnx.runtime import OnnxNetwork

        found["ONNX"] = OnnxNetwork(onnx)
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
    from tfnlp.serving.models import Model
    from tfnlp.serving.server import Server, Settings
    from tfnlp.serving.transports import Grpc, Rest

    base = Path(ending.enter_context(tempfile.TemporaryDirectory()))
    (base / "1").symlink_to(version.resolve(), target_is_directory=True)
    model = Model(name="artefact", base=base, specific=(1,))
    ports = Settings(port=_free_port(), rest_api_port=_free_port(), poll=0.0)
    server = Server(lambda: [model], ports)
    server.start()
    ending.callback(server.stop, 5.0)
    rest = Rest(Target("rest", f"127.0.0.1:{ports.rest_api_port}", model.name))
    grpc = Grpc(Target("grpc", f"127.0.0.1:{ports.port}", model.name))
    found = {"REST": rest, "gRPC": grpc}
    for transport in found.values():
        ending.enter_context(contextlib.closing(transport))
    return found


def table(found: list[Way]) -> str:
    """One line a way: rows asked, the worst difference and the verdict.

    Example:
    >>> print(table([Way("REST", 30, 1.2e-07, "")]))
    asked by        rows   apart by
    REST              30    1.2e-07   same
    """
    lines = [f"{'asked by':<15}{'rows':>5}{'apart by':>11}"]
    for way in found:
        verdict = way.said or "same"
        lines.append(f"{way.name:<15}{way.rows:>5}{way.worst:>11.2g}   {verdict}")
    return "\n".join(lines)


def _compared(
    name: str,
    ask: Ask,
    tolerance: float,
    asked: Iterable[tuple[str, Mapping[str, tf.Tensor], Columns]],
) -> Way:
    rows, worst, said = 0, 0.0, ""
    for signature, inputs, answer in asked:
        rows += len(next(iter(inputs.values())))
        try:
            received = ask(signature, inputs)
            worst = max(worst, _apart(answer, received, tolerance))
        except (Refusal, ExportError, tf.errors.OpError) as error:
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
    with _portable(network):
        traced: Callable = function(endpoint, network).get_concrete_function()
        return traced


def _portable(network: Callable) -> contextlib.AbstractContextManager:
    if isinstance(network, keras.Model):
        return without_cudnn(network)
    return contextlib.nullcontext()


def _calling(traced: Callable) -> Ask:
    return lambda _, inputs: arrays(traced(**inputs))


def _ask_in_time(
    transport: "Rest | Grpc", endpoint: str, inputs: Mapping[str, tf.Tensor]
) -> Columns:
    return transport.ask(endpoint, inputs, SECONDS)


def _apart(expected: Columns, received: Columns, tolerance: float) -> float:
    return golden.worst_difference(
        expected, {n: np.asarray(received[n]) for n in expected}, tolerance=tolerance
    )


def _first(error: Exception) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
