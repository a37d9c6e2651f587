"""Serving throughput and latency of `tfnlp serve` and of FastAPI.

    pip install -r benchmarks/requirements.txt
    python benchmarks/serving.py --artefact saved_models/demo

Each server runs in a process of its own beside the clients, on this machine, one after
the other. Clients keep their connection, send one text at a time and check every
answer. Then sequential requests are measured in this process, through tfnlp and the
SavedModel's signature. The tables go to standard output.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import load as clients_of

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start

with quiet_start():
    import numpy as np
    import tensorflow as tf

    from tfnlp.serving.verify import free_port

FOLDER = Path(__file__).parent
PEER = "FastAPI and model.predict"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Measures requests per second and latencies."""

    artefact: str = "saved_models/demo"  # a classifier of texts
    clients: tuple[int, ...] = (32, 256)  # at the same time
    seconds: float = 60.0  # per measurement
    texts: int = 2_000  # different ones
    requests: int = 500  # sequential, in this process


def main(recipe: Recipe) -> None:
    """Loads both servers and prints."""
    predictor = tfnlp.load(recipe.artefact)
    texts = short_texts(recipe.texts)
    answers = predictor.predict(texts)
    expected = [(each["label"], each["score"]) for each in answers]
    name = Path(recipe.artefact).name
    runs: dict[tuple[str, int], clients_of.Load] = {}
    for server in (served(recipe, name, texts), with_fastapi(recipe, texts)):
        with server as (label, port, path, bodies, read):
            for clients in recipe.clients:
                runs[label, clients] = clients_of.run(
                    port,
                    path,
                    bodies,
                    expected,
                    read,
                    clients=clients,
                    seconds=recipe.seconds,
                )
    print(table(runs))
    print()
    print(in_process(predictor, texts, recipe.requests))


def short_texts(count: int) -> list[str]:
    """Different texts of 3 to 12 words."""
    random = np.random.default_rng(0)
    words = (
        "a the film plot cast is was warm funny dull long fine bad great and".split()
    )
    return [
        " ".join([*random.choice(words, random.integers(3, 12)), str(k)])
        for k in range(count)
    ]


Running = tuple[str, int, str, list[bytes], clients_of.Read]


@contextlib.contextmanager
def served(recipe: Recipe, name: str, texts: list[str]) -> Iterator[Running]:
    """`tfnlp serve`, with its defaults."""
    port = free_port()
    words = [sys.executable, "-m", "tfnlp", "serve", recipe.artefact, "--port", "0"]
    words += ["--engine", "tfnlp", "--rest_api_port", str(port)]
    bodies = [json.dumps({"instances": [text]}).encode() for text in texts]

    def read(body: Any) -> tuple[str, float]:
        (answer,) = body["predictions"]
        return answer["label"], answer["score"]

    with process(words, f"http://127.0.0.1:{port}/v1/models/{name}"):
        yield "tfnlp serve", port, f"/v1/models/{name}:predict", bodies, read


@contextlib.contextmanager
def with_fastapi(recipe: Recipe, texts: list[str]) -> Iterator[Running]:
    """The FastAPI server, with the same network."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "peers.fastapi_app:app"]
    words += ["--app-dir", str(FOLDER), "--port", str(port), "--log-level", "warning"]
    bodies = [json.dumps({"text": text}).encode() for text in texts]

    def read(body: Any) -> tuple[str, float]:
        return body["label"], body["score"]

    with process(words, f"http://127.0.0.1:{port}/docs", ARTEFACT=recipe.artefact):
        yield PEER, port, "/predict", bodies, read


@contextlib.contextmanager
def process(words: list[str], url: str, **environment: str) -> Iterator[None]:
    """Runs a server until it is no longer needed."""
    with subprocess.Popen(words, env={**os.environ, **environment}) as running:
        try:
            while running.poll() is None:
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(url).close()
                    break
                time.sleep(0.2)
            yield
        finally:
            running.terminate()


def in_process(predictor: Any, texts: list[str], count: int) -> str:
    """Median latency of sequential requests, as a table."""
    signature = tf.saved_model.load(str(predictor.path)).signatures["serving_default"]
    ways: dict[str, Callable[[str], Any]] = {
        "the SavedModel's signature": lambda text: {
            name: tensor.numpy()
            for name, tensor in signature(text=tf.constant([text])).items()
        },
        "tfnlp.load(…).predict": lambda text: predictor.predict([text]),
    }
    for way in ways.values():
        for text in texts[:50]:
            way(text)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for text in texts[:count]:
        for name, way in ways.items():  # interleaved, on a noisy machine
            began = time.perf_counter()
            way(text)
            times[name].append(time.perf_counter() - began)
    medians = {name: float(np.median(each)) * 1e3 for name, each in times.items()}
    raw = next(iter(medians.values()))
    lines = [f"| {n} | {ms:.3f} | {ms / raw:.2f} |" for n, ms in medians.items()]
    head = ["| one request, in process | p50, ms | ratio |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines])


def table(runs: dict[tuple[str, int], clients_of.Load]) -> str:
    """Requests per second and latencies as a Markdown table."""
    lines = [
        "| server | clients | requests/s | ratio | p50, ms | p99, ms | wrong | lost |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (name, clients), load in runs.items():
        ratio = load.throughput / runs[PEER, clients].throughput
        lines.append(
            f"| {name} | {clients} | {load.throughput:,.0f} | {ratio:.1f} | "
            f"{load.quantile(0.5):.1f} | {load.quantile(0.99):.1f} | {load.wrong} | "
            f"{load.lost} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main, Recipe)
