"""A server on loopback with a SavedModel that is not ours."""

from pathlib import Path

import grpc
import httpx
import pytest
import tensorflow as tf

from tfnlp.serving.server.model_manager import ModelConfig
from tfnlp.serving.server.server import Server, ServerConfig
from tfnlp.serving.verify import free_port


class Foreign(tf.Module):
    """Signatures of every kind that TF Serving knows, with plain arithmetic inside."""

    def __init__(self, step: float = 1.0):
        super().__init__()
        self.step = tf.Variable(step)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def add(self, x):
        """One field, one output."""
        return {"y": x + self.step}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.int32, "whole"),
            tf.TensorSpec([None], tf.bool, "flag"),
            tf.TensorSpec([None], tf.string, "text"),
        ]
    )
    def several(self, whole, flag, text):
        """Several fields and outputs, one of bytes."""
        return {
            "sum": tf.reduce_sum(tf.cast(whole, tf.int64), axis=1),
            "not": tf.logical_not(flag),
            "text": text,
            "raw_bytes": text + b"\xff",
            "ratio": tf.cast(whole, tf.float64) / 3.0,
        }

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "x")])
    def mean(self, x):
        """Rows of any length, and one number for all of them."""
        return {"mean": tf.reduce_mean(x)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "x")])
    def double(self, x):
        """Rows of any length, in and out."""
        return {"y": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def picky(self, x):
        """Rejects negative numbers."""
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, "is < 0")]):
            return {"root": tf.sqrt(x), "count": tf.fill(tf.shape(x), tf.size(x))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def positive(self, x):
        """Drops rows."""
        return {"y": tf.boolean_mask(x, x > 0.0)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def share(self, x):
        """Rows that depend on one another."""
        return {"y": x / tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float16, "x")])
    def narrow(self, x):
        """Numbers of 16 bits."""
        return {"half": x, "brain": tf.cast(x, tf.bfloat16)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def letters(self, text):
        """Padded to the longest text, with the batch size."""
        split = tf.strings.unicode_split(text, "UTF-8").to_tensor()
        return {"letters": split, "count": tf.fill(tf.shape(text), tf.size(text))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classify(self, inputs):
        """Examples in, two classes out."""
        x = self._feature(inputs)
        labels = tf.tile([["small", "large"]], [tf.shape(x)[0], 1])
        return {"classes": labels, "scores": tf.stack([1.0 - x, x], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def regress(self, inputs):
        """Examples in, numbers out."""
        return {"outputs": self._feature(inputs) * 2.0}

    def _feature(self, examples):
        feature = {"x": tf.io.FixedLenFeature([], tf.float32)}
        return tf.io.parse_example(examples, feature)["x"]


def write(base: Path, number: int, step: float = 1.0) -> Path:
    """Writes a version of the foreign model without tfnlp."""
    model = Foreign(step)
    names = (
        *("several", "mean", "double", "picky", "positive", "share", "narrow"),
        *("letters", "classify", "regress"),
    )
    signatures = {name: getattr(model, name) for name in names}
    folder = base / str(number)
    tf.saved_model.save(
        model, str(folder), signatures={**signatures, "serving_default": model.add}
    )
    return folder


def started(models: list[ModelConfig], **settings) -> Server:
    """A running server on free ports."""
    ports = {"port": free_port(), "rest_api_port": free_port()}
    server = Server(lambda: models, ServerConfig(**{**ports, **settings}))
    server.start()
    return server


@pytest.fixture(scope="session")
def foreign(tmp_path_factory) -> Path:
    """The folder of a foreign model with the versions 3 and 7."""
    base = tmp_path_factory.mktemp("foreign") / "half"
    write(base, 3, step=3.0)
    write(base, 7, step=7.0)
    return base


@pytest.fixture(scope="session")
def server(foreign):
    """A server of all versions of the foreign model, two of them with a label."""
    labels = {"stable": 3, "canary": 7}
    model = ModelConfig(name="half", base=foreign, latest=0, labels=labels)
    running = started([model], metrics="/metrics", cors=True)
    yield running
    running.stop(5.0)


@pytest.fixture(scope="session")
def rest(server):
    """An HTTP client of it."""
    url = f"http://127.0.0.1:{server.config.rest_api_port}"
    with httpx.Client(base_url=url, timeout=30.0) as client:
        yield client


@pytest.fixture(scope="session")
def channel(server):
    """A gRPC channel to it."""
    with grpc.insecure_channel(f"127.0.0.1:{server.config.port}") as opened:
        yield opened


@pytest.fixture
def serve(foreign):
    """Starts servers of the foreign model, or of other ones, with other settings."""
    running = []

    def start(models: list[ModelConfig] | None = None, **settings) -> Server:
        running.append(
            started(models or [ModelConfig(name="half", base=foreign)], **settings)
        )
        return running[-1]

    yield start
    for each in running:
        each.stop(1.0)


@pytest.fixture(scope="session")
def write_version():
    """Writes a version of the foreign model: folder, number and step."""
    return write
