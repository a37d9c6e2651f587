"""How fast ONNX Runtime answers: a BiLSTM as one fused node against its SavedModel.

    python benchmarks/onnx_runtime.py --width 128 --sequence_length 128 --batches 1 32

The network is not trained: the numbers of a recurrent layer cost the same whatever
they are. Both answer the same texts on as many threads and the fastest pass of each
counts. ONNX Runtime gets a process of its own, since `model.onnx` must not share one
with TensorFlow; passes are in the same run, one after the other. Ids to logits is the
numeric half, texts to labels the whole. The table goes to standard output.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start

with quiet_start():
    import tensorflow as tf

from tfnlp.export.onnx.export import MODEL, NETWORK, export_onnx

WORDS = tuple(f"word{number}" for number in range(5_000))
_TIMED = """
import json, sys, time
import numpy as np, onnxruntime, onnxruntime_extensions as extensions
request = json.loads(sys.stdin.read())
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = request["threads"]
options.register_custom_ops_library(extensions.get_library_path())
session = onnxruntime.InferenceSession(request["file"], options)
feed = {name: np.array(*value) for name, value in request["feed"].items()}
seconds = []
for _ in range(request["passes"] + 2):  # two to warm up
    start = time.perf_counter()
    outputs = session.run(None, feed)
    seconds.append(time.perf_counter() - start)
names = [output.name for output in session.get_outputs()]
outputs = {name: array.tolist() for name, array in zip(names, outputs)}
print(json.dumps([min(seconds[2:]), outputs]))
"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Measures how much faster a fused recurrent layer is than its SavedModel."""

    cell: str = "lstm"
    width: int = 128  # of both directions together
    sequence_length: int = (
        128  # tokens of the longest text; the others have half of it or more
    )
    batches: tuple[int, ...] = (1, 32)
    passes: int = 20  # the fastest counts
    threads: int = 1  # of both


def main(recipe: Recipe) -> None:
    """Writes an artefact in both formats, measures and prints."""
    tf.config.threading.set_intra_op_parallelism_threads(recipe.threads)
    tf.config.threading.set_inter_op_parallelism_threads(recipe.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measured(recipe, Path(folder)))
    print(table(rows))


def measured(recipe: Recipe, folder: Path) -> Iterator[tuple[str, float, float]]:
    """What is computed, and the seconds of the SavedModel and of ONNX Runtime.

    Raises:
        AssertionError: their labels differ.
    """
    with quiet_start():
        task = tfnlp.Classification(
            tfnlp.Vectorizer(WORDS, sequence_length=recipe.sequence_length),
            tfnlp.Vocabulary(("negative", "positive")),
        )
        network = task.network(_encoder(recipe))
        saved = tfnlp.save(task, network, "measured", output=folder)
        exported = export_onnx(saved, task, network)
    compute = tf.function(network)
    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    answer = partial(_answered, serve)
    for size in recipe.batches:
        texts = drawn(size, recipe.sequence_length)
        ids = dict(task.text(texts))
        theirs, _ = fastest(compute, ids, recipe.passes)
        feed = {n: (each.numpy().tolist(), "int32") for n, each in ids.items()}
        ours, _ = in_runtime(exported / NETWORK, feed, recipe)
        yield f"ids to logits, batch {size}", theirs, ours
        column = tf.constant(texts)
        theirs, expected = fastest(answer, column, recipe.passes)
        ours, found = in_runtime(exported / MODEL, {"text": (texts, "O")}, recipe)
        assert found["label"] == [each.decode() for each in expected["label"].numpy()]
        yield f"texts to labels, batch {size}", theirs, ours


def drawn(size: int, length: int) -> list[str]:
    """Texts of half to all of the length; the first one has all."""
    random = np.random.default_rng(0)
    counts = [length, *random.integers(length // 2, length + 1, size=size - 1)]
    return [" ".join(random.choice(WORDS, size=count)) for count in counts]


def fastest(compute: Callable, inputs: Any, passes: int) -> tuple[float, Any]:
    """Seconds of the fastest pass, after two to warm up, and what came out."""
    seconds = []
    for _ in range(passes + 2):
        start = time.perf_counter()
        found = compute(inputs)
        seconds.append(time.perf_counter() - start)
    return min(seconds[2:]), found


def in_runtime(file: Path, feed: dict[str, Any], recipe: Recipe) -> tuple[float, Any]:
    """The same in ONNX Runtime, in a process of its own."""
    request = {
        "file": str(file),
        "feed": feed,
        "passes": recipe.passes,
        "threads": recipe.threads,
    }
    done = subprocess.run(
        [sys.executable, "-c", _TIMED],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, found = json.loads(done.stdout)
    return seconds, found


def table(rows: list[tuple[str, float, float]]) -> str:
    """Milliseconds as a Markdown table, with how many times faster ONNX is."""
    lines = [
        f"| {name} | {1e3 * theirs:.2f} | {1e3 * ours:.2f} | {theirs / ours:.2f} |"
        for name, theirs, ours in rows
    ]
    head = ["| BiLSTM | TensorFlow ms | ONNX Runtime ms | ratio |"]
    return "\n".join([*head, "| --- | ---: | ---: | ---: |", *lines])


def _answered(serve: Callable, texts: tf.Tensor) -> Any:
    return serve(text=texts)


def _encoder(recipe: Recipe) -> Any:
    size = len(WORDS) + 2
    return tfnlp.rnn.encoder(size, hidden_dim=recipe.width, cell=recipe.cell)


if __name__ == "__main__":
    cli.run(main, Recipe)
