"""The Markdown report: the tables of the HTML report, without its pictures."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tfnlp.evaluation.report_data import ReportData
from tfnlp.scores.figures import Bars, Figure, Highlights, Matrix, Piece, Table

WIDEST = 12
"""Classes of the largest matrix that is still readable as a table."""


def render(report: ReportData) -> str:
    """Writes a report as Markdown.

    Example:
    >>> print(render(ReportData({"accuracy": 0.5})))
    # Report
    <BLANKLINE>
    | score | value | 95 % interval |
    | --- | --- | --- |
    | accuracy | 0.5000 |  |
    <BLANKLINE>
    """
    sections = ["# Report", table(("score", "value", "95 % interval"), scores(report))]
    for figure in report.figures:
        drawn = _figure(figure)
        sections += [f"## {escape(figure.title)}", drawn] if drawn else []
    for title, values in facts(report):
        sections += [f"## {title}", table(("", ""), values)]
    return "\n\n".join(sections) + "\n"


def scores(report: ReportData) -> Iterator[tuple[str, str, str]]:
    """Name, value and interval of each score as text, headline scores first."""
    for name in report.ordered():
        low_high = report.intervals.get(name)
        spread = f"{low_high[0]:.4f} – {low_high[1]:.4f}" if low_high else ""
        yield name, f"{report.scores[name]:.4f}", spread


def facts(report: ReportData) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections that are lists of names and values, those that are not empty."""
    sections = {
        "Rows": report.rows,
        "Seconds": report.seconds,
        "Cost": report.cost,
        "Data audit": report.audit,
        "Environment": report.versions,
        "Recipe": report.recipe,
    }
    return [(title, list(flat(values))) for title, values in sections.items() if values]


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of nested values, as text.

    Example:
    >>> list(flat({"size": 0.001, "training": {"epochs": 3, "global_clipnorm": None}}))
    [('size', '0.001'), ('training.epochs', '3'), ('training.global_clipnorm', 'none')]
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif _is_list_of_mappings(value):
            numbered = {str(number): part for number, part in enumerate(value, start=1)}
            yield from flat(numbered, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", text(value)


def text(value: Any) -> str:
    """Formats a value for a reader.

    Example:
    >>> text(12345), text(0.123456), text(True), text((1, 2)), text(None)
    ('12,345', '0.1235', 'yes', '1, 2', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value))
    return str(value)


def cell(value: Any) -> str:
    """Formats a value of a table column: floats below 100 with four decimals.

    Example:
    >>> cell(0.9), cell(12), cell("a film")
    ('0.9000', '12', 'a film')
    """
    if isinstance(value, float) and abs(value) < 100:
        return f"{value:.4f}"
    return text(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Writes cells as a Markdown table.

    Example:
    >>> print(table(("text",), [("a|b",)]))
    | text |
    | --- |
    | a\\|b |
    """
    lines = [columns, ["---"] * len(columns), *([cell(c) for c in row] for row in rows)]
    escaped = [[escape(each) for each in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def escape(words: str) -> str:
    """Escapes Markdown marks, HTML tags and line ends.

    Example:
    >>> escape("<b> and [x]")
    '&lt;b> and \\\\[x\\\\]'
    """
    spaced = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|])", r"\\\1", spaced)


def marked(pieces: Iterable[Piece]) -> str:
    """A text with its marks in brackets.

    Example:
    >>> marked([("to ", "", False), ("Rome", "LOC", True)])
    'to [Rome LOC]'
    """
    return "".join(f"[{text} {label}]" if label else text for text, label, _ in pieces)


def _figure(figure: Figure) -> str:
    if isinstance(figure, Table):
        return table(figure.columns, figure.rows)
    if isinstance(figure, Bars):
        rows = zip(figure.names, figure.values, strict=True)
        return table((figure.x_label, figure.y_label), rows)
    if isinstance(figure, Matrix) and len(figure.labels) <= WIDEST:
        corner = f"{figure.y_label} ↓ {figure.x_label} →"
        labels = zip(figure.labels, figure.counts, strict=True)
        lines = [(label, *counts) for label, counts in labels]
        return table((corner, *figure.labels), lines)
    if isinstance(figure, Highlights) and figure.rows:
        names = [name or "text" for name, _ in figure.rows[0]]
        return table(names, [[marked(p) for _, p in lines] for lines in figure.rows])
    return ""


def _is_list_of_mappings(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(part, Mapping) for part in value)
    )
