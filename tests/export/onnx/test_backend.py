"""The ONNX backend has placeholders for its primitives and refuses the others."""

import pytest
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.onnx import answers
from tfnlp.export.onnx.backend import OnnxBackend
from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.task import Endpoint
from tfnlp.text import ops
from tfnlp.text.tokenizers.characters import CharacterTokenizer
from tfnlp.text.vectorizer.subword_vectorizer import SubwordVectorizer

LACKING = {"subword_ids"}


def test_every_primitive_is_replaced_or_refused():
    backend = OnnxBackend(Placeholders())
    assert set(backend._primitives) == set(ops.PRIMITIVES) - LACKING


@pytest.mark.parametrize("name", LACKING)
def test_a_missing_primitive_is_an_error(name):
    with pytest.raises(ExportError, match=f"does exactly what.*Received: .*{name}"):
        OnnxBackend(Placeholders()).run(name, lambda texts: texts, tf.constant(["a"]))


def test_an_endpoint_with_a_missing_primitive_is_an_error():
    vectorizer = SubwordVectorizer(CharacterTokenizer(("a",)))
    inputs = {"text": tf.TensorSpec([None], tf.string)}
    endpoint = Endpoint(lambda network, given: vectorizer(given["text"]), inputs)

    class Network:
        def _flatten_layers(self):
            return []

    with pytest.raises(ExportError, match="subword_ids"):
        answers.model(endpoint, Network())
    assert ops.current() is ops.TENSORFLOW
