"""What is known about a run: scores, how sure they are, and how they came about.

A report is plain data; it knows no task. It reads as short text on a terminal,
as JSON, as Markdown and as one page of HTML (`tfnlp.evaluation.page`).
"""

import dataclasses
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfnlp.errors import ArtefactError, TfnlpError
from tfnlp.evaluation import markdown, page
from tfnlp.scores import figures
from tfnlp.scores.figures import Figure

FILE = "report.json"


@dataclass(frozen=True)
class Report:
    """Scores of one network on one set of rows, and what produced them.

    Args:
        scores: name → number.
        intervals: score → (low, high), 95 % of the bootstrap draws.
        seconds: phase → seconds.
        cost: what it took besides: `tokens` trained on, `peak_memory` in bytes.
        rows: split → number of rows.
        versions: what it ran on; see `tfnlp.evaluation.environment`.
        history: what Keras' `fit` logged: name → one number an epoch.
        figures: what is drawn; see `tfnlp.scores.figures`.
        recipe: flag → value of the script that ran.
        audit: what the audit of the data found.

    Example:
    >>> print(Report({"accuracy": 0.5}, {"accuracy": (0.4, 0.6)}, rows={"test": 90}))
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

    def with_figures(self, *figures: Figure) -> "Report":
        """The same report with more to be drawn, behind what is drawn already.

        Example:
        >>> from tfnlp.scores.figures import Table
        >>> more = Report({}).with_figures(Table("Errors", ("text",), (("a film",),)))
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
        >>> Report({"loss": float("nan")}).to_json()["scores"]
        {'loss': None}
        """
        values = {
            each.name: getattr(self, each.name) for each in dataclasses.fields(self)
        }
        values["figures"] = [figure.to_json() for figure in self.figures]
        return _plain(values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Report":
        """Builds the report that `to_json` described; unknown keys are skipped."""
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
    def load(cls, path: str | Path) -> "Report":
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

    def markdown(self) -> str:
        """The report as Markdown, without pictures."""
        return markdown.render(self)

    def html(self) -> str:
        """The report as one page of HTML that needs nothing from anywhere.

        Raises:
            TfnlpError: the extra `report` is not installed.
        """
        return page.render(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Writes report.json, report.md and report.html, and returns their paths.

        Without the extra `report` the page is left out, with a warning.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            FILE: json.dumps(self.to_json(), indent=1, allow_nan=False),
            "report.md": self.markdown(),
        }
        try:
            texts["report.html"] = self.html()
        except TfnlpError as error:
            warnings.warn(str(error), stacklevel=2)
        for name, text in texts.items():
            (folder / name).write_bytes(text.encode("utf-8", "replace"))
        return [folder / name for name in texts]

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
