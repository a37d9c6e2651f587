"""One client: the same answers from this process, REST, gRPC and ONNX."""

import asyncio
import shutil
import threading

import numpy as np
import pytest

import tfnlp
from tfnlp.errors import ArtefactError, RequestError, ServerError, UsageError
from tfnlp.serving.client.address import read_target
from tfnlp.serving.client.onnx_transport import onnx_folder
from tfnlp.serving.client.retries import Retries
from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.server.configs import artefact
from tfnlp.serving.server.server import Server, ServerConfig
from tfnlp.serving.verify import free_port

TEXTS = ["Ann left New York.", "", "\U0001f600 é 電影", "a\x00b", "x " * 300]
QUICK = Retries(max_retries=2, initial_backoff=0.01, deadline=120.0)


@pytest.fixture(scope="module")
def running(saved_tagger):
    settings = ServerConfig(port=free_port(), rest_api_port=free_port(), token="secret")
    server = Server(artefact(saved_tagger.parent), settings)
    server.start()
    yield server
    server.stop(5.0)


@pytest.fixture(params=["process", "rest", "grpc"])
def client(request, running, saved_tagger):
    settings = running.config
    target = {
        "process": str(saved_tagger.parent),
        "rest": f"http://127.0.0.1:{settings.rest_api_port}/v1/models/names",
        "grpc": f"grpc://127.0.0.1:{settings.port}/names/versions/1",
    }[request.param]
    with tfnlp.Client(target, retries=QUICK, token="secret") as opened:
        yield opened


def test_the_answers_are_those_of_the_artefact(client, saved_tagger):
    assert client.predict(TEXTS) == tfnlp.load(saved_tagger).predict(TEXTS)


def test_other_fields_select_another_endpoint(client, saved_tagger):
    rows = [{"tokens": ["Ann", "left"]}, {"text": "Ann left."}]
    assert client.predict(rows) == tfnlp.load(saved_tagger).predict(rows)
    assert next(iter(client.endpoints)) == "serving_default"


@pytest.mark.slow
def test_onnx_answers_like_the_artefact(exported_tagger, saved_tagger):
    expected = tfnlp.load(saved_tagger).predict(TEXTS)
    with tfnlp.Client(exported_tagger, retries=QUICK) as client:
        assert list(client.endpoints) == ["serving_default", "from_tokens"]
        found = client.predict(TEXTS)
        assert asyncio.run(client.predict_async(TEXTS)) == found
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.pop("scores") == pytest.approx(theirs.pop("scores"), abs=1e-4)
        assert mine == theirs


def test_a_file_its_folder_and_the_folder_of_all_mean_the_same_network(tmp_path):
    folder = tmp_path / "onnx" / "7"
    folder.mkdir(parents=True)
    assert onnx_folder(tmp_path / "onnx") is None
    (folder / "network.onnx").touch()
    for path in (folder / "network.onnx", folder, tmp_path / "onnx"):
        assert onnx_folder(path) == folder


def test_another_file_of_onnx_is_refused(tmp_path):
    (tmp_path / "model.onnx").touch()
    with pytest.raises(UsageError, match=r"network\.onnx and the text half"):
        tfnlp.Client(tmp_path / "model.onnx")


def test_onnx_of_a_newer_format_is_refused(tmp_path):
    (tmp_path / "network.onnx").touch()
    (tmp_path / "format.json").write_text('{"format": 3}')
    with pytest.raises(ArtefactError, match="Received: format 3"):
        tfnlp.Client(tmp_path)


def test_onnx_without_its_task_is_refused(tmp_path):
    (tmp_path / "network.onnx").touch()
    with pytest.raises(ArtefactError, match=r"must hold the task\.json"):
        tfnlp.Client(tmp_path)


def test_bytes_that_are_not_utf_8_are_sent(client, saved_tagger):
    rows = [{"text": b"Ann \xff left"}]
    assert client.predict(rows) == tfnlp.load(saved_tagger).predict(rows)


def test_the_event_loop_goes_on_while_a_server_works(client):
    async def both():
        return await asyncio.gather(
            client.predict_async(TEXTS), client.predict_async(TEXTS[:1], batch_size=1)
        )

    many, one = asyncio.run(both())
    assert many == client.predict(TEXTS)
    assert one == client.predict(TEXTS[:1])


