"""How a server behaves towards clients that are slow, many, wrong or in a hurry."""

import gzip
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from tfnlp.errors import ServerError
from tfnlp.serving.server import http_timeouts
from tfnlp.serving.server.rest import Limits
from tfnlp.serving.server.server import Server

BODY = {"instances": [1.0]}


def url(server: Server, scheme="http") -> str:
    return f"{scheme}://127.0.0.1:{server.config.rest_api_port}/v1/models/half"


def ask(server: Server, **kwargs) -> httpx.Response:
    return httpx.post(f"{url(server)}:predict", json=BODY, timeout=30.0, **kwargs)


def status(server: Server, credentials=None, **kwargs) -> int:
    """Number of versions that gRPC reports."""
    target = f"localhost:{server.config.port}"
    opened = (
        grpc.secure_channel(target, credentials)
        if credentials
        else grpc.insecure_channel(target)
    )
    with opened as channel:
        message = get_model_status_pb2.GetModelStatusRequest()
        message.model_spec.name = "half"
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        return len(stub.GetModelStatus(message, **kwargs).model_version_status)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_has_a_limit_also_after_decompression(serve, compressed):
    server = serve(limits=Limits(request_bytes=10_000))
    content = b'{"instances": [' + b"1.0," * 10_000 + b"1.0]}"
    headers = {}
    if compressed:
        content, headers = gzip.compress(content), {"Content-Encoding": "gzip"}
    found = httpx.post(f"{url(server)}:predict", content=content, headers=headers)
    assert found.status_code == 413
    assert found.json() == {"error": "a request has at most 10000 bytes"}


@pytest.mark.slow
def test_a_body_of_a_gigabyte_takes_no_memory(serve):
    server = serve()

    def endless():
        for _ in range(1024):
            yield b" " * (1 << 20)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        found = httpx.post(f"{url(server)}:predict", content=endless())
        assert found.status_code == 413
    except (httpx.WriteError, httpx.ReadError):  # rejected while it was being sent
        pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kilobytes
    assert ask(server).json() == {"predictions": [8.0]}


def test_a_client_that_never_ends_its_headers_is_disconnected(serve, monkeypatch):
    monkeypatch.setattr(http_timeouts, "SECONDS", 0.3)
    server = serve()
    with socket.create_connection(("127.0.0.1", server.config.rest_api_port)) as slow:
        slow.sendall(b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n")
        slow.settimeout(10.0)
        assert slow.recv(100) == b""


def test_a_client_that_never_ends_its_body_gets_504(serve):
    server = serve(limits=Limits(seconds=0.3))
    with socket.create_connection(("127.0.0.1", server.config.rest_api_port)) as slow:
        slow.sendall(
            b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        slow.settimeout(10.0)
        assert b"504" in slow.recv(1000).split(b"\r\n")[0]


def test_more_requests_than_may_wait_are_refused(serve):
    server = serve(limits=Limits(waiting=1, seconds=5.0))
    with socket.create_connection(("127.0.0.1", server.config.rest_api_port)) as slow:
        slow.sendall(
            b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        time.sleep(0.2)
        assert ask(server).status_code == 503
    for _ in range(100):  # until the server has seen that the slow one is gone
        if ask(server).status_code == 200:
            return
        time.sleep(0.05)
    pytest.fail("the request that was given up is still counted")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "secret", "Basic secret"])
def test_requests_without_the_token_are_rejected(serve, header):
    server = serve(token="secret", metrics="/metrics")
    headers = {"Authorization": header} if header else {}
    found = ask(server, headers=headers)
    assert found.status_code == 401
    assert found.headers["www-authenticate"] == "Bearer"
    assert httpx.get(url(server)).status_code == 401
    assert (
        httpx.get(url(server).replace("v1/models/half", "metrics")).status_code == 401
    )
    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
        status(server, metadata=[("authorization", header)] if header else None)


def test_requests_with_the_token_are_answered(serve):
    server = serve(token="secret")
    assert ask(server, headers={"Authorization": "Bearer secret"}).status_code == 200
    assert status(server, metadata=[("authorization", "Bearer secret")]) == 1


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_requests_may_be_encrypted(serve, tmp_path):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*words, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    server = serve(certificate=certificate, key=key)
    context = ssl.create_default_context(cafile=str(certificate))
    address = url(server, "https").replace("127.0.0.1", "localhost")
    assert httpx.get(address, verify=context).status_code == 200
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    assert status(server, credentials) == 1


def test_a_port_in_use_is_reported(serve, foreign):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"Received for 127.0.0.1:{port}"):
            serve(rest_api_port=port)


