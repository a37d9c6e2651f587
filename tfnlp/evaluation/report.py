"""Evaluation reports: text on a terminal, JSON, Markdown and one page of HTML."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

from tfnlp.errors import TfnlpError
from tfnlp.evaluation import markdown, page
from tfnlp.evaluation.report_data import FILE, ReportData


@dataclass(frozen=True)
class Report(ReportData):
    """An evaluation report that can be rendered and saved; see `ReportData`.

    Example:
    >>> print(Report({"accuracy": 0.5}, {"accuracy": (0.4, 0.6)}, rows={"test": 90}))
    accuracy   0.5000  [0.4000, 0.6000]
    90 test rows
    """

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
