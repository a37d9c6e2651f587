"""The HTML report: one self-contained page with text, style and pictures.

Needs the extra `report` (jinja2 and matplotlib). Every text is
escaped by the template engine; only our own pictures go in as they are.
"""

import importlib.resources
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from tfnlp.errors import TfnlpError
from tfnlp.evaluation import markdown
from tfnlp.evaluation.report_data import ReportData
from tfnlp.scores.figures import Curve, Highlights, Table

TEMPLATE = "report.html.j2"
TINTS = 8
"""Colours of marks in the style sheet; of more labels, some look alike."""


def render(report: ReportData) -> str:
    """Writes a report as one page of HTML.

    Raises:
        TfnlpError: the extra `report` is not installed.
    """
    try:
        import jinja2

        from tfnlp.evaluation import drawing
    except ImportError as error:
        raise TfnlpError(
            "The page of a report needs jinja2 and matplotlib. "
            f"Received: {error}. "
            "Install them with: pip install 'tfnlp[report]'"
        ) from error
    source = importlib.resources.files("tfnlp.evaluation").joinpath(TEMPLATE)
    page = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    ).from_string(source.read_text("utf-8"))
    drawn = [each for each in report.figures if isinstance(each, drawing.Drawn)]
    texts = [figure for figure in report.figures if isinstance(figure, Highlights)]
    return page.render(
        title=_title(report),
        scores=list(markdown.scores(report)),
        headline=[line for line in markdown.scores(report) if line[2]],
        curves=[(c.title, drawing.svg(c)) for c in learning_curves(report.history)],
        pictures=[(figure.title, drawing.svg(figure)) for figure in drawn],
        tables=[figure for figure in report.figures if isinstance(figure, Table)],
        texts=[(figure, tints(figure)) for figure in texts],
        facts=markdown.facts(report),
        cell_text=markdown.cell,
    )


def learning_curves(history: Mapping[str, Sequence[float]]) -> list[Curve]:
    """Learning curves: one for each metric, training and validation together.

    Example:
    >>> [curve] = learning_curves({"loss": [0.7, 0.4], "val_loss": [0.6, 0.5]})
    >>> curve.title, [name for name, _, _ in curve.series]
    ('loss', ['training', 'validation'])
    """
    names = dict.fromkeys(name.removeprefix("val_") for name in history)
    return [
        Curve(name, "epoch", name, series)
        for name in names
        if (series := _series(name, history))
    ]


def tints(figure: Highlights) -> dict[str, int]:
    """The colour of each label, most frequent first; none where all marks are wrong.

    Example:
    >>> pieces = (("Rome", "LOC", True), ("Ann", "PER", False), ("Oslo", "LOC", False))
    >>> tints(Highlights("Errors", ((("gold", pieces),),)))
    {'LOC': 0, 'PER': 1}
    """
    marks = [
        (label, wrong)
        for lines in figure.rows
        for _, pieces in lines
        for _, label, wrong in pieces
        if label
    ]
    if all(wrong for _, wrong in marks):
        return {}
    labels = Counter(label for label, _ in marks).most_common()
    return {label: place % TINTS for place, (label, _) in enumerate(labels)}


def _series(name: str, history: Mapping[str, Sequence[float]]) -> tuple[Any, ...]:
    """The lines of one metric; epochs without a number are left out."""
    lines = []
    for title, key in (("training", name), ("validation", f"val_{name}")):
        values = enumerate(history.get(key, ()), start=1)
        points = [(epoch, v) for epoch, v in values if v is not None and isfinite(v)]
        if points:
            lines.append((title, *zip(*points, strict=True)))
    return tuple(lines)


def _title(report: ReportData) -> str:
    return str(report.recipe.get("name") or "Report")
