"""An ONNX export does not disturb other threads, and they do not disturb it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.export.onnx import answers, conversion
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.onnx.string_models import answered

WORDS = ("a", "dull", "film", "fine", "good")
ROWS = from_list(
    [
        {"text": "a fine film", "label": "pos"},
        {"text": "a good film!", "label": "pos"},
        {"text": "a dull film", "label": "neg"},
        {"text": "dull, dull", "label": "neg"},
    ]
)
TEXTS = ("A FINE film!", "", "dull", "unknown words")


@pytest.fixture(scope="module")
def task():
    return tfnlp.Classification(
        tfnlp.Vectorizer(WORDS, sequence_length=8), tfnlp.Vocabulary(("neg", "pos"))
    )


def network_of(task):
    encoder = tfnlp.rnn.encoder(len(WORDS) + 2, hidden_dim=4, embedding_dim=4)
    network = task.network(encoder, dropout=0.0)
    random = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return network


def train(task):
    """Trains for a few steps and returns the weights."""
    config = tfnlp.TrainConfig(epochs=3, batch_size=2, learning_rate=0.01)
    trained = tfnlp.fit(task, lambda _: network_of(task), ROWS, ROWS, config)
    return trained.network.get_weights()


def predict(task, network):
    """Traces a new function and returns its answers."""
    found = tf.function(task.answer)(network, {"text": tf.constant(TEXTS)})
    return [found[name].numpy() for name in sorted(found)]


def export(task, network, folder):
    """Writes both models and returns their answers."""
    endpoint = task.endpoints()["serving_default"]
    onnx.save(answers.model(endpoint, network), str(folder / "model.onnx"))
    onnx.save(conversion.network(network), str(folder / "network.onnx"))
    (whole,) = answered(folder / "model.onnx", [{"text": tf.constant(TEXTS)}])
    ids = task.encode({"text": tf.constant(TEXTS)})
    half = OnnxNetwork(folder / "network.onnx")(ids)
    return [*(whole[name] for name in sorted(whole)), np.asarray(half)]


def equal(first, second):
    return all(map(np.array_equal, first, second)) and len(first) == len(second)


@pytest.mark.slow
def test_export_training_and_prediction_in_three_threads(task, tmp_path):
    """Training and prediction are repeated until the export is done."""
    network = network_of(task)
    alone = train(task), predict(task, network), export(task, network, tmp_path)
    start, done = threading.Barrier(3), threading.Event()

    def repeated(function, *arguments):
        start.wait()
        results = [function(*arguments)]
        while not done.is_set():
            results.append(function(*arguments))
        return results

    def once():
        start.wait()
        try:
            return export(task, network, tmp_path)
        finally:
            done.set()

    with ThreadPoolExecutor(3) as pool:
        trained = pool.submit(repeated, train, task)
        predicted = pool.submit(repeated, predict, task, network)
        exported = pool.submit(once).result()
    assert all(equal(each, alone[0]) for each in trained.result())
    assert all(equal(each, alone[1]) for each in predicted.result())
    assert equal(exported, alone[2])
