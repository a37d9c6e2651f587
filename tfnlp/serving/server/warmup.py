"""Warm-up: replays the recorded requests of a version before it becomes available.

The file is TF Serving's: `assets.extra/tf_serving_warmup_requests`, a TFRecord of
`PredictionLog` messages. Replaying it traces graphs and initializes tables.
"""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from tfnlp.export.savedmodel import warmup
from tfnlp.export.savedmodel.artefact import SIDE_FILES
from tfnlp.serving.protocol import tensor_protos
from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.server.grpc_services import serialized
from tfnlp.serving.server.loaded_model import LoadedModel

FILE = f"{SIDE_FILES}/{warmup.FILE}"
MOST = 1000
"""Maximum number of replayed requests, as in TF Serving."""


def replay(served: LoadedModel, folder: Path) -> int:
    """Replays the warm-up file of a version; returns the number of requests.

    Raises:
        StatusError: the file is damaged, or one of its requests fails.
    """
    file = folder / FILE
    if not file.exists():
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(file)).take(MOST):
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            _send(served, log)
            count += 1
    except (tf.errors.OpError, DecodeError) as error:
        raise StatusError("DATA_LOSS", f"{file} is damaged: {error}") from error
    return count


def _send(served: LoadedModel, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        columns = {n: tensor_protos.array(n, p) for n, p in request.inputs.items()}
        served.predict(request.model_spec.signature_name, columns)
    elif kind == "classify_log":
        request = log.classify_log.request
        served.classify(request.model_spec.signature_name, serialized(request.input))
    elif kind == "regress_log":
        request = log.regress_log.request
        served.regress(request.model_spec.signature_name, serialized(request.input))
