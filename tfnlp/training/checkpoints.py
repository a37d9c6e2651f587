"""A run that was killed goes on where it stopped, and ends as if it had not been.

A checkpoint holds everything that the next update depends on: weights, optimizer,
seeds, metrics, what other callbacks remember, and how many updates are done, from
which the position in the data follows. On CPUs a run that was resumed has the weights
and the history of one that was never stopped, bit for bit. The last one, `ended.ckpt`,
holds the network of a run that has ended: it stays until `remove`, as whoever trains
has yet to save.
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
LEAST = 5.0
"""Seconds between two that are written because an epoch ends."""
ENDED = "ended.ckpt"
"""The last checkpoint of a run; its name comes behind all others'."""
_STOP = 1e6
"""The vote of a worker to stop; that to write is 1."""


@runtime_checkable
class Stateful(Protocol):
    """A callback whose state belongs in checkpoints."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Its state as arrays by name."""

    def load_state_dict(self, state: Arrays) -> None:
        """Restores what `state_dict` returned."""


class Position(NamedTuple):
    """How far a run has come."""

    epoch: int = 0
    """The epoch that is going on, from 0."""
    done: int = 0
    """Updates of that epoch that are done."""
    ended: bool = False
    """Whether no epoch is left."""

    @property
    def file(self) -> str:
        """The name of the checkpoint that is written there."""
        return ENDED if self.ended else f"{self.epoch:05}-{self.done:09}.ckpt"

    def __str__(self) -> str:
        if self.ended:
            return "after the last epoch"
        return f"after update {self.done} of epoch {self.epoch + 1}"


class Kept(NamedTuple):
    """A copy of the state that a run can go on from."""

    position: Position
    arrays: Arrays


