"""Figures of reports as plain data: matrices, heat maps, curves, bars, tables, texts.

A task makes these, the report renders them, and neither knows the other. Every
value is a string, a number or a tuple, so a figure is also JSON.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

Cell = str | int | float
Series = tuple[str, tuple[float, ...], tuple[float, ...]]
"""One line of a curve: name, x values, y values."""
Piece = tuple[str, str, bool]
"""A piece of a text, the label of its mark ("" for none), whether that is wrong."""
Line = tuple[str, tuple[Piece, ...]]
"""The name of a line, such as gold, and its text in pieces."""


@dataclass(frozen=True)
class Matrix:
    """Counts of pairs, for example of gold labels (down) and answers (across).

    Args:
        title: what the counts say.
        labels: the names of the rows, and of the columns in the same order.
        counts: one tuple a row, as long as there are labels.

    Example:
    >>> Matrix("Confusion", ("ham", "spam"), ((9, 1), (0, 5))).to_json()["counts"]
    [[9, 1], [0, 5]]
    """

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    x_label: str = "answered"
    y_label: str = "gold"

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


@dataclass(frozen=True)
class Curve:
    """One or more lines over a common scale.

    Args:
        title: what the lines say.
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        series: `(name, xs, ys)` for each line.
        diagonal: also draws the line where both scales are equal.

    Example:
    >>> Curve("Loss", "epoch", "loss", (("train", (1, 2), (0.7, 0.4)),)).title
    'Loss'
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    diagonal: bool = False

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


@dataclass(frozen=True)
class Bars:
    """One number for each name.

    Args:
        title: what the numbers say.
        x_label: what the names are.
        y_label: what the numbers count.
        names: one a bar.
        values: one a bar.
        upright: the names are steps of a scale, drawn from left to right;
            otherwise they are words, drawn below one another.

    Example:
    >>> Bars("Rows", "class", "rows", ("ham", "spam"), (10, 5)).to_json()["kind"]
    'Bars'
    """

    title: str
    x_label: str
    y_label: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    upright: bool = False

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


@dataclass(frozen=True)
class Table:
    """Rows of cells under the names of their columns.

    Example:
    >>> Table("Errors", ("text", "score"), (("a film", 0.9),)).to_json()["rows"]
    [['a film', 0.9]]
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


@dataclass(frozen=True)
class Highlights:
    """Texts with pieces of them marked, a text in one line or in several.

    Args:
        title: what the texts are.
        rows: the lines of each text; several show the same text with other marks.
        note: how the marks are to be read.

    Example:
    >>> gold = ("gold", (("to ", "", False), ("Rome", "LOC", True)))
    >>> Highlights("Errors", ((gold, ("answered", (("to Rome", "", False),))),)).title
    'Errors'
    """

    title: str
    rows: tuple[tuple[Line, ...], ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


@dataclass(frozen=True)
class Heat:
    """A weight for each pair of two lists, such as what was attended to.

    Args:
        title: what the weights say.
        rows: the names of the rows, from above.
        columns: the names of the columns.
        weights: one tuple a row, as long as there are columns; none is below zero.
        x_label: what the columns are.
        y_label: what the rows are.

    Example:
    >>> Heat("Attention", ("Hund",), ("a", "dog"), ((0.1, 0.9),)).to_json()["weights"]
    [[0.1, 0.9]]
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    x_label: str = "source"
    y_label: str = "answered"

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, its kind included."""
        return _to_json(self)


Figure = Matrix | Curve | Bars | Table | Highlights | Heat
KINDS: dict[str, type[Figure]] = {
    "Matrix": Matrix,
    "Curve": Curve,
    "Bars": Bars,
    "Table": Table,
    "Highlights": Highlights,
    "Heat": Heat,
}


def from_json(values: dict[str, Any]) -> Figure:
    """Builds a figure from its `to_json`.

    Example:
    >>> table = Table("Errors", ("text",), (("a film",),))
    >>> from_json(table.to_json()) == table
    True
    """
    fields = {name: _frozen(value) for name, value in values.items() if name != "kind"}
    return KINDS[values["kind"]](**fields)


def _to_json(figure: Figure) -> dict[str, Any]:
    return {"kind": type(figure).__name__} | _thawed(dataclasses.asdict(figure))


def _thawed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _thawed(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_thawed(part) for part in value]
    return value


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
