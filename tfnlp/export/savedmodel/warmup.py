"""Warm-up requests of TF Serving, which it replays while it loads a version.

The first run of a graph is slow, for every batch size. TF Serving therefore replays
``assets.extra/tf_serving_warmup_requests`` before it makes a version available. A
request that fails keeps the version from being served, so the requests of each endpoint
are tried here. All are Predict requests, which REST's ``:predict`` becomes, too:
Classify and Regress take tf.Example, our signatures take text.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfnlp.task import Endpoint

FILE = "tf_serving_warmup_requests"
SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Rows of a request; TF Serving pads its batches to one of these sizes."""
ALONE = (1, 8)
"""The same for signatures with optional fields, which are not batched."""
SHORT = (
    "A good film.",
    "She left New York on Monday.",
    "Nicht schlecht!",
    "Why?",
    "\U0001f600 école 電影",
    "It rained, and nobody came to the party.",
)
LONG = tuple(" ".join((*SHORT[k:], *SHORT[:k]) * 3) for k in range(len(SHORT)))
LOG = logging.getLogger("tfnlp")


def write(
    folder: Path,
    name: str,
    endpoints: Mapping[str, Endpoint],
    run: Callable[[str, Mapping[str, tf.Tensor]], object],
) -> int:
    """Writes the file of warm-up requests; returns their number.

    Without the extra `serve` no file is written, and an endpoint that rejects such rows
    (text, and 0 for numbers) is skipped; both with a warning.

    Args:
        folder: the side files of a version.
        name: of the artefact.
        endpoints: those of the task.
        run: calls a signature of the version: name and inputs.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2  # noqa: F401
    except ImportError:
        LOG.warning(
            "%s/%s is not written: the first requests to this version will be slow in "
            "TF Serving. pip install 'tfnlp[serve]'",
            folder.name,
            FILE,
        )
        return 0
    count = 0
    with tf.io.TFRecordWriter(str(folder / FILE)) as writer:
        for signature, endpoint in endpoints.items():
            if _is_accepted(signature, endpoint, run):
                for inputs in requests(endpoint):
                    writer.write(_record(name, signature, inputs))
                    count += 1
    return count


def requests(endpoint: Endpoint) -> Iterator[dict[str, tf.Tensor]]:
    """Warm-up requests of an endpoint: short and long texts, by number of rows.

    Example:
    >>> from tfnlp.specs import TEXT
    >>> warmups = list(requests(Endpoint(print, {"text": TEXT})))
    >>> [len(inputs["text"]) for inputs in warmups]
    [1, 2, 4, 8, 16, 32, 64, 1, 2, 4, 8, 16, 32, 64]
    """
    for texts in (SHORT, LONG):
        for size in ALONE if endpoint.defaults else SIZES:
            yield _inputs(endpoint, texts, size)


def _inputs(
    endpoint: Endpoint, texts: tuple[str, ...], size: int
) -> dict[str, tf.Tensor]:
    """Every field with one value per row, as REST and batching require."""
    return {
        name: tf.constant(_column(endpoint, name, texts, size), spec.dtype)
        for name, spec in endpoint.inputs.items()
    }


def _column(
    endpoint: Endpoint, name: str, texts: tuple[str, ...], size: int
) -> list[Any]:
    if name in endpoint.defaults:
        return [endpoint.defaults[name]] * size
    if endpoint.inputs[name].dtype == tf.string:
        return list(islice(cycle(texts), size))
    return [0] * size


def _is_accepted(
    signature: str,
    endpoint: Endpoint,
    run: Callable[[str, Mapping[str, tf.Tensor]], object],
) -> bool:
    try:
        for texts in (SHORT, LONG):
            run(signature, _inputs(endpoint, texts, min(len(texts), max(ALONE))))
    except tf.errors.OpError as error:
        LOG.warning(
            "%s is not warmed up: it rejects plain text (%s).",
            signature,
            error.message.splitlines()[0],
        )
        return False
    return True


def _record(name: str, signature: str, inputs: Mapping[str, tf.Tensor]) -> bytes:
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for field, tensor in inputs.items():
        request.inputs[field].CopyFrom(tf.make_tensor_proto(tensor))
    return log.SerializeToString()
