"""Checkpoints: an interrupted training run is resumed, with the same result.

A checkpoint holds everything that the next step depends on: weights, optimizer, seeds,
metrics, the state of other callbacks, and the number of steps done, from which the
position in the data follows. On CPUs a resumed run has the weights and the history of
an uninterrupted one, bit for bit. The last checkpoint, `ended.ckpt`, holds the network
of a run that has ended: it stays until `remove`, as the network is not saved yet.
"""

import json
import logging
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple, NoReturn, Protocol, runtime_checkable

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.training import checkpoint_files
from tfnlp.training.callbacks import Logs
from tfnlp.training.checkpoint_files import Arrays
from tfnlp.training.run_fingerprint import as_json
from tfnlp.training.step import Trainable
from tfnlp.training.strategy import ALONE, Worker, agree

LOG = logging.getLogger("tfnlp")
MIN_SECONDS = 5.0
"""Between two checkpoints that are written because an epoch ends."""
ENDED = "ended.ckpt"
"""The last checkpoint of a run; its name sorts after all others."""
_STOP = 1e6
"""The vote of a worker to stop; the vote to write is 1."""


@runtime_checkable
class Stateful(Protocol):
    """A callback whose state belongs in checkpoints."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Its state as arrays by name."""

    def load_state_dict(self, state: Arrays) -> None:
        """Restores what `state_dict` returned."""


class Position(NamedTuple):
    """The progress of a run: epoch and step."""

    epoch: int = 0
    """The current epoch, from 0."""
    done: int = 0
    """Steps of that epoch that are done."""
    ended: bool = False
    """Whether no epoch is left."""

    @property
    def file(self) -> str:
        """The file name of the checkpoint at this position."""
        return ENDED if self.ended else f"{self.epoch:05}-{self.done:09}.ckpt"

    def __str__(self) -> str:
        if self.ended:
            return "after the last epoch"
        return f"after step {self.done} of epoch {self.epoch + 1}"


class Snapshot(NamedTuple):
    """A copy of the state that a run can be resumed from."""

    position: Position
    arrays: Arrays


