"""Requests answered together: TensorFlow's own batch scheduler around a signature.

Requests that wait at the same time are put below one another, answered by one run of
the graph, and taken apart again. A request that the graph refuses is asked once more
alone, so that it spoils no other. Requests whose rows have other shapes are never put
together, and those without rows are answered alone.
"""

import os
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.serving.refusals import Refusal
from tfnlp.serving.signatures import Signature
from tfnlp.task import Columns

MOST_SHAPES = 16
"""Shapes of rows that a signature keeps a queue for; others are answered alone."""


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How requests are put together; the names are those of TF Serving.

    Raises:
        UsageError: a number is below its least, or the sizes do not rise to the
            largest batch.
    """

    max_batch_size: int = 128
    batch_timeout_micros: int = 0  # how long a request may wait for others
    max_enqueued_batches: int = 100  # more than that are refused as UNAVAILABLE
    num_batch_threads: int = 0  # 0 is one for each core
    allowed_batch_sizes: tuple[int, ...] = ()  # batches are filled up to one of them

    def __post_init__(self) -> None:
        least = {"max_batch_size": 1, "max_enqueued_batches": 1}
        for name in ("batch_timeout_micros", "num_batch_threads", *least):
            if getattr(self, name) < least.get(name, 0):
                raise UsageError(
                    f"{name} of batching is {least.get(name, 0)} or more. "
                    f"Received: {getattr(self, name)}."
                )
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted({*sizes}) or sizes[0] < 1):
            raise UsageError(f"allowed_batch_sizes must rise. Received: {list(sizes)}.")
        if sizes and sizes[-1] != self.max_batch_size:
            raise UsageError(
                "The last of allowed_batch_sizes is max_batch_size. "
                f"Received: {sizes[-1]} and {self.max_batch_size}."
            )

    @classmethod
    def from_proto(cls, proto: Any) -> "Batching":
        """Reads `BatchingParameters`; what it leaves out has its default."""
        names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
        given = {
            name: getattr(proto, name).value
            for name in (*names, "num_batch_threads")
            if proto.HasField(name)
        }
        sizes = tuple(proto.allowed_batch_sizes)
        if sizes and "max_batch_size" not in given:
            given["max_batch_size"] = sizes[-1]
        return cls(**given, allowed_batch_sizes=sizes)


class Batched:
    """A signature whose requests are answered together.

    Args:
        signature: the one to ask.
        batching: how; None answers each request alone.
    """

    def __init__(self, signature: Signature, batching: Batching | None):
        self.signature = signature
        self._batching = batching if _has_rows(signature) else None
        self._queues: dict[tuple, Callable[..., list[tf.Tensor]]] = {}
        self._lock = threading.Lock()

    def run(self, columns: Columns) -> dict[str, np.ndarray]:
        """Answers a complete request; see `Signature.run`.

        Raises:
            Refusal: the graph says no, or too many wait (``UNAVAILABLE``).
        """
        queue = self._queue(columns)
        if queue is None:
            return self.signature.run(columns)
        names = list(self.signature.fields)
        fields = self.signature.fields
        request = [tf.constant(columns[n], fields[n].dtype) for n in names]
        try:
            answers = queue(*request)
        except tf.errors.UnavailableError as error:
            raise Refusal("UNAVAILABLE", error.message.splitlines()[0]) from error
        except tf.errors.OpError:
            return self.signature.run(columns)  # perhaps another request was to blame
        found = zip(self.signature.outputs, answers, strict=True)
        return {name: answer.numpy() for name, answer in found}

    def _queue(self, columns: Columns) -> Callable[..., list[tf.Tensor]] | None:
        """What answers requests of these shapes together, if anything does."""
        if self._batching is None:
            return None
        arrays = [columns[name] for name in self.signature.fields]
        counts = {array.shape[0] for array in arrays if array.ndim}
        if len(counts) != 1 or not all(array.ndim for array in arrays) or 0 in counts:
            return None
        shapes = tuple(array.shape[1:] for array in arrays)
        if shapes not in self._queues:
            with self._lock:
                if shapes not in self._queues and len(self._queues) < MOST_SHAPES:
                    self._queues[shapes] = _together(
                        self.signature, shapes, self._batching
                    )
        return self._queues.get(shapes)


def _has_rows(signature: Signature) -> bool:
    """Whether the first axis of all that goes in and out may be the row."""
    tensors = [*signature.fields.values(), *signature.outputs.values()]
    return bool(signature.fields) and all(
        spec.shape.rank and spec.shape[0] is None for spec in tensors
    )


def _together(
    signature: Signature, shapes: tuple[tuple[int, ...], ...], batching: Batching
) -> Callable[..., list[tf.Tensor]]:
    """A function of tensors in the order of the fields, with a queue of its own."""
    names, outputs = list(signature.fields), list(signature.outputs)
    fields: Mapping[str, tf.TensorSpec] = signature.fields

    @tf.nondifferentiable_batch_function(
        num_batch_threads=batching.num_batch_threads or os.cpu_count() or 1,
        max_batch_size=batching.max_batch_size,
        batch_timeout_micros=batching.batch_timeout_micros,
        allowed_batch_sizes=list(batching.allowed_batch_sizes) or None,
        max_enqueued_batches=batching.max_enqueued_batches,
        autograph=False,
    )
    def answer(*values: tf.Tensor) -> list[tf.Tensor]:
        answered = signature.function(**dict(zip(names, values, strict=True)))
        return [answered[name] for name in outputs]

    specs = [
        tf.TensorSpec((None, *shape), fields[name].dtype)
        for name, shape in zip(names, shapes, strict=True)
    ]

    def queued(*values: tf.Tensor) -> list[tf.Tensor]:
        # The queue is named after the scope. Two of one name are one queue, and one of
        # the two functions then answers the requests of both.
        with tf.name_scope(f"queue_{uuid.uuid4().hex}"):
            return answer(*values)

    traced: Callable[..., list[tf.Tensor]] = tf.function(
        queued, input_signature=specs, autograph=False
    ).get_concrete_function()
    return traced
