"""Dynamic batching: requests that wait at the same time share one run of the graph.

There are no worker threads. The thread of a request that finds no batch in progress
runs the batch of all waiting requests, its own included, while their threads wait;
then the first of the requests that arrived in the meantime does the same. So no thread
idles, and an unloaded version leaves none behind. (TensorFlow's BatchFunction, the
scheduler of TF Serving, wakes each of its threads a thousand times a second, never ends
them, and gives all queues the same name, so that two functions share one; see
tests/serving/server/test_batching.py.)

If the graph rejects a batch, each of its requests runs alone, so that an invalid
request affects no other. Requests with different row shapes are never batched, and
requests without rows run alone. A request with more rows than a batch holds is split.
Rows are padded to the longest text of a batch, so long texts are batched with few
others: the memory of a batch is bounded, whatever is sent.
"""

import os
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tfnlp.errors import UsageError
from tfnlp.serving.protocol.signatures import Signature
from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.server import deadlines
from tfnlp.task import Arrays

PADDED = 4 << 20
"""Maximum bytes of a padded batch: rows times the bytes of the longest text."""


@dataclass(frozen=True, kw_only=True)
class Batching:
    """Batching parameters, with the names of TF Serving.

    Raises:
        UsageError: a value is below its minimum, or `allowed_batch_sizes` does not
            increase to `max_batch_size`.
    """

    max_batch_size: int = 128
    batch_timeout_micros: int = 0  # how long a batch waits for more requests
    max_enqueued_batches: int = 100  # beyond that: UNAVAILABLE
    num_batch_threads: int = 0  # 0 is one for each core
    allowed_batch_sizes: tuple[int, ...] = ()  # batches are padded to one of them

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
        """Reads a `BatchingParameters` message; missing fields have their defaults."""
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
    """A signature with a batching queue.

    Args:
        signature: the signature to run.
        batching: parameters; None runs each request alone.
    """

    def __init__(self, signature: Signature, batching: Batching | None):
        self.signature, self._batching = signature, batching or Batching()
        self._batched = batching is not None and _has_rows(signature)
        self._waiting: dict[Shapes, deque[_Waiting]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._working = 0

    def run(self, columns: Arrays) -> dict[str, np.ndarray]:
        """Runs a complete request; see `Signature.run`.

        Raises:
            StatusError: the graph rejects the request, the queue is full
                (``UNAVAILABLE``), or the deadline has passed.
        """
        deadlines.check()
        shapes = self._shapes(columns)
        if not self._batched or shapes is None:
            return self.signature.run(columns)
        pieces = _cut(columns, self._batching.max_batch_size)
        answers = []
        for piece in pieces:
            deadlines.check()
            answers.append(self._run(shapes, piece))
            if len(pieces) > 1 and not _is_by_row(answers[-1], piece.rows):
                return self.signature.run(columns)
        return answers[0] if len(answers) == 1 else _joined(answers)

    def _run(self, shapes: "Shapes", mine: "_Waiting") -> dict[str, np.ndarray]:
        self._enqueue(shapes, mine)
        while not mine.answered:
            batch = self._next(shapes, mine)
            if batch:
                try:
                    self._answer(batch)
                finally:
                    self._ended(batch)
        return mine.answer()

    def _shapes(self, columns: Arrays) -> "Shapes | None":
        """The shapes of one row; None if fields have no rows, or differ in number."""
        arrays = [columns[name] for name in self.signature.fields]
        counts = {array.shape[0] if array.ndim else 0 for array in arrays}
        if len(counts) != 1 or 0 in counts:
            return None
        return tuple(array.shape[1:] for array in arrays)

    def _enqueue(self, shapes: "Shapes", mine: "_Waiting") -> None:
        most = self._batching.max_enqueued_batches * self._batching.max_batch_size
        with self._changed:
            if mine.rows + self._rows(shapes) > most:
                raise StatusError(
                    "UNAVAILABLE",
                    "The batch scheduling queue to which this task was submitted is "
                    "full",
                )
            self._waiting[shapes].append(mine)
            self._changed.notify_all()

    def _next(self, shapes: "Shapes", mine: "_Waiting") -> "list[_Waiting]":
        """The batch that this thread runs now; empty if its own request is done."""
        batching = self._batching
        with self._changed:
            self._changed.wait_for(lambda: mine.answered or self._may_work(mine))
            if mine.answered or mine.taken:
                return []
            self._working += 1
            if batching.batch_timeout_micros:
                self._changed.wait_for(
                    lambda: mine.taken or self._rows(shapes) >= batching.max_batch_size,
                    batching.batch_timeout_micros / 1e6,
                )
            return self._take(shapes)

    def _may_work(self, mine: "_Waiting") -> bool:
        threads = self._batching.num_batch_threads or os.cpu_count() or 1
        return not mine.taken and self._working < threads

    def _rows(self, shapes: "Shapes") -> int:
        return sum(each.rows for each in self._waiting[shapes])

    def _take(self, shapes: "Shapes") -> "list[_Waiting]":
        """Takes the first waiting requests, as many as a batch holds."""
        queue, size = self._waiting[shapes], self._batching.max_batch_size
        batch: list[_Waiting] = []
        rows = longest = 0
        while queue:
            rows, longest = rows + queue[0].rows, max(longest, queue[0].longest)
            if batch and (rows > size or rows * longest > PADDED):
                break
            batch.append(queue.popleft())
            batch[-1].taken = True
        if not queue:
            del self._waiting[shapes]  # clients choose shapes: none is kept
        if not batch:
            self._working -= 1
        return batch

    def _answer(self, batch: "Sequence[_Waiting]") -> None:
        if len(batch) == 1 and not self._batching.allowed_batch_sizes:
            batch[0].run_alone(self.signature)
            return
        counts = np.cumsum([each.rows for each in batch])
        rows = int(counts[-1])
        try:
            whole = {
                name: np.concatenate([each.columns[name] for each in batch])
                for name in batch[0].columns
            }
            padded = self._padded(whole, rows)
            outputs = self.signature.run(padded)
        except StatusError:  # perhaps caused by one request of several
            outputs = {}
        if not outputs or not _is_by_row(outputs, _rows_of(padded)):
            for each in batch:
                each.run_alone(self.signature)
            return
        for each, end in zip(batch, counts, strict=True):
            start = end - each.rows
            each.outputs = {n: column[start:end] for n, column in outputs.items()}

    def _padded(self, columns: Arrays, rows: int) -> Arrays:
        """A batch padded with its first row to an allowed size."""
        sizes = self._batching.allowed_batch_sizes
        more = next((size for size in sizes if size >= rows), rows) - rows
        if not more:
            return columns
        return {
            name: np.concatenate([column, np.repeat(column[:1], more, axis=0)])
            for name, column in columns.items()
        }

    def _ended(self, batch: "Sequence[_Waiting]") -> None:
        with self._changed:
            self._working -= 1
            for each in batch:
                each.answered = True
            self._changed.notify_all()


Shapes = tuple[tuple[int, ...], ...]


@dataclass(eq=False)
class _Waiting:
    """A request in the queue."""

    columns: Arrays
    longest: int
    """Bytes of its longest text."""
    taken: bool = False
    answered: bool = False
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    error: StatusError | None = None

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return _rows_of(self.columns)

    def run_alone(self, signature: Signature) -> None:
        """Runs this request without others."""
        try:
            self.outputs = signature.run(self.columns)
        except StatusError as error:
            self.error = error

    def answer(self) -> dict[str, np.ndarray]:
        """The outputs of this request.

        Raises:
            StatusError: the graph rejected it, or the thread of its batch failed.
        """
        if self.error is not None:
            raise self.error
        if not self.outputs:
            raise StatusError("INTERNAL", "the batch of this request was not answered")
        return self.outputs


def _has_rows(signature: Signature) -> bool:
    """Whether the first axis of every input and output is the batch axis."""
    tensors = [*signature.fields.values(), *signature.outputs.values()]
    return bool(signature.fields) and all(
        spec.shape.rank and spec.shape[0] is None for spec in tensors
    )


def _rows_of(columns: Arrays) -> int:
    return len(next(iter(columns.values())))


def _is_by_row(outputs: Arrays, rows: int) -> bool:
    """Whether outputs have one entry per row: a graph may drop rows."""
    return all(len(column) == rows for column in outputs.values())


def _cut(columns: Arrays, most: int) -> list[_Waiting]:
    """Splits a request into pieces of at most `most` rows, fewer with long texts."""
    sizes = _text_sizes(columns)
    pieces, start, longest = [], 0, 0
    for row, size in enumerate(sizes):
        rows, needed = row + 1 - start, max(longest, size)
        if row > start and (rows > most or rows * needed > PADDED):
            pieces.append(_piece(columns, start, row, longest))
            start, needed = row, size
        longest = needed
    return [*pieces, _piece(columns, start, len(sizes), longest)]


def _piece(columns: Arrays, start: int, end: int, longest: int) -> _Waiting:
    return _Waiting({n: column[start:end] for n, column in columns.items()}, longest)


def _text_sizes(columns: Arrays) -> list[int]:
    """Bytes of the longest text of each row."""
    sizes = np.zeros(_rows_of(columns), np.int64)
    for column in columns.values():
        if column.dtype == object and column.size:
            flat = np.fromiter(map(len, column.ravel()), np.int64, column.size)
            sizes = np.maximum(sizes, flat.reshape(len(column), -1).max(axis=1))
    found: list[int] = sizes.tolist()
    return found


def _joined(answers: Sequence[Arrays]) -> dict[str, np.ndarray]:
    """Concatenates the answers to pieces, padded to the widest with 0 and ""."""
    return {
        name: np.concatenate(_as_wide([answer[name] for answer in answers]))
        for name in answers[0]
    }


def _as_wide(columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    widest = np.max([column.shape[1:] for column in columns], axis=0)
    filling = b"" if columns[0].dtype == object else 0
    return [
        np.pad(
            column,
            [(0, 0), *((0, int(n)) for n in widest - column.shape[1:])],
            constant_values=filling,
        )
        for column in columns
    ]
