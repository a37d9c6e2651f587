"""The interface between tasks and engines: all that training or serving may use.

Tasks know no engine, engines know no task; this file is where they meet. Text
enters through `Task.encode` and answers leave through `Task.answer`, in graph,
wherever they are called from: training, evaluation, a SavedModel or a client.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfnlp.scores.intervals import Draw, Resample
from tfnlp.specs import Rows, Schema

Tensors = Mapping[str, tf.Tensor]
Arrays = Mapping[str, np.ndarray]
"""Many rows or answers at once: name → array whose first axis is the row."""


class Endpoint(NamedTuple):
    """One named signature of an artefact: a function of (model, inputs)."""

    function: Callable[[Callable, Tensors], Tensors]
    inputs: Schema
    defaults: Mapping[str, Any] = MappingProxyType({})
    """Field → number that a request may leave out: it then comes as a tensor [1]."""


class Task(tf.Module, abc.ABC):
    """A task: preprocessing, loss, decoding and scores; text to tensors and back.

    A task holds vocabularies, never weights. Its tensor methods run in graph and
    on a whole batch; those of tfnlp keep AutoGraph away (`do_not_convert`), which
    takes a quarter of the time of tracing and rewrites nothing there. `score`,
    `headline` and `figures` are plain Python on columns of strings and numbers.
    """

    inputs: Schema
    """The fields of a request."""
    targets: ClassVar[Schema] = {}
    """More fields of a training row: labels, tags, target texts."""
    monitor: str = "val_loss"
    """The score of early stopping: `val_loss`, `val_` and a metric, or `val_` and a
    score of `headline`; see `tfnlp.scores.directions` for
    which of them are better when lower."""

    ordered: bool = False
    """Whether each batch continues where the one before ended (truncated BPTT): rows
    are neither shuffled nor sorted by length."""

    def completed(self, rows: Rows) -> Rows:
        """Rows of a file with defaults for fields that files may leave out.

        Those are the ones that a request may leave out; see `Endpoint.defaults`.
        """
        return rows

    @abc.abstractmethod
    def encode(self, inputs: Tensors) -> Tensors:
        """Encodes a request as features: int32 or float32, batch first."""

    def encode_targets(self, row: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
        """Encodes targets as (y, sample weight); float32, shaped like `loss`."""
        raise TypeError(f"{type(self).__name__} has no targets to encode.")

    def example(self, row: Tensors) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        """A batch of rows as (features, y, weight), for the training step."""
        y, weight = self.encode_targets(row)
        return self.encode({name: row[name] for name in self.inputs}), y, weight

    def dataset(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Maps batches of rows to batches of (features, y, weight)."""
        return batches.map(self.example, num_parallel_calls=2)

    @abc.abstractmethod
    def loss(self, y: tf.Tensor, outputs: Any) -> tf.Tensor:
        """The loss of each item, unreduced: [B] or [B, T], like the weight."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """Fresh Keras metrics of (y, outputs), for the progress bar only."""
        return []

    @abc.abstractmethod
    def decode(self, outputs: Any, inputs: Tensors) -> Tensors:
        """Decodes outputs into the answer, with fixed public names."""

    def answer(self, model: Callable, inputs: Tensors) -> Tensors:
        """Answers a request with any callable that maps features to outputs."""
        return self.decode(model(self.encode(inputs)), inputs)

    def endpoints(self) -> dict[str, Endpoint]:
        """The signatures that an artefact of this task offers."""
        return {"serving_default": Endpoint(self.answer, self.inputs)}

    def calibrate(self, rows: Arrays, answers: Arrays) -> "Task":
        """Calibrates decision thresholds on validation answers; by default nothing.

        Called after `fit` by a script, never by an engine.
        """
        return self

    @abc.abstractmethod
    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """All scores, from targets and answers."""

    def headline(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """The scores that have a confidence interval."""
        return self.score(rows, answers)

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Scores of bootstrap samples: a function from row numbers to `headline`.

        It is called 1,000 times; a task may have a faster way than `headline`.
        """
        return lambda numbers: self.headline(
            Resample(rows, numbers), Resample(answers, numbers)
        )

    def gold_answers(self, rows: Arrays, answers: Arrays) -> Arrays | None:
        """Answers with the gold in place of predictions; None if there are none.

        `tfnlp.testing.check_task` scores them: one score at least must be perfect. By
        default the outputs that are named like targets become these.

        Args:
            answers: those of a network, for all other outputs.
        """
        gold = {
            name: rows[name]
            for name in self.targets
            if name in answers and np.shape(rows[name]) == np.shape(answers[name])
        }
        return {**answers, **gold} if gold else None

    def figures(self, rows: Arrays, answers: Arrays) -> Sequence[Any]:
        """Figures for the report: `tfnlp.scores.figures` objects."""
        return ()

    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values; see `tfnlp.saving`."""
