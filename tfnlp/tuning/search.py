"""Searches for good hyperparameters with KerasTuner, one `fit` a trial."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras_tuner

from tfnlp.errors import TrainingError, UsageError
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import Build, fit

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
        folder: where KerasTuner keeps its notes; a second call goes on there.

    Raises:
        UsageError: the method is unknown.
        TrainingError: no trial completed (trap M5: KerasTuner would return
            arbitrary values).
    """
    if method not in _ORACLES:
        raise UsageError(
            f"method must be one of {', '.join(_ORACLES)}. Received: {method!r}."
        )
    direction = "min" if "loss" in task.monitor else "max"
    oracle = _ORACLES[method](
        objective=keras_tuner.Objective(task.monitor, direction),
        max_trials=trials,
        seed=(config or TrainConfig()).seed,
    )
    tuner = _Tuner(oracle=oracle, directory=str(folder), project_name="trials")
    tuner.work = (task, build, train, valid, config)
    tuner.search()
    done = [t for t in oracle.trials.values() if t.status == "COMPLETED"]
    if not done:
        statuses = ", ".join(t.status for t in oracle.trials.values())
        raise TrainingError(
            "A search needs at least one completed trial. "
            f"Received: {statuses or 'no trial'}. Run build(Defaults()) through fit "
            "to see the error."
        )
    done.sort(key=lambda trial: trial.score, reverse=direction == "max")
    ranked = tuple((dict(t.hyperparameters.values), float(t.score)) for t in done)
    return Found(values=ranked[0][0], score=ranked[0][1], trials=ranked)


class _Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Runs `fit` for a trial and keeps no checkpoints."""

    work: tuple

    def run_trial(self, trial, *args, **kwargs):
        task, build, train, valid, config = self.work
        network = fit(
            task, lambda _: build(trial.hyperparameters), train, valid, config
        )
        logs = network.history.history[task.monitor]
        return {task.monitor: min(logs) if "loss" in task.monitor else max(logs)}
