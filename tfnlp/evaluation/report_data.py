"""The data of an evaluation report: scores, confidence intervals, costs, versions.

Plain data, as JSON and as short text; it knows no task, and not how it is rendered.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from tfnlp.errors import ArtefactError
from tfnlp.scores import figures
from tfnlp.scores.figures import Figure

FILE = "report.json"


@dataclass(frozen=True)
class ReportData:
    """Scores of one network on one set of rows, and what produced them.

    Args:
        scores: name → number.
        intervals: score → (low, high), 95 % of the bootstrap draws.
        seconds: phase → seconds.
        cost: `tokens` trained on, `peak_memory` in bytes.
        rows: split → number of rows.
        versions: packages, platform and devices; see `tfnlp.evaluation.environment`.
        history: metric → its value after each epoch.
        figures: what is drawn; see `tfnlp.scores.figures`.
        recipe: flag → value of the script that ran.
        audit: what the audit of the data found.

    Example:
    >>> intervals = {"accuracy": (0.4, 0.6)}
    >>> print(ReportData({"accuracy": 0.5}, intervals, rows={"test": 90}))
    accuracy   0.5000  [0.4000, 0.6000]
    90 test rows
    """

    scores: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str | int] = field(default_factory=dict)
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [self._line(name) for name in self.ordered()]
        facts = [f"{count:,} {split} rows" for split, count in self.rows.items()]
        facts += [f"{name} {value:.1f} s" for name, value in self.seconds.items()]
        if "tokens" in self.cost:
            facts.append(f"{self.cost['tokens']:,} tokens trained on")
        if "peak_memory" in self.cost:
            facts.append(f"peak memory {self.cost['peak_memory'] / 1e9:.1f} GB")
        return "\n".join([*lines, " · ".join(facts)]).rstrip()

    def with_figures(self, *figures: Figure) -> Self:
        """The same report with more figures at the end.

        Example:
        >>> from tfnlp.scores.figures import Table
        >>> errors = Table("Errors", ("text",), (("a film",),))
        >>> more = ReportData({}).with_figures(errors)
        >>> [figure.title for figure in more.figures]
        ['Errors']
        """
        return dataclasses.replace(self, figures=(*self.figures, *figures))

    def ordered(self) -> list[str]:
        """The names of the scores, those with an interval first."""
        return sorted(self.scores, key=lambda name: name not in self.intervals)

    def to_json(self) -> dict[str, Any]:
        """The whole report as JSON values; what is no number is null.

        Example:
        >>> ReportData({"loss": float("nan")}).to_json()["scores"]
        {'loss': None}
        """
        values = {
            each.name: getattr(self, each.name) for each in dataclasses.fields(self)
        }
        values["figures"] = [figure.to_json() for figure in self.figures]
        return _plain(values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Builds the report from `to_json`; unknown keys are skipped."""
        known = {each.name for each in dataclasses.fields(cls)}
        parts = {name: value for name, value in values.items() if name in known}
        parts["scores"] = {
            name: math.nan if value is None else value
            for name, value in values["scores"].items()
        }
        parts["intervals"] = {
            name: (low, high)
            for name, (low, high) in parts.get("intervals", {}).items()
        }
        parts["figures"] = tuple(map(figures.from_json, parts.get("figures", [])))
        return cls(**parts)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a report.json, or the one in a folder.

        Raises:
            ArtefactError: there is no such file, or it holds no report.
        """
        file = Path(path) / FILE if Path(path).is_dir() else Path(path)
        try:
            return cls.from_json(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(
                f"A report is a {FILE} that tfnlp wrote. Received: {file} ({error}). "
                "Give the file, or the folder that holds it."
            ) from error

    def _line(self, name: str) -> str:
        line = f"{name:{max(map(len, self.scores))}}   {self.scores[name]:.4f}"
        if name not in self.intervals:
            return line
        low, high = self.intervals[name]
        return f"{line}  [{low:.4f}, {high:.4f}]"


def _plain(value: Any) -> Any:
    """Only what JSON knows: no tuple, no number of numpy, no NaN."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
