"""Searches for good settings with KerasTuner: of a network, or of anything else.

A search that was killed goes on in its folder, and tries nothing twice. With the
environment variables of KerasTuner's chief and workers (`KERASTUNER_TUNER_ID`,
`KERASTUNER_ORACLE_IP`, `KERASTUNER_ORACLE_PORT`) several processes share one search.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras_tuner

from tfnlp.errors import TrainingError, UsageError
from tfnlp.saving import pack
from tfnlp.scores.figures import Cell, Curve, Figure, Table
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import Build, fit
from tfnlp.tuning.search_manifest import TRIALS, Notes

LOG = logging.getLogger("tfnlp")
Method = Literal["random", "bayesian", "hyperband", "grid"]
Try = Callable[[Any, int], float]
"""Asks its first argument for settings, trains for so many epochs at most, and returns
the score."""
Space = Callable[[Any], Any]
"""Asks its argument for all settings there are, and trains nothing."""


class Grid(keras_tuner.oracles.GridSearchOracle):
    """KerasTuner's grid, which finds its place again when a search goes on."""

    def reload(self) -> None:
        """Reads the trials back, and puts them into the order of the grid."""
        super().reload()
        order = functools.cmp_to_key(self._compare)
        done = sorted(
            self.trials,
            key=lambda name: order(self.trials[name].hyperparameters.values),
        )
        for name in done:
            self._ordered_ids.insert(name)
        self._populate_next = done


_ALL = 1_000_000
_ELSEWHERE = frozenset(
    "epochs seed strategy report_to checkpoint_seconds cache".split()
)
"""Of a `TrainConfig`: what `explore` notes itself, and what changes no score."""
_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
    "grid": Grid,
}


@dataclass(frozen=True)
class Found:
    """The outcome of a search; printed, a table of its trials.

    Attributes:
        values: the best settings; ``Defaults(values)`` rebuilds the network.
        score: the best score.
        trials: (values, score) of every completed trial, best first.
        failed: how many trials ended with an error.
    """

    values: dict[str, Any]
    score: float
    trials: tuple[tuple[dict[str, Any], float], ...]
    failed: int = 0

    def figures(self, name: str) -> tuple[Figure, ...]:
        """What a report draws: trials with their settings, best first.

        Args:
            name: of the score.
        """
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (score, *settings) for score, settings in self._rows()
        )
        places = tuple(range(1, len(rows) + 1))
        scores = tuple(score for _, score in self.trials)
        return (
            Curve("Trials, best first", "trial", name, ((name, places, scores),)),
            Table("Settings", (name, *self.values), rows),
        )

    def __str__(self) -> str:
        lines = [("score", *self.values)]
        lines += [(f"{score:.4f}", *settings) for score, settings in self._rows()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(w) for cell, w in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )

    def _rows(self) -> Iterator[tuple[float, list[str]]]:
        """Score and settings of each trial, these as text, in the order of the best."""
        for values, score in self.trials:
            yield score, [_short(values.get(name)) for name in self.values]


def search(
    task: Task,
    build: Build,
    train: Rows,
    valid: Rows,
    config: TrainConfig | None = None,
    *,
    trials: int = 10,
    method: Method = "random",
    folder: str | Path = "runs/search",
) -> Found:
    """Tries settings of ``build`` and returns those with the best held-out score.

    Args:
        build: asks its argument for hyperparameters, like the one of `fit`; called
            once before the trials, too.
        config: see `TrainConfig`; what it watches is the score.
        trials, method, folder: see `explore`.

    Raises:
        UsageError: the method is unknown, or the folder has trials of another task,
            other rows or another `config`.
        TrainingError: no trial completed.
    """
    settings = config or TrainConfig()
    monitor, direction = settings.watched(task.monitor)

    def attempt(hp: Any, epochs: int) -> float:
        limited = dataclasses.replace(settings, epochs=epochs)
        network = fit(task, lambda _: build(hp), train, valid, limited)
        return best(network.history.history[monitor], direction)

    return explore(
        attempt,
        name=monitor,
        direction=direction,
        epochs=settings.epochs,
        space=build,
        trials=trials,
        method=method,
        folder=folder,
        seed=settings.seed,
        common=_common(task, settings) | {"rows": train, "held-out rows": valid},
    )


