"""Hyperparameter search with KerasTuner: of a network, or of anything that trains.

A search that was killed resumes in its folder, and tries nothing twice. With the
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
from tfnlp.scores.directions import Direction, direction
from tfnlp.scores.figures import Cell, Curve, Figure, Table
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import Build, fit
from tfnlp.tuning.search_manifest import TRIALS, SearchManifest

LOG = logging.getLogger("tfnlp")
Method = Literal["random", "bayesian", "hyperband", "grid"]
RunTrial = Callable[[Any, int], float]
"""Of (hyperparameters, epochs): trains with them and returns the score."""
Space = Callable[[Any], Any]
"""Declares all hyperparameters on its argument, and trains nothing."""


class Grid(keras_tuner.oracles.GridSearchOracle):
    """KerasTuner's grid search, which finds its place again when it resumes."""

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
_NOT_IN_MANIFEST = frozenset(
    "epochs seed strategy report_to checkpoint_seconds cache".split()
)
"""Fields of `TrainConfig` that `search` records itself, or that change no score."""
_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
    "grid": Grid,
}


@dataclass(frozen=True)
class SearchResult:
    """The result of a hyperparameter search; printed, a table of its trials.

    Attributes:
        values: the best hyperparameters; ``Defaults(values)`` rebuilds the network.
        score: the best value of the objective.
        trials: (values, score) of every completed trial, best first.
        failed: number of trials that ended with an error.
    """

    values: dict[str, Any]
    score: float
    trials: tuple[tuple[dict[str, Any], float], ...]
    failed: int = 0

    def figures(self, name: str) -> tuple[Figure, ...]:
        """Figures for a report: trials with their hyperparameters, best first.

        Args:
            name: of the objective.
        """
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (score, *values) for score, values in self._rows()
        )
        places = tuple(range(1, len(rows) + 1))
        scores = tuple(score for _, score in self.trials)
        return (
            Curve("Trials, best first", "trial", name, ((name, places, scores),)),
            Table("Hyperparameters", (name, *self.values), rows),
        )

    def __str__(self) -> str:
        lines = [("score", *self.values)]
        lines += [(f"{score:.4f}", *values) for score, values in self._rows()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(w) for cell, w in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )

    def _rows(self) -> Iterator[tuple[float, list[str]]]:
        """Score of each trial and its hyperparameters as text, best first."""
        for values, score in self.trials:
            yield score, [_short(values.get(name)) for name in self.values]


def tune(
    task: Task,
    build: Build,
    train: Rows,
    valid: Rows,
    config: TrainConfig | None = None,
    *,
    max_trials: int = 10,
    method: Method = "random",
    folder: str | Path = "runs/search",
) -> SearchResult:
    """Hyperparameter tuning of a network: the best validation score decides.

    Args:
        build: takes hyperparameters from its argument, like the one of `fit`; also
            called once before the trials.
        config: see `TrainConfig`; the score that it monitors is the objective.
        max_trials, method, folder: see `search`.

    Raises:
        UsageError: the method is unknown, or the folder has trials of another task,
            other rows or another `config`.
        TrainingError: no trial completed.
    """
    settings = config or TrainConfig()
    monitor, mode = settings.monitor_and_mode(task.monitor)

    def run_trial(hp: Any, epochs: int) -> float:
        limited = dataclasses.replace(settings, epochs=epochs)
        trained = fit(task, lambda _: build(hp), train, valid, limited)
        return best(trained.history[monitor], mode)

    return search(
        run_trial,
        objective=monitor,
        epochs=settings.epochs,
        space=build,
        max_trials=max_trials,
        method=method,
        folder=folder,
        seed=settings.seed,
        fixed=_fixed(task, settings) | {"rows": train, "validation rows": valid},
    )


