"""Conformance suite: checks that every engine can train, export and serve a task.

Third parties call `check_task` on their own task, as scikit-learn's users call
``check_estimator``.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp import prediction
from tfnlp.data.batching import batches
from tfnlp.data.cache import encode_once
from tfnlp.errors import ExportError
from tfnlp.evaluation.evaluate import evaluate
from tfnlp.export.format_parity import flatten_outputs, needs_one_run
from tfnlp.export.savedmodel.artefact import export
from tfnlp.export.savedmodel.runner import SavedModelRunner
from tfnlp.saving import from_json, to_json
from tfnlp.scores.directions import lower_is_better
from tfnlp.serving.client.predictor import load
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Task, Tensors
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.training.fit import Build, compiled, fit
from tfnlp.training.step import Trainable
from tfnlp.tuning.search import tune

ODD_TEXTS = (
    "",
    "   ",
    "!!!",
    "qwxyzzy",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a\x00b",
    "word " * 300,
    "電影很好看",
    "e\u0301cole",
    "مرحبا بالعالم",
    "line\nline\r\nline",
)
"""Requests that an artefact must answer, alone and in one batch."""


def check_task(
    task: Task, build: Build, rows: Rows, folder: Path, *, classes: tuple = ()
) -> None:
    """Runs the conformance suite; AssertionError names the check that fails.

    Args:
        task: the task under test.
        build: makes its network; without dropout, so that numbers can be compared.
        rows: eight rows or so that the network can learn by heart.
        folder: an empty folder to write in.
        classes: the task's class, if it is not part of tfnlp.
    """
    network = check_overfits(task, build, rows)
    check_one_path(task, network, rows, folder)
    check_encoded_once(task, rows)
    check_config(task, rows, classes=classes)
    check_served(task, network, rows, folder, classes=classes)
    check_batch_invariance(task, network, rows)
    check_odd_requests(task, network, rows)
    check_score(task, network, rows)
    check_seam(task, network, rows)
    check_device_invariance(task, build, rows)
    check_precision(task, build, rows)
    with contextlib.suppress(ExportError):  # the refusal says why there is no ONNX
        check_onnx(task, network, rows)
    check_searchable(task, build, rows, folder)


def check_overfits(task: Task, build: Build, rows: Rows) -> keras.Model:
    """Overfits the rows: the lowest loss is below a fifth of the first."""
    config = TrainConfig(epochs=40, batch_size=8, learning_rate=0.03, patience=40)
    trained = fit(task, build, rows, rows, config)
    losses = trained.history["loss"]
    best = min(losses)
    _expect(best < 0.2 * losses[0], f"overfits: loss went from {losses[0]} to {best}")
    return trained.network


def check_one_path(task: Task, network: keras.Model, rows: Rows, folder: Path) -> None:
    """`encode` returns the same ids eagerly, in a dataset and in a SavedModel."""
    inputs = _inputs(task, rows)
    direct = tf.function(task.encode)(inputs)
    mapped = next(iter(tf.data.Dataset.from_tensors(inputs).map(task.encode)))
    path = str(folder / "encode")
    specs = {k: tf.TensorSpec(s.shape, s.dtype, name=k) for k, s in task.inputs.items()}

    @tf.function
    def encode(**request: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(task.encode(request))

    tf.saved_model.save(task, path, signatures=encode.get_concrete_function(**specs))
    loaded = SavedModelRunner(Path(path)).run("serving_default", inputs)
    for other, where in ((mapped, "a dataset"), (loaded, "a SavedModel")):
        _expect(_equal(direct, other), f"one path: encode differs in {where}")


def check_encoded_once(task: Task, rows: Rows) -> None:
    """Encoded rows kept in memory give the same batches as rows encoded each epoch."""
    rows = check_rows(rows, {**task.inputs, **task.targets})
    kept = encode_once(rows, task.dataset)
    if kept is None:
        return
    both = zip(
        kept.examples(kept.rows().batch(3)), task.dataset(rows.batch(3)), strict=True
    )
    for found in both:
        ours, theirs = map(tf.nest.flatten, found)
        equal = all(map(np.array_equal, ours, theirs))
        _expect(equal, "encoded once: examples differ; padding must be zeros")


def check_config(task: Task, rows: Rows, *, classes: tuple = ()) -> None:
    """A task restored from JSON encodes the same."""
    twin = from_json(json.dumps(json.loads(to_json(task))), classes=classes)
    inputs = _inputs(task, rows)
    _expect(_equal(task.encode(inputs), twin.encode(inputs)), "config: ids differ")
    _expect(to_json(task) == to_json(twin), "config: the second JSON differs")


def check_served(
    task: Task, network: keras.Model, rows: Rows, folder: Path, *, classes: tuple = ()
) -> None:
    """An artefact answers like Python after it was moved and the original deleted."""
    expected = _answerer(task, network)(_inputs(task, rows))
    written = export(task, network, "checked", output=folder / "origin")
    moved = Path(tempfile.mkdtemp(dir=folder)) / "elsewhere"
    shutil.copytree(written.parent, moved)
    shutil.rmtree(folder / "origin")
    predictor = load(moved, classes=classes)
    served = predictor.answer({k: v.numpy() for k, v in _inputs(task, rows).items()})
    _expect(_close(expected, served), "served: the artefact gives another answer")
    _expect(to_json(predictor.task) == to_json(task), "served: task.json differs")


def check_batch_invariance(task: Task, network: keras.Model, rows: Rows) -> None:
    """The answer to a row is the same alone and in a batch of longer rows."""
    answer, inputs = _answerer(task, network), _inputs(task, rows)
    longer = {k: tf.concat([v, _stretched(v[:1])], 0) for k, v in inputs.items()}
    together = answer(longer)
    for k in range(int(tf.shape(next(iter(inputs.values())))[0])):
        alone = answer({n: v[k : k + 1] for n, v in inputs.items()})
        row = {name: value[k : k + 1] for name, value in together.items()}
        _expect(
            _close(alone, row), f"batch invariance: row {k} has another answer alone"
        )


def check_odd_requests(task: Task, network: keras.Model, rows: Rows) -> None:
    """Empty, unknown, very long and non-Latin texts have finite answers."""
    answer, inputs = _answerer(task, network), _inputs(task, rows)
    for text in (*ODD_TEXTS, None):
        odd = {
            name: tf.constant(ODD_TEXTS if text is None else [text])
            if value.dtype == tf.string
            else tf.repeat(value[:1], len(ODD_TEXTS) if text is None else 1, axis=0)
            for name, value in inputs.items()
        }
        for name, value in answer(odd).items():
            finite = value.dtype.kind != "f" or bool(np.isfinite(value).all())
            _expect(finite, f"odd requests: {name} is not finite for {text!r}")


def check_score(task: Task, network: keras.Model, rows: Rows) -> None:
    """Scores are finite for any answers, and perfect for the gold; intervals are valid.

    See `Task.gold_answers`: a score is perfect that is 1, or 100, or 0 where lower is
    better.
    """
    report = evaluate(task, network, rows, repeats=50)
    for name, value in report.scores.items():
        _expect(bool(np.isfinite(value)), f"score: {name} is {value}")
    for name, (low, high) in report.intervals.items():
        _expect(low <= high, f"score: interval of {name} is {low} to {high}")
    schema = {**task.inputs, **task.targets}
    gold = prediction.arrays(next(iter(check_rows(rows, schema).batch(64))))
    columns = _answerer(task, network)(_inputs(task, rows))
    answers = prediction.arrays({k: tf.constant(v) for k, v in columns.items()})
    emptied = {
        name: np.full_like(value, "") if value.dtype == object else value * 0
        for name, value in answers.items()
    }
    for name, value in task.score(gold, emptied).items():
        _expect(bool(np.isfinite(value)), f"score: {name} of empty answers is {value}")
    perfect = task.gold_answers(gold, answers)
    if perfect is not None:
        scores = task.score(gold, perfect)
        _expect(
            any(_is_perfect(name, value) for name, value in scores.items()),
            f"score: gold answers are scored {scores}; none of these is perfect",
        )


def check_seam(task: Task, network: keras.Model, rows: Rows) -> None:
    """Features of `dataset` fit the network: names, and int32 or float32."""
    features, _, weight = task.dataset(_batches(task, rows)).element_spec
    wanted = {tensor.name: tensor for tensor in network.inputs}
    _expect(
        set(features) == set(wanted),
        f"seam: features {sorted(features)}, network inputs {sorted(wanted)}",
    )
    for name, spec in features.items():
        _expect(
            spec.dtype in (tf.int32, tf.float32),
            f"seam: {name} is {spec.dtype.name}; use int32 or float32 "
            "(docs/traps.md#m4)",
        )
    _expect(weight.dtype == tf.float32, f"seam: weight is {weight.dtype.name}")


def check_device_invariance(task: Task, build: Build, rows: Rows) -> None:
    """Data parallelism: a batch and its parts on two devices give weights within 1e-6.

    Two devices need ``tf.config.set_logical_device_configuration`` before Keras is
    imported; with one device, gradient accumulation is compared.
    """
    plain = TrainConfig(
        epochs=2, batch_size=4, learning_rate=0.01, global_clipnorm=1.0, optimizer="sgd"
    )
    start = build(Defaults()).get_weights()
    expected = _trained(task, build, rows, plain, start)
    parts = dataclasses.replace(plain, gradient_accumulation_steps=2)
    if len(tf.config.list_logical_devices("CPU")) > 1:
        parts = dataclasses.replace(parts, strategy="mirrored")
    weights = _trained(task, build, rows, parts, start)
    far = max(np.abs(a - b).max() for a, b in zip(expected, weights, strict=True))
    _expect(
        far <= 1e-6,
        "device invariance: two gradient accumulation steps with the strategy "
        f"{parts.strategy!r} move a weight by {far}",
    )


def check_precision(task: Task, build: Build, rows: Rows) -> None:
    """One training step in mixed bfloat16 gives a finite loss and finite weights."""
    config = TrainConfig(epochs=1, batch_size=8, precision="mixed_bfloat16")
    trainable: Trainable = compiled(task, build, config, steps=1)
    data = task.dataset(_batches(task, rows, size=config.batch_size)).take(1)
    history = trainable.fit(data, verbose=0, shuffle=False).history
    (loss,) = history["loss"]
    _expect(bool(np.isfinite(loss)), f"precision: the loss in bfloat16 is {loss}")
    for weight in trainable.network.weights:
        _expect(
            bool(np.isfinite(keras.ops.convert_to_numpy(weight)).all()),
            f"precision: a step in bfloat16 makes {weight.path} infinite or NaN",
        )


def check_onnx(task: Task, network: keras.Model, rows: Rows) -> None:
    """ONNX Runtime gives the outputs and answers of Keras, if the extra is installed.

    Of a task that runs its network more than once, only outputs are compared.
    """
    if None in map(importlib.util.find_spec, ("onnxruntime", "tf2onnx")):
        return
    from tfnlp.export.onnx import conversion
    from tfnlp.export.onnx.runtime import OnnxNetwork

    inputs = _inputs(task, rows)
    features = next(iter(task.dataset(_batches(task, rows))))[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        file.write_bytes(conversion.network(network).SerializeToString())
        converted = OnnxNetwork(file)
    outputs = (flatten_outputs(each(features)) for each in (network, converted))
    _expect(_close(*map(dict, outputs)), "onnx: outputs differ from those of Keras")
    if needs_one_run(task):
        answers = (_answerer(task, each)(inputs) for each in (network, converted))
        _expect(_close(*answers), "onnx: answers differ from those of Keras")


def check_searchable(task: Task, build: Build, rows: Rows, folder: Path) -> None:
    """One trial of a hyperparameter search completes."""

    def searched(hp: Any) -> keras.Model:
        hp.Choice("unused", [1, 2])
        return build(hp)

    config = TrainConfig(epochs=1)
    found = tune(
        task, searched, rows, rows, config, max_trials=1, folder=folder / "search"
    )
    _expect(len(found.trials) == 1, f"searchable: {len(found.trials)} trials completed")


def _trained(
    task: Task,
    build: Build,
    rows: Rows,
    config: TrainConfig,
    start: list[np.ndarray],
) -> list[np.ndarray]:
    trainable: Trainable = compiled(task, build, config, steps=1)
    trainable.network.set_weights(start)
    data = task.dataset(_batches(task, rows, size=config.batch_size))
    trainable.fit(data, epochs=config.epochs, verbose=0, shuffle=False)
    return trainable.network.get_weights()


def _batches(task: Task, rows: Rows, *, size: int = 4) -> tf.data.Dataset:
    rows = check_rows(rows, {**task.inputs, **task.targets})
    return batches(
        rows,
        batch_size=size,
        fields=text_fields(task.inputs),
        shuffle=None,
        bucket=not task.ordered,
    )


def _inputs(task: Task, rows: Rows) -> dict[str, tf.Tensor]:
    row = next(iter(check_rows(rows, task.inputs).batch(64)))
    return dict(row)


@functools.lru_cache(maxsize=1)  # tracing takes seconds, and several checks need it
def _answerer(task: Task, network: Callable) -> Callable[[Mapping], dict]:
    """`Task.answer` as one graph for every batch, as engines call it."""

    @tf.function(input_signature=[dict(task.inputs)])
    def answer(inputs: Tensors) -> dict[str, tf.Tensor]:
        return dict(task.answer(network, inputs))

    return lambda inputs: {k: v.numpy() for k, v in answer(dict(inputs)).items()}


def _stretched(value: tf.Tensor) -> tf.Tensor:
    if value.dtype != tf.string:
        return value
    return tf.strings.join([value] * 6, separator=" ")


def _equal(first: Mapping, second: Mapping) -> bool:
    return set(first) == set(second) and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def _close(first: Mapping, second: Mapping) -> bool:
    """Whether answers are equal within a tolerance, without padding ("" or 0)."""
    return set(first) == set(second) and all(
        _alike(np.asarray(first[name]), np.asarray(second[name])) for name in first
    )


def _is_perfect(name: str, value: float) -> bool:
    best = (0.0,) if lower_is_better(name) else (1.0, 100.0)
    return any(math.isclose(value, each, abs_tol=1e-6) for each in best)


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    if first.ndim != second.ndim:
        return False
    shape = tuple(np.maximum(first.shape, second.shape))
    one, other = (_filled(array, shape) for array in (first, second))
    if first.dtype.kind == "f":
        return np.allclose(one, other, rtol=1e-4, atol=1e-5)
    return np.array_equal(one, other)


def _filled(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    filled = np.full(shape, b"" if array.dtype == object else 0, array.dtype)
    filled[tuple(map(slice, array.shape))] = array
    return filled


def _expect(claim: bool, message: str) -> None:
    if not claim:
        raise AssertionError(message)
