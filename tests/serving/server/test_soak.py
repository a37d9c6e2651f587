"""Soak test: a server under steady load loses no answer and its memory is bounded."""

import itertools
import resource
import threading
import time

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SECONDS = 60.0
CLIENTS = 8
GROWTH = 100_000
"""Kilobytes that the process may grow by after the first quarter."""


def rest_answers(server, values):
    """The answers of version 7 to batches of values, through REST."""
    url = f"http://127.0.0.1:{server.config.rest_api_port}/v1/models/half:predict"
    with httpx.Client(timeout=60.0) as client:
        for batch in values:
            answer = client.post(url, json={"instances": batch})
            yield batch, answer.json().get("predictions", answer.text)


def grpc_answers(server, values):
    """The same through gRPC."""
    with grpc.insecure_channel(f"127.0.0.1:{server.config.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for batch in values:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "half"
            request.inputs["x"].CopyFrom(tf.make_tensor_proto(batch))
            answer = stub.Predict(request, timeout=60.0)
            yield batch, list(answer.outputs["y"].float_val)


def batches(client, end):
    """Batches of one to five numbers that no other client sends, until the end."""
    for number in itertools.count():
        if time.monotonic() > end:
            return
        yield [float(client + CLIENTS * (number % 100_000))] * (number % 5 + 1)


def peak():
    """The most kilobytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.long
@pytest.mark.slow
def test_eight_clients_get_every_answer_for_a_minute(serve):
    server, end = serve(), time.monotonic() + SECONDS
    wrong, counts = [], [0] * CLIENTS

    def send(client):
        answers = (rest_answers, grpc_answers)[client % 2]
        try:
            for batch, found in answers(server, batches(client, end)):
                counts[client] += 1
                if found != [value + 7.0 for value in batch]:
                    wrong.append((batch, found))
        except (grpc.RpcError, httpx.HTTPError) as error:
            wrong.append((client, error))

    clients = [threading.Thread(target=send, args=(n,)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(SECONDS / 4)
    early = peak()
    for client in clients:
        client.join(2 * SECONDS)
    assert wrong == []
    assert min(counts) > 100
    assert peak() - early < GROWTH
