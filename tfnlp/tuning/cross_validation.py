"""k-fold cross-validation, with deviations, intervals and a comparison of two recipes.

Each row is answered once, by a network whose training, vocabulary and early stopping
have not seen it. Two recipes are compared on the same folds.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.stats

from tfnlp.data import splits
from tfnlp.data.rows import digest
from tfnlp.errors import UsageError
from tfnlp.prediction import predict_with_targets
from tfnlp.scores.intervals import Draw, count, paired_draws, percentiles
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import counted, fit

LOG = logging.getLogger("tfnlp")
Learn = Callable[[Rows], Task]
"""Makes the task from training rows: its vocabulary, its classes."""
Build = Callable[[Task, Any], keras.Model]
"""Builds a network for a task from hyperparameters; see `tfnlp.fit`."""


class Fold(NamedTuple):
    """One fold: its scores, by a network that was trained on the other folds."""

    scores: Mapping[str, float]
    rows: int
    trained: int
    """Number of training rows."""
    draw: Draw
    """From numbers of its rows to scores."""
    digest: str
    """Of its rows: the same for the same rows in the same order."""


class Comparison(NamedTuple):
    """The difference of two recipes in one score.

    `value` is the mean over the folds of second minus first. `low`, `high` and `p`
    are of the paired bootstrap over rows: other rows, the same networks. `p_folds` is
    of the corrected t-test over folds: other training rows, too.
    """

    value: float
    low: float
    high: float
    p: float
    p_folds: float


@dataclass(frozen=True)
class CrossValidation:
    """The scores of all folds; printed, a table with means and deviations."""

    folds: Sequence[Fold]

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each score over the folds."""
        return {name: float(np.mean(values)) for name, values in self._by_name()}

    @property
    def deviation(self) -> dict[str, float]:
        """The standard deviation of each score between folds, of k - 1."""
        return {name: float(np.std(v, ddof=1)) for name, v in self._by_name()}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Bootstrap confidence intervals of the means, at 95 %."""
        return percentiles(self._draw, self._size)

    def compare(self, second: "CrossValidation") -> dict[str, Comparison]:
        """Compares with a second recipe on the same folds.

        The t-test is corrected for training rows that folds share (Nadeau & Bengio:
        Inference for the Generalization Error, 2003).

        Raises:
            UsageError: the folds are others.
        """
        mine, theirs = ([f.digest for f in each.folds] for each in (self, second))
        if mine != theirs:
            sizes = [[fold.rows for fold in each.folds] for each in (self, second)]
            folds = f"folds of {sizes[0]} and of {sizes[1]} rows"
            if sizes[0] == sizes[1]:
                folds = f"folds of {sizes[0]} rows each, but of other rows"
            raise UsageError(
                f"Two recipes are compared on the same folds. Received: {folds}. Give "
                "both the same rows, number of folds, label, group and seed of the "
                "folds: cross_validate(fold_seed=…)."
            )
        drawn = paired_draws(self._draw, second._draw, self._size)
        return {
            name: Comparison(*drawn[name], self._p_folds(second, name))
            for name in drawn
        }

    def __str__(self) -> str:
        rows = [
            (name, self.mean[name], self.deviation[name], *self.intervals[name])
            for name in self.mean
        ]
        lines = [f"{'score':<20} {'mean':>8} {'± between folds':>16}  95 % of the mean"]
        lines += [
            f"{name:<20} {mean:8.4f} {deviation:16.4f}  [{low:.4f}, {high:.4f}]"
            for name, mean, deviation, low, high in rows
        ]
        sizes = ", ".join(f"{fold.rows:,}" for fold in self.folds)
        return "\n".join([*lines, f"{len(self.folds)} folds of {sizes} rows"])

    @property
    def _size(self) -> int:
        return sum(fold.rows for fold in self.folds)

    def _by_name(self) -> Iterator[tuple[str, list[float]]]:
        for name in self.folds[0].scores:
            yield name, [fold.scores[name] for fold in self.folds]

    def _draw(self, numbers: np.ndarray) -> dict[str, float]:
        """The mean over folds of the scores of a bootstrap sample of all rows."""
        edges = np.cumsum([0, *(fold.rows for fold in self.folds)])
        found = []
        for fold, start, end in zip(self.folds, edges[:-1], edges[1:], strict=True):
            mine = numbers[(numbers >= start) & (numbers < end)] - start
            if mine.size:
                found.append(fold.draw(mine))
        return {name: float(np.mean([f[name] for f in found])) for name in found[0]}

    def _p_folds(self, second: "CrossValidation", name: str) -> float:
        pairs = zip(self.folds, second.folds, strict=True)
        differences = np.array([b.scores[name] - a.scores[name] for a, b in pairs])
        share = np.mean([fold.rows / fold.trained for fold in self.folds])
        spread = np.var(differences, ddof=1) * (1.0 / len(differences) + share)
        if not spread:
            return 1.0 if not differences.any() else 0.0
        t = differences.mean() / np.sqrt(spread)
        return float(2.0 * scipy.stats.t.sf(abs(t), len(differences) - 1))


def cross_validate(
    learn: Learn,
    build: Build,
    rows: Rows,
    k: int = 5,
    config: TrainConfig | None = None,
    *,
    field: str | Sequence[str] = "text",
    label: str | None = "label",
    group: str | None = None,
    valid: float = 0.1,
    fold_seed: int | None = None,
) -> CrossValidation:
    """k-fold cross-validation: trains k networks, each evaluated on the rows left out.

    Folds follow from a hash of the text: equal texts stay together, and the folds of
    the same rows are the same in every run.

    Args:
        learn: makes the task from the training rows of a fold, such as
            `Classification.from_rows`.
        build: makes the network for that task.
        rows: all of them, in memory or a stream.
        k: number of folds, at least 2.
        config: see `TrainConfig`.
        field: text field, or several: rows that agree in them stay together.
        label: field whose values each fold has the same share of; None for none.
        group: field whose values stay together, such as a document; with it, `label`
            is not used.
        valid: share of the training rows that are validation rows for early stopping,
            split in the same way.
        fold_seed: another one gives other folds; default: the seed of `config`. With
            the same one, networks of other seeds are compared on the same folds.

    Raises:
        UsageError: k is below 2, or `valid` is no share.
        SchemaError: rows lack the field, the label or the group.
        DataError: a fold has no row.
        TrainingError: see `tfnlp.fit`.

    Example:
    >>> found = cross_validate(  # doctest: +SKIP
    ...     Classification.from_rows,
    ...     lambda task, hp: task.network(bow.encoder(len(task.text.vocabulary))),
    ...     rows,
    ... )
    """
    if k < 2:
        raise UsageError(f"Cross-validation takes 2 folds or more. Received: k={k}.")
    config = config or TrainConfig()
    seed = config.seed if fold_seed is None else fold_seed

    def cut(part: Rows, shares: Sequence[float], use: str) -> tuple[Rows, ...]:
        # A hash for each use: else validation rows, or an earlier split of the rows,
        # would decide about folds.
        own = f"{use} {seed}"
        if group is None and label is not None:
            return splits.stratified(part, shares, label=label, field=field, seed=own)
        noun = "text" if group is None else "group"
        return splits.by_hash(
            part, shares, field=group or field, seed=own, even=True, noun=noun
        )

    sides = cut(rows, [1.0 / k] * k, "folds")
    folds = []
    for number, test in enumerate(sides):
        others = [side for side in sides if side is not test]
        rest = others[0]
        for side in others[1:]:
            rest = rest.concatenate(side)
        train, held_out = cut(rest, (1.0 - valid, valid), f"watched {number}")
        folds.append(_fold(learn, build, (train, held_out, test), config))
        scores = "  ".join(f"{n} {v:.4f}" for n, v in folds[-1].scores.items())
        LOG.info("fold %d/%d  %s", number + 1, k, scores)
    return CrossValidation(tuple(folds))


def _fold(
    learn: Learn, build: Build, sides: tuple[Rows, Rows, Rows], config: TrainConfig
) -> Fold:
    train, valid, test = sides
    task = learn(train)
    network = fit(task, lambda hp: build(task, hp), train, valid, config).network
    read, answered = predict_with_targets(task, network, test)
    draw = task.bootstrap(read, answered)
    size = count(read, answered)
    trained = int(counted(train).cardinality())
    return Fold(draw(np.arange(size)), size, trained, draw, digest(test))
