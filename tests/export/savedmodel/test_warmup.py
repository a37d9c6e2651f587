"""TF Serving can replay the warm-up requests of a version."""

import logging
import sys

import keras
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfnlp.export.savedmodel import warmup
from tfnlp.export.savedmodel.artefact import export
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Endpoint, Task


class Repeats(Task):
    """Answers a text a number of times; the number is optional."""

    inputs = {"text": TEXT}  # noqa: RUF012  (the contract declares it so)

    def encode(self, inputs):
        return {"bytes": tf.strings.length(inputs["text"])[:, None]}

    def loss(self, y, outputs):
        return outputs[:, 0]

    def decode(self, outputs, inputs):
        return {"score": outputs[:, 0]}

    def endpoints(self):
        request = {"text": TEXT, "times": NUMBER}
        return {
            "serving_default": Endpoint(self.answer, self.inputs),
            "several": Endpoint(self.several, request, {"times": 2.0}),
        }

    def several(self, model, inputs):
        return {"score": self.answer(model, inputs)["score"] * inputs["times"]}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


def refuses(task, model, inputs):
    """An endpoint that takes no text of ours."""
    with tf.control_dependencies([tf.debugging.assert_equal(inputs["text"], "x")]):
        return {"same": tf.identity(inputs["text"])}


def network() -> keras.Model:
    size = keras.Input([1], dtype="int32", name="bytes")
    times = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    numbers = keras.ops.cast(size, "float32")
    return keras.Model({"bytes": size}, times(numbers))


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return export(Repeats(), network(), "toy", output=tmp_path_factory.mktemp("saved"))


def records(version):
    """The requests of a version, as TF Serving reads them."""
    file = version / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        yield log.predict_log.request


def arrays(request):
    return {name: tf.make_ndarray(value) for name, value in request.inputs.items()}


def test_every_request_is_answered_by_the_signature_it_names(version):
    served = tf.saved_model.load(str(version))
    for request in records(version):
        inputs = {name: tf.constant(a) for name, a in arrays(request).items()}
        answer = served.signatures[request.model_spec.signature_name](**inputs)
        assert len(answer["score"]) == len(inputs["text"])


def test_a_session_answers_every_request_as_tf_serving_does(version):
    """A server knows no Keras: it restores TensorFlow's variables, by the graph."""
    requests = list(records(version))
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        for request in requests:
            signature = graph.signature_def[request.model_spec.signature_name]
            fed = {signature.inputs[n].name: a for n, a in arrays(request).items()}
            answer = session.run(signature.outputs["score"].name, fed)
            assert len(answer) == len(arrays(request)["text"])


def test_each_endpoint_gets_each_number_of_rows(version):
    sizes = {}
    for request in records(version):
        rows = arrays(request)["text"].shape[0]
        sizes.setdefault(request.model_spec.signature_name, []).append(rows)
    assert sizes["serving_default"] == [*warmup.SIZES] * 2
    assert sizes["several"] == [*warmup.ALONE] * 2


def test_all_fields_of_a_request_are_there_and_of_one_length(version):
    for request in records(version):
        lengths = {name: a.shape for name, a in arrays(request).items()}
        assert request.model_spec.name == "toy"
        assert len(set(lengths.values())) == 1
        several = request.model_spec.signature_name == "several"
        assert set(lengths) == ({"text", "times"} if several else {"text"})


def test_texts_are_short_and_long(version):
    sizes = [max(map(len, arrays(request)["text"])) for request in records(version)]
    assert min(sizes) < 15
    assert max(sizes) > 200


def test_there_are_not_more_requests_than_tf_serving_takes(version):
    assert 0 < len(list(records(version))) <= 1000


def test_an_endpoint_that_takes_no_text_is_left_out(tmp_path, caplog):
    endpoint = Endpoint(refuses, {"text": TEXT})
    run = tf.function(lambda name, inputs: refuses(None, None, inputs))
    with caplog.at_level(logging.WARNING, "tfnlp"):
        assert warmup.write(tmp_path, "toy", {"odd": endpoint}, run) == 0
    assert "odd is not warmed up: it rejects plain text" in caplog.text


def test_without_the_extra_the_file_is_left_out(tmp_path, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with caplog.at_level(logging.WARNING, "tfnlp"):
        version = export(Repeats(), network(), "toy", output=tmp_path)
    assert not (version / "assets.extra" / warmup.FILE).exists()
    assert "pip install 'tfnlp[serve]'" in caplog.text