def search(
    run_trial: RunTrial,
    *,
    epochs: int,
    space: Space,
    objective: str = "score",
    mode: Direction | None = None,
    max_trials: int = 10,
    method: Method = "random",
    folder: str | Path = "runs/search",
    seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
) -> SearchResult:
    """Hyperparameter search over anything that trains and returns a score.

    Args:
        run_trial: trains with the hyperparameters of a trial and returns the score.
            Its errors fail the trial; three failed ones in a row end the search.
        epochs: of a trial, at most.
        space: declares all hyperparameters; called once, before the trials.
        objective: name of the score.
        mode: ``min`` if lower scores are better, ``max`` if higher ones are; KerasTuner
            calls this `direction`. Default: by the name of the objective, see
            `tfnlp.scores.directions`.
        max_trials: number of trials, at most; `hyperband` decides by itself.
        method: ``random``; ``bayesian``; ``hyperband``, which trains many trials for a
            few epochs and a few of them for all (Li et al. 2018); or ``grid``. All but
            hyperband try the defaults first.
        folder: where KerasTuner writes, a small file a trial. A second call resumes
            there, also with a larger `max_trials`, if all else is the same.
        seed: of the hyperparameters that are drawn.
        fixed: what else the score depends on, by name: JSON values, or rows. It is
            compared when a search resumes.

    Returns:
        The trials so far; in a worker of a shared search those that have completed.

    Raises:
        UsageError: the method is unknown, or the folder has trials of another
            objective, space, method, seed or other `fixed` values.
        TrainingError: no trial completed (docs/traps.md#m5: KerasTuner would return
            arbitrary values).
    """
    mode = mode or direction(objective)
    if method not in _ORACLES:
        raise UsageError(
            f"method must be one of {', '.join(_ORACLES)}. Received: {method!r}."
        )
    known = keras_tuner.HyperParameters()
    space(known)
    facts = {"objective": objective, "mode": mode, "method": method}
    facts |= {"epochs": epochs, "seed": seed} | _declared(known)
    manifest = SearchManifest(folder, {**facts, **(fixed or {})})
    manifest.check()
    if not _is_worker():
        manifest.write()
    options: dict[str, Any] = {"max_trials": max_trials}
    if method == "hyperband":
        options = {"max_epochs": max(2, epochs), "hyperparameters": known}
    oracle = _ORACLES[method](
        objective=keras_tuner.Objective(objective, mode), seed=seed, **options
    )
    with _quiet():
        tuner = _Tuner(oracle=oracle, directory=str(folder), project_name=TRIALS)
        tuner.work, tuner.manifest = (run_trial, objective, epochs), manifest
        try:
            tuner.search(verbose=0)
        except RuntimeError as error:  # several trials failed one after another
            LOG.warning("The search ended early: %s", _last_line(str(error)))
    tried = list(oracle.trials.values())
    if _is_worker():  # the trials are in the oracle of the chief
        tried = tuner.oracle.get_best_trials(_ALL)
    done = [trial for trial in tried if trial.status == "COMPLETED"]
    if not done and _is_worker():
        return SearchResult({}, float("nan"), ())
    if not done:
        raise _no_completed_trial(tried)
    done.sort(key=lambda trial: trial.score, reverse=mode == "max")
    ranked = tuple((_values(trial), float(trial.score)) for trial in done)
    return SearchResult(
        values=ranked[0][0],
        score=ranked[0][1],
        trials=ranked,
        failed=sum(trial.status in ("FAILED", "INVALID") for trial in tried),
    )


def best(scores: Collection[float], mode: Direction) -> float:
    """The best of the scores of all epochs.

    Example:
    >>> best([0.3, 0.1], "min"), best([0.3, 0.1], "max")
    (0.1, 0.3)
    """
    return min(scores) if mode == "min" else max(scores)


def _fixed(task: Task, config: TrainConfig) -> dict[str, Any]:
    """What the score of a network depends on besides hyperparameters and rows."""
    packed = json.dumps(pack(task), sort_keys=True, default=str)
    training = {
        f"training.{name}": value
        for name, value in dataclasses.asdict(config).items()
        if name not in _NOT_IN_MANIFEST
    }
    return {"task": hashlib.sha256(packed.encode()).hexdigest()[:16], **training}


def _declared(known: Any) -> dict[str, Any]:
    """Each hyperparameter of the space, with its range or choices."""
    declared = (each["config"] for each in known.get_config()["space"])
    return {f"space {config.pop('name')}": config for config in declared}


def _is_worker() -> bool:
    """Whether this process takes its trials from a chief."""
    own = os.environ.get("KERASTUNER_TUNER_ID", "chief")
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in own


def _values(trial: Any) -> dict[str, Any]:
    """The hyperparameters of a trial, without those that hyperband adds."""
    values = trial.hyperparameters.values.items()
    return {name: value for name, value in values if not name.startswith("tuner/")}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps KerasTuner off stdout, and hides its deprecation warnings."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "", DeprecationWarning, "keras_tuner")
        yield


def _no_completed_trial(trials: Collection[Any]) -> TrainingError:
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
    """Runs trials and keeps no checkpoints."""

    work: tuple[RunTrial, str, int]
    manifest: SearchManifest

    def on_search_begin(self) -> None:
        """Compares the manifest of the chief, if there is one, before any trial."""
        self.oracle.get_space()  # the chief answers once it has written the manifest
        self.manifest.check()

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        run_trial, objective, epochs = self.work
        hp = trial.hyperparameters
        score = run_trial(hp, int(hp.values.get("tuner/epochs", epochs)))
        LOG.info(
            "trial %s  %s %.4f  %s", trial.trial_id, objective, score, _values(trial)
        )
        return {objective: score}