def remove(run: str | Path) -> None:
    """Removes the checkpoints of a run, as when its network has been saved.

    Args:
        run: the folder of the run; is removed, too, if nothing else is in it.
    """
    run = Path(run)
    shutil.rmtree(_folder(run), ignore_errors=True)
    if run.is_dir() and not any(run.iterdir()):
        run.rmdir()


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints while a network trains, and begins from the last one.

    Files appear whole or not at all, are written while training goes on, and carry a
    checksum. SIGTERM and Ctrl-C end the run behind the update that is running, or at
    once where no update is: between epochs the state behind the last one is kept, in
    memory if not on disk, and then written. Of several workers all end together, behind
    an update or an epoch.

    Args:
        run: folder of the run, in which theirs is made when the first is written.
        trainable: what trains, with its optimizer.
        others: callbacks that remember something, with the name of each.
        settings: what the run depends on besides; a checkpoint of other ones is
            refused.
        every: seconds between two.
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
        """The file that was loaded, which says `about` what run it is of."""
        self.about: dict[str, Any] = {}
        self.loaded: Arrays = {}
        self.none_is_whole = False
        self.written = time.monotonic()
        self.writer: threading.Thread | None = None
        self.unwritten: Kept | None = None
        self.last: Position | None = None
        """The last one that was read or written."""
        self.loses_nothing = False
        """Whether no update is running, and what is to go on from is kept."""
        self.stop_requested = False
        self.handlers: dict[int, Any] = {}

    def load(self) -> Position:
        """Finds where to go on: the last whole checkpoint, or the beginning."""
        files = checkpoint_files.files(self.folder)
        self.none_is_whole = bool(files)
        for file in files:
            arrays = checkpoint_files.read(file)
            if arrays is None:
                LOG.warning("%s is damaged", file)
                continue
            self.none_is_whole = False
            self.about = json.loads(bytes(arrays.pop("about")).decode())
            self.source, self.loaded = file, arrays
            done, ended = self.about["done"], file.name == ENDED
            self.last = self.position = Position(self.about["epoch"], done, ended)
            return self.position
        if self.none_is_whole:
            LOG.warning("%s: no checkpoint is whole; the run begins anew", self.folder)
        return self.position

    def check(self) -> None:
        """Checks that what was loaded is of a run with the same settings.

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
                    "A run goes on with the settings that it began with. "
                    f"Received: {name}={now}, but {self.source} was written with "
                    f"{before}. Set it back, or start anew without --resume."
                )
        LOG.info("goes on %s", self.position)

    def ended(self) -> tuple[dict[str, list[float]], list[np.ndarray] | None]:
        """Restores the network of a run that has ended.

        Returns:
            Its history, and the weights that `end` received.
        """
        self._take(self._of_network())
        last = _of(self.loaded, "last")
        weights = [last[str(number)] for number in range(len(last))]
        return self.about["history"], weights or None

    def end(self, last: Sequence[np.ndarray] | None = None) -> None:
        """Writes the network as it is now: the run has ended.

        Args:
            last: weights of its last epoch, to be written, too.
        """
        self.loses_nothing = False
        self._wait()
        self.unwritten = None  # before the network is copied once more
        self.position = Position(self.position.epoch + 1, 0, ended=True)
        self._keep({f"last/{number}": each for number, each in enumerate(last or ())})
        self._write()
        self._wait()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes everything back but the metrics, which an epoch clears first."""
        self.written = time.monotonic()
        self._listen()
        if not self.loaded:
            self._clear()
            return
        self.loses_nothing = self.worker.total == 1
        self._take((*self._of_network(), *self._of_optimizer()))
        for name, other in self.others.items():
            other.load_state_dict(_of(self.loaded, name))
        self.trainable.history.history.update(self.about["history"])
        self.trainable.skipped = self.position.done

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Counts updates anew; the metrics of half an epoch are taken back."""
        if self.loaded:
            self._take(self._metrics())
            self.loaded = {}
        self.position = Position(epoch, 0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Writes a checkpoint if it is time, and ends the run if that was asked."""
        self.position = Position(self.position.epoch, self.position.done + 1)
        if self.trainable.is_skipping:
            return
        self.loses_nothing, self.unwritten = False, None
        last = batch + 1 == self.params.get("steps")
        stop, write = self._agreed(last=last)
        if stop or write or last:
            self._wait()
            self._keep()
        if stop:
            self._stop()
        if write:
            self._write()
        self.loses_nothing = last and self.worker.total == 1

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ends the run if that was asked; the epoch's last update is kept."""
        if self.stop_requested and self.worker.total == 1:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends the run if that was asked, of any worker."""
        asked = self.stop_requested
        if not agree(self.trainable.distribute_strategy, [int(asked)]) or asked:
            self._stop()

    def close(self) -> None:
        """Writes what is left of a run that was stopped, and gives signals back."""
        try:
            if self.stop_requested:
                self._write()
            self._wait()
            if self.stop_requested and self.last and self._file(self.last).exists():
                LOG.info("stopped %s; --resume goes on from there", self.last)
        finally:
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
            self.handlers = {}

    def _stop(self) -> NoReturn:
        """Ends the run; `close` writes what is left."""
        self.stop_requested = True
        raise KeyboardInterrupt

    def _keep(self, more: Arrays = MappingProxyType({})) -> None:
        """Copies the state, or of a run that has ended the network and `more`."""
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
        self.unwritten = Kept(self.position, arrays)

    def _write(self) -> None:
        """Writes what was kept while training goes on."""
        self.written = time.monotonic()
        if self.unwritten is None:
            return
        self.last, arrays = self.unwritten
        self.unwritten = None
        if self.worker.is_chief:
            words = self._file(self.last), arrays
            self.writer = threading.Thread(target=checkpoint_files.save, args=words)
            self.writer.start()

    def _agreed(self, *, last: bool) -> tuple[bool, bool]:
        """Whether to stop, and whether to write.

        All workers do either behind the same update, as reading metrics is work of
        all of them; what one votes, all know behind the next update.
        """
        waited = time.monotonic() - self.written
        due = waited >= self.every or (last and waited >= min(LEAST, self.every))
        if self.worker.total == 1:
            return self.stop_requested, due
        votes = float(self.trainable.votes.numpy())
        vote = _STOP if self.stop_requested else float(due and self.worker.is_chief)
        self.trainable.vote.assign(vote)
        return votes >= _STOP, votes > 0.0

    def _file(self, position: Position) -> Path:
        return self.folder / position.file

    def _clear(self) -> None:
        """Removes what a run left that was stopped, and is not gone on with."""
        left = checkpoint_files.files(self.folder)
        if not left or not self.worker.is_chief:
            return
        if left[0].name == ENDED:
            LOG.info("%s: the network of the run before is removed", self.folder)
        elif not self.none_is_whole:
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

    def _take(self, variables: Iterable[tuple[str, Any]]) -> None:
        """Assigns what was loaded."""
        for name, variable in variables:
            if name in self.loaded:
                variable.assign(self.loaded[name])

    def _of_network(self) -> Iterator[tuple[str, Any]]:
        """Weights, seeds, and the states that layers keep themselves."""
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

    def _listen(self) -> None:
        """Lets the first signal end the run behind this update, the second at once."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            at_once = self.stop_requested or self.loses_nothing
            self.stop_requested = True  # if what raises here is caught by others
            if at_once:
                raise KeyboardInterrupt

        for number in (signal.SIGTERM, signal.SIGINT):
            self.handlers[number] = signal.signal(number, stop)


def _plain(layer: Any) -> list[Any]:
    """What a layer holds in attributes and lists of its own."""
    held = [v for k, v in vars(layer).items() if not k.startswith("_")]
    return [v for v in held if isinstance(v, (tf.Variable, list, tuple))]


def _of(arrays: Arrays, name: str) -> dict[str, np.ndarray]:
    start = f"{name}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _folder(run: str | Path) -> Path:
    return Path(run) / "checkpoints"
