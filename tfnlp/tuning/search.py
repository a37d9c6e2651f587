"""Searches for good hyperparameters with KerasTuner, one `fit` a trial."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras_tuner

from tfnlp.errors import TrainingError, UsageError
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import Build, fit

LOG = logging.getLogger("tfnlp")
Method = Literal["random", "bayesian", "grid"]
_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "grid": keras_tuner.oracles.GridSearchOracle,
}


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes:
        values: the best hyperparameters; ``Defaults(values)`` rebuilds the network.
        score: the best value of what the task monitors.
        trials: (values, score) of every completed trial, best first.
    """

    values: dict[str, Any]
    score: float
    trials: tuple[tuple[dict[str, Any], float], ...]


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
        build: asks its argument for hyperparameters, like the one of `fit`.
        trials: how many settings are tried, at most.
        method: ``random``, ``bayesian``, or ``grid`` for one setting after another.
        folder: where KerasTuner keeps its notes; a second call goes on there. Not
            so for ``grid``, whose place it does not note: a second call gives what
            was found and tries nothing, so choose another folder for more trials.

    Raises:
        UsageError: the method is unknown.
        TrainingError: no trial completed (trap M5: KerasTuner would return
            arbitrary values).
    """
    if method not in _ORACLES:
        raise UsageError(
            f"method must be one of {', '.join(_ORACLES)}. Received: {method!r}."
        )
    monitor, direction = (config or TrainConfig()).watched(task.monitor)
    oracle = _ORACLES[method](
        objective=keras_tuner.Objective(monitor, direction),
        max_trials=trials,
        seed=(config or TrainConfig()).seed,
    )
    with _polite():
        tuner = _Tuner(oracle=oracle, directory=str(folder), project_name="trials")
        tuner.work = (task, build, train, valid, config)
        try:
            tuner.search(verbose=0)
        except RuntimeError as error:  # several trials failed one after another
            LOG.warning("The search ended early: %s", _last_line(str(error)))
    done = [t for t in oracle.trials.values() if t.status == "COMPLETED"]
    if not done:
        raise _nothing_completed(oracle.trials.values())
    done.sort(key=lambda trial: trial.score, reverse=direction == "max")
    ranked = tuple((dict(t.hyperparameters.values), float(t.score)) for t in done)
    return Found(values=ranked[0][0], score=ranked[0][1], trials=ranked)


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


class _Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Runs `fit` for a trial and keeps no checkpoints."""

    work: tuple

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        task, build, train, valid, config = self.work
        network = fit(
            task, lambda _: build(trial.hyperparameters), train, valid, config
        )
        monitor, direction = (config or TrainConfig()).watched(task.monitor)
        logs = network.history.history[monitor]
        best = min(logs) if direction == "min" else max(logs)
        values = trial.hyperparameters.values
        LOG.info("trial %s  %s %.4f  %s", trial.trial_id, monitor, best, values)
        return {monitor: best}
