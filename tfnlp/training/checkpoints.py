"""A run that was killed goes on where it stopped, and ends as if it had not been.

A checkpoint holds everything that the next update depends on: weights, optimizer,
seeds, metrics, what other callbacks remember, and how many updates are done, from
which the position in the data follows. On CPUs a run that was resumed has the weights
and the history of one that was never stopped, bit for bit.
"""

import hashlib
import io
import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.training.callbacks import Logs
from tfnlp.training.step import Trainable
from tfnlp.training.strategy import ALONE, Worker

LOG = logging.getLogger("tfnlp")
LEAST = 5.0
"""Seconds between two that are written because an epoch ends."""
KEPT = 2
"""Checkpoints on disk: if the last is damaged, the one before is taken."""
_STOP = 1e6
"""The wish of a worker to stop; that to write is 1."""
_DIGEST = hashlib.sha256().digest_size
Arrays = Mapping[str, np.ndarray]


@runtime_checkable
class Remembers(Protocol):
    """A callback whose memory belongs to the state of a run."""

    def memory(self) -> dict[str, np.ndarray]:
        """What it remembers, by name."""

    def remember(self, memory: Arrays) -> None:
        """Takes back what `memory` gave."""


class Position(NamedTuple):
    """How far a run has come."""

    epoch: int = 0
    """The epoch that is going on, from 0."""
    done: int = 0
    """Updates of that epoch that are done."""


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints while a network trains, and begins from the last one.

    Files appear whole or not at all, are written while training goes on, and carry a
    checksum. SIGTERM and Ctrl-C write one at the end of the update that is running.

    Args:
        folder: where they lie; made when the first is written.
        trainable: what trains, with its optimizer.
        others: callbacks that remember something, with the name of each.
        settings: what the run depends on besides; a checkpoint of other ones is
            refused.
        every: seconds between two.
        worker: which of several processes this is; only the chief writes.
    """

    def __init__(
        self,
        folder: Path,
        trainable: Trainable,
        others: Mapping[str, Remembers],
        settings: Mapping[str, Any],
        *,
        every: float,
        worker: Worker = ALONE,
    ):
        super().__init__()
        self.worker = worker
        self.folder, self.trainable, self.others = folder, trainable, others
        self.settings = json.loads(json.dumps(settings))
        self.every = every
        self.position = Position()
        self.loaded: dict[str, np.ndarray] = {}
        self.history: dict[str, list[float]] = {}
        self.written = time.monotonic()
        self.writer: threading.Thread | None = None
        self.asked_to_stop = False
        self.handlers: dict[int, Any] = {}

    def load(self) -> Position:
        """Finds where to go on: the last whole checkpoint, or the beginning.

        Raises:
            UsageError: it was written by a run with other settings.
        """
        for file in sorted(self.folder.glob("*.ckpt"), reverse=True):
            arrays = _read(file)
            if arrays is None:
                LOG.warning("%s is damaged; the checkpoint before is taken", file)
                continue
            about = json.loads(bytes(arrays.pop("about")).decode())
            self._check(about["settings"], file)
            self.loaded, self.history = arrays, about["history"]
            self.position = Position(about["epoch"], about["done"])
            LOG.info("goes on %s", self._where())
            break
        return self.position

    def remove(self) -> None:
        """Removes the checkpoints of a run that has ended, and its empty folder."""
        self._wait()
        if not self.worker.is_chief:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes everything back but the metrics, which an epoch clears first."""
        self.written = time.monotonic()
        self._listen()
        if not self.loaded:
            self._clear()
            return
        for name, variable in self._variables():
            if name in self.loaded:
                variable.assign(self.loaded[name])
        for name, other in self.others.items():
            other.remember(_of(self.loaded, name))
        self.trainable.history.history.update(self.history)
        self.trainable.skipped = self.position.done

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Counts updates anew; the metrics of half an epoch are taken back."""
        if self.loaded:
            for name, variable in self._metrics():
                variable.assign(self.loaded[name])
            self.loaded = {}
        self.position = Position(epoch, 0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Writes a checkpoint if it is time, and ends the run if that was asked."""
        self.position = Position(self.position.epoch, self.position.done + 1)
        if self.trainable.is_skipping:
            return
        stop, write = self._agreed(last=batch + 1 == self.params.get("steps"))
        if stop:
            self._write()
            self._wait()
            LOG.info("stopped %s; --resume goes on from there", self._where())
            raise KeyboardInterrupt
        if write:
            self._write()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ends the run if that was asked; the epoch's last update is written."""
        if self.asked_to_stop and self.worker.total == 1:
            self._wait()
            raise KeyboardInterrupt

    def close(self) -> None:
        """Waits for what is being written, and gives the signals back."""
        self._wait()
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self.handlers = {}

    def _write(self) -> None:
        """Copies the state, and writes it while training goes on."""
        self._wait()
        about = {
            "settings": self.settings,
            "epoch": self.position.epoch,
            "done": self.position.done,
            "history": self.trainable.history.history,
        }
        arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        for name, variable in (*self._variables(), *self._metrics()):
            arrays[name] = np.array(variable)
        for name, other in self.others.items():
            arrays |= {f"{name}/{key}": value for key, value in other.memory().items()}
        self.written = time.monotonic()
        if self.worker.is_chief:
            name = f"{self.position.epoch:05}-{self.position.done:09}.ckpt"
            write = threading.Thread(target=_save, args=(self.folder / name, arrays))
            write.start()
            self.writer = write

    def _agreed(self, *, last: bool) -> tuple[bool, bool]:
        """Whether to stop, and whether to write.

        All workers do either behind the same update, as reading metrics is work of
        all of them; what one wishes, all know behind the next update.
        """
        waited = time.monotonic() - self.written
        due = waited >= self.every or (last and waited >= min(LEAST, self.every))
        if self.worker.total == 1:
            return self.asked_to_stop, due
        wishes = float(self.trainable.wishes.numpy())
        wish = _STOP if self.asked_to_stop else float(due and self.worker.is_chief)
        self.trainable.wish.assign(wish)
        return wishes >= _STOP, wishes > 0.0

    def _where(self) -> str:
        return f"after update {self.position.done} of epoch {self.position.epoch + 1}"

    def _clear(self) -> None:
        """Removes what a run left that was stopped, and is not gone on with."""
        if self.worker.is_chief and any(self.folder.glob("*.ckpt")):
            LOG.warning(
                "%s: the checkpoints of a run that was stopped are removed; "
                "--resume would have gone on from there",
                self.folder,
            )
            shutil.rmtree(self.folder)

    def _wait(self) -> None:
        if self.writer is not None:
            self.writer.join()
            self.writer = None

    def _variables(self) -> Iterator[tuple[str, Any]]:
        """Weights, seeds, optimizer, and the states that layers keep themselves."""
        optimizer = self.trainable.optimizer
        seen: set[int] = set()
        kept = (*self.trainable.network.variables, *optimizer.variables)
        for number, variable in enumerate(kept):
            seen.add(id(variable.value))
            yield f"variable{number}", variable
        layers = self.trainable.network._flatten_layers()
        own = (value for layer in layers for value in tf.nest.flatten(_plain(layer)))
        states = [value for value in own if isinstance(value, tf.Variable)]
        for number, state in enumerate(states):
            if id(state) not in seen:
                yield f"state{number}", state

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        kept = [v for metric in self.trainable.metrics for v in metric.variables]
        for number, variable in enumerate(kept):
            yield f"metric{number}", variable

    def _check(self, settings: Mapping[str, Any], file: Path) -> None:
        for name in sorted({*settings, *self.settings}):
            before, now = settings.get(name), self.settings.get(name)
            if before != now:
                raise UsageError(
                    "A run goes on with the settings that it began with. "
                    f"Received: {name}={now}, but {file} was written with {before}. "
                    "Set it back, or start anew without --resume."
                )

    def _listen(self) -> None:
        """Lets the first signal end the run at the next update, the second at once."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if self.asked_to_stop:
                raise KeyboardInterrupt
            self.asked_to_stop = True

        for number in (signal.SIGTERM, signal.SIGINT):
            self.handlers[number] = signal.signal(number, stop)


def _plain(layer: Any) -> list[Any]:
    """What a layer holds in attributes and lists of its own."""
    held = [v for k, v in vars(layer).items() if not k.startswith("_")]
    return [v for v in held if isinstance(v, (tf.Variable, list, tuple))]


def _of(arrays: Arrays, name: str) -> dict[str, np.ndarray]:
    start = f"{name}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _save(file: Path, arrays: Arrays) -> None:
    """Writes a checkpoint beside the others, and removes the oldest."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    body = buffer.getvalue()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".half")
        with open(half, "wb") as stream:
            stream.write(hashlib.sha256(body).digest())
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        half.replace(file)
        for old in sorted(file.parent.glob("*.ckpt"))[:-KEPT]:
            old.unlink()
    except OSError as error:  # a full disk ends no run
        LOG.warning("%s was not written: %s", file, error)


def _read(file: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a checkpoint; None if it is not what was written."""
    whole = file.read_bytes()
    body = whole[_DIGEST:]
    if hashlib.sha256(body).digest() != whole[:_DIGEST]:
        return None
    with np.load(io.BytesIO(body)) as arrays:
        return {name: arrays[name] for name in arrays.files}
