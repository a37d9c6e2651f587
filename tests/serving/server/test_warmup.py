"""A version answers its warm-up requests before it becomes available."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.server.loaded_model import load_version
from tfnlp.serving.server.warmup import FILE, replay


@pytest.fixture
def folder(foreign, tmp_path):
    copy = tmp_path / "7"
    shutil.copytree(foreign / "7", copy)
    (copy / FILE).parent.mkdir(exist_ok=True)
    return copy


def predict(signature, **columns):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, values in columns.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(np.float32(values)))
    return log


def examples(kind, signature):
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, kind).request
    request.model_spec.signature_name = signature
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(1.0)
    return log


def write(folder, *logs):
    with tf.io.TFRecordWriter(str(folder / FILE)) as file:
        for log in logs:
            file.write(log.SerializeToString())


def test_every_request_of_the_file_is_replayed(folder):
    write(
        folder,
        predict("serving_default", x=[1.0]),
        predict("picky", x=[4.0, 9.0]),
        examples("classify_log", "classify"),
        examples("regress_log", "regress"),
    )
    assert replay(load_version("half", 7, folder), folder) == 4


def test_without_a_file_nothing_is_replayed(foreign):
    assert replay(load_version("half", 7, foreign / "7"), foreign / "7") == 0


def test_a_failing_request_keeps_the_version_from_being_served(folder):
    write(folder, predict("picky", x=[-1.0]))
    with pytest.raises(StatusError, match="is < 0"):
        replay(load_version("half", 7, folder), folder)


def test_a_damaged_file_keeps_the_version_from_being_served(folder):
    (folder / FILE).write_bytes(b"nonsense" * 10)
    with pytest.raises(StatusError, match="is damaged") as error:
        replay(load_version("half", 7, folder), folder)
    assert error.value.code == "DATA_LOSS"
