"""Whether an artefact answers the same wherever it is asked.

The network through its task is what training and evaluation saw. The SavedModel, the
embedded server by REST and by gRPC, and ONNX and LiteRT where they have been written,
must answer the same rows with the same strings and, within a tolerance, the same
numbers.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export import golden
from tfnlp.export.beside import place, takes_a_function
from tfnlp.export.portable import without_cudnn
from tfnlp.serving.configs import one_version
from tfnlp.serving.predictor import Predictor, load
from tfnlp.serving.refusals import Refusal
from tfnlp.serving.server import Server, Settings
from tfnlp.serving.targets import Target
from tfnlp.serving.transports import Grpc, Rest
from tfnlp.task import Columns, Endpoint, Task

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
    asked = list(requests(predictor))
    expected = [_expected(predictor, name, inputs) for name, inputs in asked]
    with ways(predictor) as asking:
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


def check(path: str | Path) -> list[Way]:
    """Like `verify`, for a version that must not be there if it fails.

    Raises:
        ExportError: an answer differs.
    """
    found = verify(path)
    for way in found:
        if way.said:
            raise ExportError(
                "An artefact answers the same wherever it is asked. "
                f"Received another answer by {way.name}: {way.said} "
                "Report this with the task and the versions of `tfnlp doctor`."
            )
    return found


def requests(predictor: Predictor) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Signature and request: odd and golden rows together, very long ones alone."""
    fields = golden.golden(predictor.task).values()
    texts = next(each.numpy().tolist() for each in fields if each.dtype == tf.string)
    for name, endpoint in endpoints(predictor).items():
        for batch in (texts, *([text] for text in LONG)):
            yield name, _request(endpoint, batch)


def endpoints(predictor: Predictor) -> dict[str, Endpoint]:
    """What answers at each signature: the task's endpoint of the same fields.

    The loaded task may give them other names, as one that was saved for raw texts.
    """
    known = predictor.task.endpoints()
    found = {}
    for name, fields in predictor.endpoints.items():
        ordered = [known[name], *known.values()] if name in known else known.values()
        found[name] = next(e for e in ordered if e.inputs.keys() == fields.keys())
    return found


@contextlib.contextmanager
def ways(predictor: Predictor) -> Iterator[dict[str, tuple[Ask, list[str]]]]:
    """Name of a way → what asks, and the signatures that it has."""
    task = predictor.task
    every = list(predictor.endpoints)
    found: dict[str, tuple[Ask, list[str]]] = {"SavedModel": (predictor.ask, every)}
    default = [
        name
        for name, fields in predictor.endpoints.items()
        if takes_a_function(task) and fields.keys() == task.inputs.keys()
    ][:1]
    for kind, network in networks(predictor.path).items():
        found[kind] = (partial(_through, task, network), default)
    with served(predictor.path) as (rest, grpc):
        for name, transport in (("REST", rest), ("gRPC", grpc)):
            transport.definitions(SECONDS)
            ask = partial(_ask_in_time, transport)
            found[name] = (ask, every)
        yield found


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
def served(version: Path) -> Iterator[tuple[Rest, Grpc]]:
    """The embedded server with one version, and two transports to it."""
    settings = Settings(port=_free_port(), rest_api_port=_free_port(), poll=0.0)
    server = Server(one_version(version), settings)
    server.start()
    (name,) = server.models.names
    rest = Target("rest", f"127.0.0.1:{settings.rest_api_port}", name)
    grpc = Target("grpc", f"127.0.0.1:{settings.port}", name)
    try:
        with (
            contextlib.closing(Rest(rest)) as one,
            contextlib.closing(Grpc(grpc)) as two,
        ):
            yield one, two
    finally:
        server.stop(5.0)


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


def _expected(
    predictor: Predictor, name: str, inputs: Mapping[str, tf.Tensor]
) -> Columns:
    """What the network answers through its task, in graph as everywhere."""
    endpoint = endpoints(predictor)[name]
    with without_cudnn(predictor.network):
        answer = tf.function(endpoint.function)(predictor.network, inputs)
    return {name: tensor.numpy() for name, tensor in answer.items()}


def _through(
    task: Task, network: Callable, endpoint: str, inputs: Mapping[str, tf.Tensor]
) -> Columns:
    answer = tf.function(partial(task.answer, network))(inputs)
    return {name: tensor.numpy() for name, tensor in answer.items()}


def _ask_in_time(
    transport: Rest | Grpc, endpoint: str, inputs: Mapping[str, tf.Tensor]
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
