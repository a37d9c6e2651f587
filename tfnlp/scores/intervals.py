"""Bootstrap confidence intervals, and the paired bootstrap test between two systems.

Any function from arrays to scores will do. An array is resampled only when the
function reads it, so that one it does not read (the texts, usually) costs nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

Arrays = Mapping[str, np.ndarray]
Function = Callable[[Arrays, Arrays], dict[str, float]]
"""From arrays of rows and of answers to scores, such as `Task.headline`."""

Draw = Callable[[np.ndarray], dict[str, float]]
"""From row numbers, int [N], to the scores of those rows."""


class Resample(Mapping[str, np.ndarray]):
    """A bootstrap sample of arrays; an array is copied when it is read.

    Example:
    >>> Resample({"label": np.array(["a", "b"], object)}, np.array([1, 1]))["label"]
    array(['b', 'b'], dtype=object)
    """

    def __init__(self, columns: Arrays, numbers: np.ndarray) -> None:
        self._columns = columns
        self._numbers = numbers

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name][self._numbers]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class Difference(NamedTuple):
    """The difference of two systems in one score, with its interval and p-value.

    `value` is second minus first on all rows, `low` and `high` its interval, and
    `p` the two-sided p-value of "there is no difference".
    """

    value: float
    low: float
    high: float
    p: float


def bootstrap(
    function: Function,
    rows: Arrays,
    answers: Arrays,
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """The percentile bootstrap confidence interval of each score.

    Efron and Tibshirani: An Introduction to the Bootstrap (1993), chapter 13.

    Args:
        function: from arrays of rows and of answers to scores.
        rows: arrays of the rows, first axis the row.
        answers: arrays of the answers, in the same order.
        repeats: number of bootstrap samples; each has as many rows, with replacement.
        seed: of the samples.
        level: confidence level of the interval.

    Returns:
        score → (low, high); nothing where there are no rows or no repeats. A
        score that a draw cannot define is taken over the other draws.

    Example:
    >>> rows, answers = {"x": np.array([0, 1])}, {"x": np.array([0, 0])}
    >>> same = lambda rows, answers: {"same": float(np.mean(rows["x"] == answers["x"]))}
    >>> bootstrap(same, rows, answers)
    {'same': (0.0, 1.0)}
    """

    def draw(numbers: np.ndarray) -> dict[str, float]:
        return function(Resample(rows, numbers), Resample(answers, numbers))

    size = count(rows, answers)
    return percentiles(draw, size, repeats=repeats, seed=seed, level=level)


def percentiles(
    draw: Draw,
    rows: int,
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """The intervals of `bootstrap`, from a function of row numbers.

    Args:
        draw: from the numbers of the drawn rows, int [rows], to scores.
        rows: number of rows to sample from.
        repeats, seed, level: as for `bootstrap`; the draws are the same.

    Example:
    >>> percentiles(lambda numbers: {"first": float(np.mean(numbers == 0))}, 2)
    {'first': (0.0, 1.0)}
    """
    draws: dict[str, list[float]] = {}
    for numbers in _draws(rows, repeats, seed):
        for name, value in draw(numbers).items():
            draws.setdefault(name, []).append(value)
    return {name: _interval(values, level) for name, values in draws.items()}


def paired(
    function: Function,
    rows: Arrays,
    first: Arrays,
    second: Arrays,
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Difference]:
    """Paired bootstrap test of two systems on the same rows.

    Both are scored on the same draws. The p-value is twice the smaller share of
    draws on either side of no difference, counted so that it is never zero
    (Davison and Hinkley: Bootstrap Methods and their Application, 1997).

    Args:
        function: from arrays of rows and of answers to scores.
        rows: arrays of the rows.
        first: arrays of the first system's answers.
        second: arrays of the second system's answers.
        repeats: number of bootstrap samples; each has as many rows, with replacement.
        seed: of the samples.
        level: confidence level of the interval.

    Example:
    >>> rows, wrong = {"x": np.ones(50)}, {"x": np.zeros(50)}
    >>> same = lambda rows, answers: {"same": float(np.mean(rows["x"] == answers["x"]))}
    >>> paired(same, rows, wrong, rows)["same"]
    Difference(value=1.0, low=1.0, high=1.0, p=0.001998001998001998)
    """

    def drawing(answers: Arrays) -> Draw:
        return lambda numbers: function(
            Resample(rows, numbers), Resample(answers, numbers)
        )

    return paired_draws(
        drawing(first),
        drawing(second),
        count(rows, first, second),
        repeats=repeats,
        seed=seed,
        level=level,
    )


def paired_draws(
    first: Draw,
    second: Draw,
    rows: int,
    *,
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Difference]:
    """The test of `paired`, from functions of row numbers.

    Args:
        first: from the numbers of the drawn rows to the first system's scores.
        second: the same of the second system.
        rows: number of rows to sample from.
        repeats, seed, level: as for `paired`; the draws are the same.

    Example:
    >>> zero, one = (lambda numbers: {"x": 0.0}), (lambda numbers: {"x": 1.0})
    >>> paired_draws(zero, one, 5, repeats=99)["x"]
    Difference(value=1.0, low=1.0, high=1.0, p=0.02)
    """
    if not rows:
        return {}
    every = np.arange(rows)
    whole = _differences(first(every), second(every))
    draws: dict[str, list[float]] = {name: [] for name in whole}
    for numbers in _draws(rows, repeats, seed):
        differences = _differences(first(numbers), second(numbers))
        for name in draws.keys() & differences.keys():
            draws[name].append(differences[name])
    return {
        name: Difference(whole[name], *_interval(values, level), _p_value(values))
        for name, values in draws.items()
        if values
    }


def count(*columns: Arrays) -> int:
    """The number of rows, the same in all arrays.

    Raises:
        ValueError: two arrays are of different length.

    Example:
    >>> count({"text": np.array(["a", "b"])}, {"label": np.array(["c", "d"])})
    2
    """
    lengths = {name: len(column) for each in columns for name, column in each.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "Arrays of rows and answers must be equally long. "
            f"Received: {lengths}. Answer every row once, in order."
        )
    return next(iter(lengths.values()), 0)


def _draws(rows: int, repeats: int, seed: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for _ in range(repeats if rows else 0):
        yield random.integers(0, rows, rows)


def _interval(values: list[float], level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _differences(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    return {name: second[name] - first[name] for name in first if name in second}


def _p_value(differences: list[float]) -> float:
    values = np.asarray(differences)
    side = min(np.sum(values <= 0), np.sum(values >= 0))
    return float(min(1.0, 2 * (side + 1) / (len(values) + 1)))