def remove(run: str | Path) -> None:
    """Removes the checkpoints of a run, once its network is saved.

    Args:
        run: the folder of the run; removed, too, if nothing else is in it.
    """
    run = Path(run)
    shutil.rmtree(_folder(run), ignore_errors=True)
    if run.is_dir() and not any(run.iterdir()):
        run.rmdir()


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints during training, and resumes from the last one.

    Files are written atomically, in a thread, with a checksum. SIGTERM and Ctrl-C end
    the run after the current step, or at once between steps: between epochs the state
    after the last step is kept in memory, and then written. Several workers all end
    together, after a step or an epoch.

    Args:
        run: folder of the run; `checkpoints/` in it is made with the first file.
        trainable: the network in training, with its optimizer.
        others: stateful callbacks by name.
        settings: what else the run depends on; a checkpoint of other settings is
            refused.
        every: seconds between two checkpoints.
        worker: which of several processes this is; only the chief writes.
    """

    def __init__(
        self,
        run: str | Path,
        trainable: Trainable,
        others: Mapping[str, Stateful],
        settings: Mapping[str, Any],
        *,
        every: float,
        worker: Worker = ALONE,
    ):
        super().__init__()
        self.worker = worker
        self.folder, self.trainable, self.others = _folder(run), trainable, others
        self.settings = dict(settings)
        self.every = every
        self.position = Position()
        self.source: Path | None = None
        """The file that was loaded; `about` has its settings and history."""
        self.about: dict[str, Any] = {}
        self.loaded: Arrays = {}
        self.all_damaged = False
        self.written = time.monotonic()
        self.writer: threading.Thread | None = None
        self.pending: Snapshot | None = None
        self.last: Position | None = None
        """The position of the last one that was read or written."""
        self.loses_nothing = False
        """Whether no step is running, and the state to resume from is kept."""
        self.stop_requested = False
        self.handlers: dict[int, Any] = {}

    def load(self) -> Position:
        """The position to resume from: the last intact checkpoint, or the beginning."""
        files = checkpoint_files.files(self.folder)
        self.all_damaged = bool(files)
        for file in files:
            arrays = checkpoint_files.read(file)
            if arrays is None:
                LOG.warning("%s is damaged", file)
                continue
            self.all_damaged = False
            self.about = json.loads(bytes(arrays.pop("about")).decode())
            self.source, self.loaded = file, arrays
            done, ended = self.about["done"], file.name == ENDED
            self.last = self.position = Position(self.about["epoch"], done, ended)
            return self.position
        if self.all_damaged:
            LOG.warning("%s: no intact checkpoint; training starts over", self.folder)
        return self.position

    def check(self) -> None:
        """Checks that the checkpoint belongs to a run with the same settings.

        Raises:
            UsageError: it was written by a run with other settings.
        """
        if self.source is None:
            return
        begun = self.about["settings"]
        for name in dict.fromkeys([*self.settings, *begun]):
            before, now = begun.get(name), self.settings.get(name)
            if before != now:
                raise UsageError(
                    "A run is resumed with the settings it was started with. "
                    f"Received: {name}={now}, but {self.source} was written with "
                    f"{before}. Set it back, or start over without resume."
                )
        LOG.info("resumed %s", self.position)

    def ended(self) -> tuple[dict[str, list[float]], list[np.ndarray] | None]:
        """Restores the network of a run that has ended.

        Returns:
            Its history, and the weights that `end` received.
        """
        self._restore(self._of_network())
        last = _of(self.loaded, "last")
        weights = [last[str(number)] for number in range(len(last))]
        return self.about["history"], weights or None

    def end(self, last: Sequence[np.ndarray] | None = None) -> None:
        """Writes the network of a run that has ended.

        Args:
            last: weights of its last epoch, written, too.
        """
        self.loses_nothing = False
        self._wait()
        self.pending = None  # before the network is copied once more
        self.position = Position(self.position.epoch + 1, 0, ended=True)
        self._snapshot(
            {f"last/{number}": each for number, each in enumerate(last or ())}
        )
        self._write()
        self._wait()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Restores everything but the metrics, which an epoch resets first."""
        self.written = time.monotonic()
        self._handle_signals()
        if not self.loaded:
            self._clear()
            return
        self.loses_nothing = self.worker.total == 1
        self._restore((*self._of_network(), *self._of_optimizer()))
        for name, other in self.others.items():
            other.load_state_dict(_of(self.loaded, name))
        self.trainable.history.history.update(self.about["history"])
        self.trainable.skipped = self.position.done

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Counts steps from 0, and restores the metrics of an interrupted epoch."""
        if self.loaded:
            self._restore(self._metrics())
            self.loaded = {}
        self.position = Position(epoch, 0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Writes a checkpoint if one is due, and ends the run if requested."""
        self.position = Position(self.position.epoch, self.position.done + 1)
        if self.trainable.is_skipping:
            return
        self.loses_nothing, self.pending = False, None
        last = batch + 1 == self.params.get("steps")
        stop, write = self._agreed(last=last)
        if stop or write or last:
            self._wait()
            self._snapshot()
        if stop:
            self._stop()
        if write:
            self._write()
        self.loses_nothing = last and self.worker.total == 1

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ends the run if requested; the state after the epoch's last step is kept."""
        if self.stop_requested and self.worker.total == 1:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends the run if any worker was requested to."""
        stop = self.stop_requested
        if not agree(self.trainable.distribute_strategy, [int(stop)]) or stop:
            self._stop()

    def close(self) -> None:
        """Writes the last state of a stopped run, and restores signal handlers."""
        try:
            if self.stop_requested:
                self._write()
            self._wait()
            if self.stop_requested and self.last and self._file(self.last).exists():
                LOG.info("stopped %s; resume continues from there", self.last)
        finally:
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
            self.handlers = {}

    def _stop(self) -> NoReturn:
        """Ends the run; `close` writes the last state."""
        self.stop_requested = True
        raise KeyboardInterrupt

    def _snapshot(self, more: Arrays = MappingProxyType({})) -> None:
        """Takes a snapshot; of a run that has ended, of the network and `more`."""
        about = {
            "settings": self.settings,
            "epoch": self.position.epoch,
            "done": self.position.done,
            "history": self.trainable.history.history,
        }
        arrays = {"about": np.frombuffer(as_json(about).encode(), np.uint8), **more}
        variables = [*self._of_network()]
        if not self.position.ended:
            variables += [*self._of_optimizer(), *self._metrics()]
            for name, other in self.others.items():
                state = other.state_dict()
                arrays |= {f"{name}/{key}": value for key, value in state.items()}
        arrays |= {name: np.array(variable) for name, variable in variables}
        self.pending = Snapshot(self.position, arrays)

    def _write(self) -> None:
        """Writes the snapshot in a thread."""
        self.written = time.monotonic()
        if self.pending is None:
            return
        self.last, arrays = self.pending
        self.pending = None
        if self.worker.is_chief:
            args = self._file(self.last), arrays
            self.writer = threading.Thread(target=checkpoint_files.save, args=args)
            self.writer.start()

    def _agreed(self, *, last: bool) -> tuple[bool, bool]:
        """Whether to stop, and whether to write.

        All workers do either after the same step, as reading metrics takes all of them;
        a vote of one is known to all after the next step.
        """
        waited = time.monotonic() - self.written
        due = waited >= self.every or (last and waited >= min(MIN_SECONDS, self.every))
        if self.worker.total == 1:
            return self.stop_requested, due
        votes = float(self.trainable.votes.numpy())
        vote = _STOP if self.stop_requested else float(due and self.worker.is_chief)
        self.trainable.vote.assign(vote)
        return votes >= _STOP, votes > 0.0

    def _file(self, position: Position) -> Path:
        return self.folder / position.file

    def _clear(self) -> None:
        """Removes the checkpoints of an earlier run that is not resumed."""
        left = checkpoint_files.files(self.folder)
        if not left or not self.worker.is_chief:
            return
        if left[0].name == ENDED:
            LOG.info("%s: removed the network of the earlier run", self.folder)
        elif not self.all_damaged:
            LOG.warning(
                "%s: removed the checkpoints of an interrupted run; "
                "resume would have continued it",
                self.folder,
            )
        shutil.rmtree(self.folder)

    def _wait(self) -> None:
        if self.writer is not None:
            self.writer.join()
            self.writer = None

    def _restore(self, variables: Iterable[tuple[str, Any]]) -> None:
        """Assigns the loaded values."""
        for name, variable in variables:
            if name in self.loaded:
                variable.assign(self.loaded[name])

    def _of_network(self) -> Iterator[tuple[str, Any]]:
        """Weights, seeds, and variables that layers hold outside of Keras."""
        seen: set[int] = set()
        for number, variable in enumerate(self.trainable.network.variables):
            seen.add(id(variable.value))
            yield f"variable{number}", variable
        layers = self.trainable.network._flatten_layers()
        own = (value for layer in layers for value in tf.nest.flatten(_plain(layer)))
        states = [value for value in own if isinstance(value, tf.Variable)]
        for number, state in enumerate(states):
            if id(state) not in seen:
                yield f"state{number}", state

    def _of_optimizer(self) -> Iterator[tuple[str, Any]]:
        for number, variable in enumerate(self.trainable.optimizer.variables):
            yield f"optimizer{number}", variable

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        kept = [v for metric in self.trainable.metrics for v in metric.variables]
        for number, variable in enumerate(kept):
            yield f"metric{number}", variable

    def _handle_signals(self) -> None:
        """The first signal ends the run after this step, the second one at once."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            at_once = self.stop_requested or self.loses_nothing
            self.stop_requested = True  # in case KeyboardInterrupt is caught elsewhere
            if at_once:
                raise KeyboardInterrupt

        for number in (signal.SIGTERM, signal.SIGINT):
            self.handlers[number] = signal.signal(number, stop)


def _plain(layer: Any) -> list[Any]:
    """Variables and lists in the attributes of a layer."""
    held = [v for k, v in vars(layer).items() if not k.startswith("_")]
    return [v for v in held if isinstance(v, (tf.Variable, list, tuple))]


def _of(arrays: Arrays, name: str) -> dict[str, np.ndarray]:
    start = f"{name}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _folder(run: str | Path) -> Path:
    return Path(run) / "checkpoints"
