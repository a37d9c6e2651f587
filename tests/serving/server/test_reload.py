"""New versions under load: no request fails, and no half-written one is ever loaded."""

import contextlib
import random
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import httpx
import pytest

from tfnlp.export.savedmodel.versions import versions
from tfnlp.serving.protocol import signatures
from tfnlp.serving.server.model_manager import ModelConfig

WRITER = """
    import importlib.util, pathlib, sys
    spec = importlib.util.spec_from_file_location("toy", sys.argv[1])
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    while True:
        print(toy.write(pathlib.Path(sys.argv[2])).name, flush=True)
"""


@contextlib.contextmanager
def clients_of(server, body):
    """Four clients that send requests all the time; yields the answers so far."""
    name = server.models.names[0]
    url = f"http://127.0.0.1:{server.config.rest_api_port}/v1/models/{name}:predict"
    found, ended = [], threading.Event()

    def send():
        with httpx.Client(timeout=60.0) as client:
            while not ended.is_set():
                answer = client.post(url, json=body)
                found.append((answer.status_code, answer.text))

    clients = [threading.Thread(target=send) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        yield found
    finally:
        ended.set()
        for client in clients:
            client.join()


@pytest.mark.slow
@pytest.mark.parametrize("count", [12, pytest.param(50, marks=pytest.mark.long)])
def test_no_request_fails_while_new_versions_come(
    serve, tmp_path, write_version, count
):
    base, kinds = tmp_path / "half", tmp_path / "kinds"
    for step in range(1, 5):
        write_version(kinds, step, float(step))
    shutil.copytree(kinds / "1", base / "1")
    server = serve([ModelConfig(name="half", base=base)], poll=0.02)
    with clients_of(server, {"instances": [1.0]}) as found:
        for number in range(2, count + 2):
            hidden = base / ".writing-next"
            shutil.copytree(kinds / str(number % 4 + 1), hidden)
            hidden.rename(base / str(number))
            while server.models.find("half").number != number:
                time.sleep(0.005)
    assert {code for code, _ in found} == {200}
    assert len({text for _, text in found}) == 4


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_a_killed_writer_leaves_nothing_that_is_loaded(serve, tmp_path, caplog, kills):
    toy = Path(__file__).parents[2] / "export" / "savedmodel" / "test_artefact.py"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), toy, tmp_path]
    base, server = tmp_path / "toy", None
    with contextlib.ExitStack() as ending:
        for _ in range(kills):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
                assert writer.stdout.readline()
                if server is None:
                    server = serve([ModelConfig(name="toy", base=base)], poll=0.01)
                    found = ending.enter_context(
                        clients_of(server, {"instances": ["four"]})
                    )
                time.sleep(random.uniform(0.0, 3.0))
                writer.kill()
        newest = versions(base)[-1]
        while server.models.find("toy").number != newest:
            time.sleep(0.01)
    assert {code for code, _ in found} == {200}
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]
    for number in versions(base):
        assert "serving_default" in signatures.load(base / str(number))
