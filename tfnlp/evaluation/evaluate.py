"""Evaluation: predictions, scores, confidence intervals and the loss of a network.

Answers come from `Task.answer` in graph, as in serving, and scores from `Task.score` on
strings; no task in particular is known here.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from tfnlp import prediction
from tfnlp.evaluation.environment import versions
from tfnlp.evaluation.report import Report
from tfnlp.scores import intervals
from tfnlp.specs import Rows
from tfnlp.task import Arrays, Task, Tensors

_FEW = 64
"""Rows of a batch on CPUs: more are no faster, and take more memory."""
Batch = dict[str, np.ndarray]
Item = TypeVar("Item")
Result = TypeVar("Result")


def evaluate(
    task: Task,
    model: Callable,
    rows: Rows,
    *,
    batch_size: int = 256,
    seconds: Mapping[str, float] | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    counts: Mapping[str, int] | None = None,
    repeats: int = 1000,
) -> Report:
    """Evaluates a network on rows: scores with bootstrap confidence intervals.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
        rows: rows with the fields of `task.inputs` and `task.targets`.
        batch_size: how many rows are answered at once; 64 at most on CPUs, where two
            batches are answered side by side.
        seconds: phase → seconds of earlier phases, for the report.
        history: what Keras' `fit` logged, for the learning curves.
        counts: split → number of training and validation rows, for the report.
        repeats: bootstrap samples for the intervals; 0 for no intervals.

    Raises:
        SchemaError: the rows lack a field.
        DataError: there are no rows.

    Example:
    >>> evaluate(task, model, test, counts={"train": 9000})  # doctest: +SKIP
    accuracy   0.7951  [0.7712, 0.8183]
    f1_macro   0.7950  [0.7711, 0.8182]
    loss       0.4466
    1,281 rows · evaluated in 2.1 s
    """
    start = time.perf_counter()
    gold, answered, loss = _answers_and_loss(task, model, rows, batch_size)
    scores = dict(task.score(gold, answered))
    if "loss" not in scores:
        if loss is None:
            loss = mean_loss(task, model, rows, batch_size=batch_size)
        scores["loss"] = loss
    size = intervals.count(gold, answered)
    spread = intervals.percentiles(
        task.bootstrap(gold, answered), size, repeats=repeats
    )
    figures = tuple(task.figures(gold, answered))
    return Report(
        scores=scores,
        intervals=spread,
        seconds={**(seconds or {}), "evaluate": time.perf_counter() - start},
        rows={**(counts or {}), "test": size},
        versions=versions(),
        history={name: list(map(float, h)) for name, h in (history or {}).items()},
        figures=figures,
    )


def mean_loss(
    task: Task, model: Callable, rows: Rows, *, batch_size: int = 256
) -> float:
    """The mean of `Task.loss` over all items, each counted with its weight.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
        rows: rows with the fields of `task.inputs` and `task.targets`.
        batch_size: how many rows are read at once; it does not change the mean.

    Example:
    >>> mean_loss(task, model, test)  # doctest: +SKIP
    0.4466
    """
    batches = prediction.batches(task, rows, batch_size)
    examples = task.dataset(batches.map(lambda places, batch: batch))

    @tf.function(input_signature=examples.element_spec)
    def sums(features: Any, y: Any, weight: tf.Tensor) -> tf.Tensor:
        return _weighed(task.loss(y, model(features)), weight)

    return _mean([sums(*example).numpy() for example in examples])


def _answers_and_loss(
    task: Task, model: Callable, rows: Rows, batch_size: int
) -> tuple[Arrays, Arrays, float | None]:
    """Rows, answers and the mean loss of one pass; no loss if that takes a second pass.

    One pass is enough if a task keeps the defaults of `Task`: each row is one item of
    the loss, and answers come from the same outputs.
    """
    if not _keeps(task, "answer", "example", "dataset"):
        read, answered = prediction.predict_with_targets(
            task, model, rows, batch_size=batch_size
        )
        return read, answered, None
    inputs, schema = dict(task.inputs), {**task.inputs, **task.targets}

    @tf.function(input_signature=[schema])
    def step(row: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        outputs = []

        def remembered(features: Tensors) -> Any:
            outputs.append(model(features))
            return outputs[-1]

        answer = task.answer(remembered, {name: row[name] for name in inputs})
        y, weight = task.encode_targets(row)
        return dict(answer), _weighed(task.loss(y, outputs[-1]), weight)

    def predict_batch(
        numbered: tuple[tf.Tensor, dict[str, tf.Tensor]],
    ) -> tuple[np.ndarray, Batch, Batch, np.ndarray]:
        places, batch = numbered
        answer, weighed = traced(batch)
        read, answered = prediction.arrays(batch), prediction.arrays(answer)
        return places.numpy(), read, answered, weighed.numpy()

    traced = step.get_concrete_function()
    at_once = 1
    if not tf.config.list_logical_devices("GPU"):
        at_once, batch_size = 2, min(batch_size, _FEW)
    batches = prediction.batches(task, rows, batch_size)
    found = list(_in_threads(predict_batch, batches, at_once))
    places = [own for own, _, _, _ in found]
    return (
        prediction.joined([read for _, read, _, _ in found], places),
        prediction.joined([answered for _, _, answered, _ in found], places),
        _mean([sums for _, _, _, sums in found]),
    )


def _in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], at_once: int
) -> Iterator[Result]:
    """Results in order, `at_once` in parallel: each encodes its texts in one thread."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > at_once:
                yield waiting.popleft().result()
        for each in waiting:
            yield each.result()


def _keeps(task: Task, *names: str) -> bool:
    return all(getattr(type(task), name) is getattr(Task, name) for name in names)


def _weighed(loss: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """The sums of the weighted loss and of the weights: float32 [2]."""
    weight = tf.cast(weight, tf.float32)
    loss = tf.reduce_sum(tf.cast(loss, tf.float32) * weight)
    return tf.stack([loss, tf.reduce_sum(weight)])


def _mean(sums: Sequence[np.ndarray]) -> float:
    """The mean loss of all batches, summed in float64."""
    loss, weight = np.sum(np.array(sums, np.float64).reshape(-1, 2), axis=0)
    return float(loss / weight) if weight else 0.0