def explore(
    attempt: Try,
    *,
    direction: Literal["min", "max"],
    epochs: int,
    space: Space,
    name: str = "score",
    trials: int = 10,
    method: Method = "random",
    folder: str | Path = "runs/search",
    seed: int = 0,
    common: Mapping[str, Any] | None = None,
) -> Found:
    """Tries settings of anything that trains, and returns those with the best score.

    Args:
        attempt: trains with settings and returns the score. Its errors fail the
            trial; three failed ones in a row end the search.
        direction: whether small scores are good, or large ones.
        epochs: of a trial, at most.
        space: asks for all settings; called once, before the trials.
        name: of the score, for the logs.
        trials: how many settings are tried, at most; `hyperband` decides by itself.
        method: ``random``; ``bayesian``; ``hyperband``, which gives many settings a
            few epochs and a few of them all (Li et al. 2018); or ``grid`` for one
            setting after another. All but hyperband try the defaults first.
        folder: where KerasTuner keeps its notes, a small file a trial; a second call
            goes on there, also with more `trials`, if all else is as it was.
        seed: of the settings.
        common: what else the score depends on, by names for messages: JSON values, or
            rows.

    Returns:
        The outcome; to a worker of a shared search, what has completed by then.

    Raises:
        UsageError: the method is unknown, or the folder has trials of another score,
            space, method or seed, or what is `common` differs.
        TrainingError: no trial completed (trap M5: KerasTuner would return
            arbitrary values).
    """
    if method not in _ORACLES:
        raise UsageError(
            f"method must be one of {', '.join(_ORACLES)}. Received: {method!r}."
        )
    known = keras_tuner.HyperParameters()
    space(known)
    began = {"score": name, "direction": direction, "method": method}
    began |= {"epochs": epochs, "seed": seed} | _listed(known)
    notes = Notes(folder, {**began, **(common or {})})
    notes.check()
    if not _is_worker():
        notes.write()
    options: dict[str, Any] = {"max_trials": trials}
    if method == "hyperband":
        options = {"max_epochs": max(2, epochs), "hyperparameters": known}
    oracle = _ORACLES[method](
        objective=keras_tuner.Objective(name, direction), seed=seed, **options
    )
    with _polite():
        tuner = _Tuner(oracle=oracle, directory=str(folder), project_name=TRIALS)
        tuner.work, tuner.notes = (attempt, name, epochs), notes
        try:
            tuner.search(verbose=0)
        except RuntimeError as error:  # several trials failed one after another
            LOG.warning("The search ended early: %s", _last_line(str(error)))
    tried = list(oracle.trials.values())
    if _is_worker():  # `oracle` has seen nothing: the chief's has
        tried = tuner.oracle.get_best_trials(_ALL)
    done = [trial for trial in tried if trial.status == "COMPLETED"]
    if not done and _is_worker():
        return Found({}, float("nan"), ())
    if not done:
        raise _nothing_completed(tried)
    done.sort(key=lambda trial: trial.score, reverse=direction == "max")
    ranked = tuple((_settings(trial), float(trial.score)) for trial in done)
    return Found(
        values=ranked[0][0],
        score=ranked[0][1],
        trials=ranked,
        failed=sum(trial.status in ("FAILED", "INVALID") for trial in tried),
    )


def best(scores: Collection[float], direction: str) -> float:
    """The best of the scores of all epochs.

    Example:
    >>> best([0.3, 0.1], "min"), best([0.3, 0.1], "max")
    (0.1, 0.3)
    """
    return min(scores) if direction == "min" else max(scores)


def _common(task: Task, config: TrainConfig) -> dict[str, Any]:
    """What decides the score of a network besides its settings and rows."""
    packed = json.dumps(pack(task), sort_keys=True, default=str)
    training = {
        f"training.{name}": value
        for name, value in dataclasses.asdict(config).items()
        if name not in _ELSEWHERE
    }
    return {"task": hashlib.sha256(packed.encode()).hexdigest()[:16], **training}


def _listed(known: Any) -> dict[str, Any]:
    """Each setting that is asked for, with what it can be."""
    asked = (each["config"] for each in known.get_config()["space"])
    return {f"space {config.pop('name')}": config for config in asked}


def _is_worker() -> bool:
    """Whether the trials of this process come from a chief."""
    own = os.environ.get("KERASTUNER_TUNER_ID", "chief")
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in own


def _settings(trial: Any) -> dict[str, Any]:
    """The values of a trial without those of hyperband's own."""
    values = trial.hyperparameters.values.items()
    return {name: value for name, value in values if not name.startswith("tuner/")}


@contextlib.contextmanager
def _polite() -> Iterator[None]:
    """Keeps KerasTuner off stdout, and its use of old names to itself."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "", DeprecationWarning, "keras_tuner")
        yield


def _nothing_completed(trials: Collection[Any]) -> TrainingError:
    statuses = [trial.status for trial in trials]
    reason = next((_last_line(trial.message) for trial in trials if trial.message), "")
    return TrainingError(
        "A search needs at least one completed trial. "
        f"Received: {', '.join(statuses) or 'no trial'}. {reason} "
        "Run build(Defaults()) through fit to see the whole error."
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class _Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Runs an attempt for a trial and keeps no checkpoints."""

    work: tuple[Try, str, int]
    notes: Notes

    def on_search_begin(self) -> None:
        """Compares what the chief has noted, if there is one, before any trial."""
        self.oracle.get_space()  # an answer means that the chief has
        self.notes.check()

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        attempt, name, epochs = self.work
        hp = trial.hyperparameters
        score = attempt(hp, int(hp.values.get("tuner/epochs", epochs)))
        LOG.info("trial %s  %s %.4f  %s", trial.trial_id, name, score, _settings(trial))
        return {name: score}
