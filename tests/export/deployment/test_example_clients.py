"""The example clients call every signature of servers with TF Serving's answers."""

import http.server
import json
import runpy
import shutil
import socketserver
import subprocess
import sys
import threading
from concurrent import futures

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def served(optional):
    return tf.saved_model.load(str(optional / "1")).signatures


def answer(served, signature, columns):
    """What REST answers: every field is needed, rows out."""
    fields = served[signature].structured_input_signature[1]
    assert set(columns) == set(fields)
    outputs = served[signature](
        **{n: tf.constant(columns[n], spec.dtype) for n, spec in fields.items()}
    )
    plain = {n: np.asarray(v).astype("U").tolist() for n, v in outputs.items()}
    return [
        dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)
    ]


@pytest.fixture
def rest(served):
    """A server of /v1/models/optional."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self, code, body):
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self):
            known = self.path in ("/v1/models/optional", "/v1/models/optional/metadata")
            self.reply(200 if known else 404, {"state": "AVAILABLE" if known else ""})

        def do_POST(self):
            assert self.path == "/v1/models/optional:predict"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = body["instances"]
            rows = [r if isinstance(r, dict) else {"text": r} for r in rows]
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            answers = answer(served, body["signature_name"], columns)
            self.reply(200, {"predictions": answers})

        def log_message(self, *_):
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def grpc_server(served):
    """A PredictionService of the same."""
    grpc = pytest.importorskip("grpc")
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            assert request.model_spec.name == "optional"
            inputs = {n: tf.make_ndarray(v) for n, v in request.inputs.items()}
            serve = served[request.model_spec.signature_name]
            found = serve(**{n: tf.constant(v) for n, v in inputs.items()})
            response = predict_pb2.PredictResponse()
            for name, value in found.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return response

    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def run(base, script, server, monkeypatch):
    monkeypatch.setattr(sys, "argv", [script, server])
    runpy.run_path(str(base / "serving" / "examples" / script), run_name="__main__")


def test_the_rest_example_calls_every_signature(optional, rest, monkeypatch, capsys):
    run(optional, "rest.py", rest, monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["serving_default"] * 2 + [
        "scaled"
    ] * 2
    assert json.loads(lines[0].partition(" ")[2])["label"] == "A GOOD FILM."


def test_the_grpc_example_calls_every_signature(
    optional, grpc_server, monkeypatch, capsys
):
    run(optional, "grpc_client.py", grpc_server, monkeypatch)
    first, second = capsys.readouterr().out.strip().split("\nscaled ")
    assert first.startswith("serving_default {'label': array([b'A GOOD FILM.'")
    assert "'score': array([10.79" in second  # 12 letters times 0.9


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_curl_example_calls_every_signature(optional, rest):
    script = optional / "serving" / "examples" / "curl.sh"
    found = subprocess.run(["bash", script, rest], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count('{"predictions"') == 2
    assert found.stdout.count("AVAILABLE") == 2


@pytest.mark.parametrize(("name", "code"), [("optional", 0), ("another", 1)])
def test_the_health_check_asks_for_the_model(name, code, optional, rest, manifests):
    _, *words = manifests(optional).composed["healthcheck"]["test"]
    words[-1] = words[-1].replace("8501", rest.rpartition(":")[2])
    words[-1] = words[-1].replace("models/optional", f"models/{name}")
    assert subprocess.run(words, capture_output=True).returncode == code


def test_the_readme_lists_fields_defaults_and_answers(optional):
    text = (optional / "serving" / "README.md").read_text()
    assert "| `times` | float32 [B] | `0.9` |" in text
    assert "| `text` | string [B] |  |" in text
    assert "| `score` | float32 [B] |" in text