def test_threads_share_a_client(client):
    expected, found = client.predict(TEXTS), []
    threads = [
        threading.Thread(target=lambda: found.append(client.predict(TEXTS)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ("text", RequestError, "Rows come in a list"),
        ([{"txt": "a"}], RequestError, "Did you mean 'text'?"),
        ([{"text": 3}], RequestError, "holds text"),
    ],
)
def test_a_wrong_row_is_refused_before_it_is_sent(client, rows, error, message):
    with pytest.raises(error, match=message):
        client.predict(rows)


def test_a_wrong_token_is_not_retried(running):
    address = f"http://127.0.0.1:{running.config.rest_api_port}/v1/models/names"
    with (
        tfnlp.Client(address, token="wrong") as client,
        pytest.raises(ServerError, match="UNAUTHENTICATED"),
    ):
        client.predict(["a"])


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there_is_reported(scheme):
    path = "/v1/models/m" if scheme == "http" else "/m"
    target = f"{scheme}://127.0.0.1:{free_port()}{path}"
    with (
        tfnlp.Client(target, retries=QUICK) as client,
        pytest.raises(ServerError, match="UNAVAILABLE"),
    ):
        client.predict(["a"])


@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize("name", ["m", "names/versions/9"])
def test_a_model_that_is_not_there_is_reported(running, scheme, name):
    settings = running.config
    port = settings.rest_api_port if scheme == "http" else settings.port
    path = f"/v1/models/{name}" if scheme == "http" else f"/{name}"
    target = f"{scheme}://127.0.0.1:{port}{path}"
    with (
        tfnlp.Client(target, token="secret") as client,
        pytest.raises(
            RequestError, match=r"Servable not found for .*\. Check the addr"
        ),
    ):
        client.predict(["a"])


@pytest.fixture(params=["process", "rest", "grpc"])
def foreign_client(request, server, foreign, tmp_path):
    """A client of a foreign SavedModel, which in process has a dummy task.json."""
    settings = server.config
    target = {
        "process": str(tmp_path / "half"),
        "rest": f"http://127.0.0.1:{settings.rest_api_port}/v1/models/half",
        "grpc": f"grpc://127.0.0.1:{settings.port}/half",
    }[request.param]
    folder = shutil.copytree(foreign / "7", tmp_path / "half" / "7")
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "task.json").write_text("{}")
    with tfnlp.Client(target, retries=QUICK) as opened:
        yield opened


def test_a_row_has_lists_where_a_field_has_them(foreign_client):
    row = {"whole": [1, 2], "flag": True, "text": "é"}
    more = {"whole": (3, 5), "flag": False, "text": ""}
    found = foreign_client.predict([row, more], endpoint="several")
    assert [each["sum"] for each in found] == [3, 8]
    assert [each["not"] for each in found] == [False, True]
    assert found[1]["ratio"] == [1.0, pytest.approx(5 / 3)]


def test_rows_may_have_lists_of_several_lengths(foreign_client):
    rows = [{"x": x} for x in ([1, 0.0], np.array([4.0, 8.0]), [3], [], [5, 6, 7])]
    found = foreign_client.predict(rows, endpoint="double")
    assert [row["y"] for row in found] == [[2, 0], [8, 16], [6], [], [10, 12, 14]]


@pytest.mark.parametrize(
    ("whole", "received"),
    [
        (5, "5"),
        ([1, 2, 3], "[1, 2, 3]"),
        ([1, "2"], "[1, '2']"),
        ([1, 2.5], "[1, 2.5]"),
        ([1, 2**31], "[1, 2147483648]"),
        ([True, 1], "[True, 1]"),
        ([[1], [2]], "[[1], [2]]"),
    ],
)
def test_a_list_of_another_kind_is_refused_before_it_is_sent(
    foreign_client, whole, received
):
    rows = [{"whole": each, "flag": True, "text": "a"} for each in ([1, 2], whole)]
    with pytest.raises(RequestError) as caught:
        foreign_client.predict(rows, endpoint="several")
    rule = "The field 'whole' holds lists of whole numbers, of the shape [2] in a row."
    assert str(caught.value) == f"{rule} Received: {received}."


@pytest.mark.parametrize(
    "target",
    ["http://h/v1/models/", "http://h/m", "ftp://h/m", "grpc:///m", "grpc://h"],
)
def test_an_address_without_a_model_is_refused(target):
    with pytest.raises(UsageError, match="A client connects to saved_models/NAME"):
        read_target(target)


def test_a_folder_that_is_no_artefact_is_refused(tmp_path):
    with pytest.raises(ArtefactError):
        tfnlp.Client(tmp_path)


class Failing:
    """Fails some times, then answers."""

    def __init__(self, *codes):
        self.codes, self.calls = list(codes), 0

    def __call__(self, left):
        self.calls += 1
        if self.codes:
            raise StatusError(self.codes.pop(0), "said")
        return "answer"


def test_transient_errors_are_retried():
    send = Failing("UNAVAILABLE", "RESOURCE_EXHAUSTED")
    assert QUICK.call(send) == "answer"
    assert send.calls == 3


@pytest.mark.parametrize(
    ("codes", "error", "calls"),
    [
        (["UNAVAILABLE"] * 9, ServerError, 3),
        (["INVALID_ARGUMENT"], RequestError, 1),
        (["NOT_FOUND"], RequestError, 1),
        (["DEADLINE_EXCEEDED"], ServerError, 1),
    ],
)
def test_other_errors_are_raised(codes, error, calls):
    send = Failing(*codes)
    with pytest.raises(error, match="said"):
        QUICK.call(send)
    assert send.calls == calls


def test_nothing_is_sent_after_the_deadline():
    send = Failing(*["UNAVAILABLE"] * 9)
    with pytest.raises(ServerError):
        Retries(max_retries=9, initial_backoff=10.0, deadline=0.5).call(send)
    assert send.calls == 1


def test_transient_errors_are_retried_without_blocking():
    send = Failing("UNAVAILABLE")

    async def awaited(left):
        return send(left)

    assert asyncio.run(QUICK.call_async(awaited)) == "answer"


@pytest.mark.parametrize(
    "wrong", [{"max_retries": -1}, {"deadline": 0.0}, {"initial_backoff": -1.0}]
)
def test_retries_have_sensible_numbers(wrong):
    with pytest.raises(UsageError, match="0 or more"):
        Retries(**wrong)