def test_requests_in_flight_are_answered_before_the_end(serve):
    server = serve()
    found = []

    def slowly():
        yield b'{"instances"'
        time.sleep(0.5)
        yield b": [1.0]}"

    sending = threading.Thread(
        target=lambda: found.append(
            httpx.post(f"{url(server)}:predict", content=slowly(), timeout=20.0)
        )
    )
    sending.start()
    time.sleep(0.2)
    server.stop(10.0)
    sending.join()
    assert found[0].json() == {"predictions": [8.0]}
    with pytest.raises(httpx.ConnectError):
        ask(server)


def test_answers_of_many_clients_are_not_mixed_up(serve):
    server = serve()
    with httpx.Client(timeout=60.0) as client:

        def one(number):
            body = {"instances": [float(number)] * (number % 3 + 1)}
            found = client.post(f"{url(server)}:predict", json=body)
            return found.json() == {"predictions": [number + 7.0] * (number % 3 + 1)}

        with ThreadPoolExecutor(32) as pool:
            assert all(pool.map(one, range(500)))


def test_rows_of_a_foreign_model_are_not_batched(serve):
    """They may depend on one another, as a share of the sum does."""
    server = serve()
    with httpx.Client(timeout=60.0) as client:

        def one(number):
            body = {"signature_name": "share", "instances": [1.0, number - 1.0]}
            found = client.post(f"{url(server)}:predict", json=body).json()
            return found["predictions"][0] * number

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(one, range(2, 200)))
    assert found == pytest.approx([1.0] * len(found), rel=1e-5)


def test_bodies_that_are_being_read_count(serve):
    server = serve(limits=Limits(waiting_bytes=50_000, seconds=5.0))
    with socket.create_connection(("127.0.0.1", server.config.rest_api_port)) as slow:
        slow.sendall(
            b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: 60000\r\n\r\n" + b" " * 49_990
        )
        time.sleep(0.3)
        found = ask(server)
        assert found.status_code == 503
        assert "bytes wait already" in found.json()["error"]
    for _ in range(100):  # until the server has seen that the slow one is gone
        if ask(server).status_code == 200:
            return
        time.sleep(0.05)
    pytest.fail("the body that was given up is still counted")


def test_pages_of_other_origins_may_send_the_token(serve):
    server = serve(token="secret", cors=True)
    found = httpx.options(
        f"{url(server)}:predict", headers={"Origin": "http://a.example"}
    )
    assert found.status_code == 200
    assert "Authorization" in found.headers["access-control-allow-headers"]


def test_a_request_that_the_graph_rejects_affects_no_other(serve):
    server = serve(batch_foreign=True)
    with httpx.Client(timeout=60.0) as client:

        def one(number):
            value = -1.0 if number % 5 == 0 else 4.0
            body = {"signature_name": "picky", "instances": [value]}
            return client.post(f"{url(server)}:predict", json=body)

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(one, range(100)))
    codes = [each.status_code for each in found]
    assert codes == [400 if number % 5 == 0 else 200 for number in range(100)]
    sizes = [r.json()["predictions"][0]["count"] for r in found if r.status_code == 200]
    assert max(sizes) > 1  # some were batched


def test_an_internal_error_is_reported_as_json(serve, monkeypatch):
    server = serve()
    monkeypatch.setattr(server.models, "find", lambda *args, **kwargs: 1 / 0)
    found = ask(server)
    assert found.status_code == 500
    assert found.json() == {"error": "Internal error"}


def test_other_models_are_served_after_a_grpc_reload_request(serve, foreign):
    server = serve()
    message = model_management_pb2.ReloadConfigRequest()
    message.config.model_config_list.config.add(
        name="other", base_path=str(foreign), model_platform="tensorflow"
    ).model_version_policy.specific.versions.append(3)
    with grpc.insecure_channel(f"localhost:{server.config.port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        assert stub.HandleReloadConfigRequest(message).status.error_code == 0
    assert ask(server).status_code == 404
    other = url(server).replace("half", "other")
    assert httpx.post(f"{other}:predict", json=BODY).json() == {"predictions": [4.0]}
