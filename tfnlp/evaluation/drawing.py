"""Figures as inline SVG for the HTML report, with the fonts and theme of the page.

matplotlib places everything; the browser draws the letters, so that any script
that the reader's fonts know is readable. Colours are placeholders that become
variables of the style sheet, so that a picture follows the theme of the page.
"""

import io
import re
import unicodedata
import warnings

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from tfnlp.scores.figures import Bars, Curve, Heat, Matrix

COLOURS = {
    "#010001": "var(--ink)",
    "#010002": "var(--muted)",
    "#010003": "var(--line)",
    "#010004": "var(--accent)",
    "#010005": "var(--second)",
    "#010006": "var(--on-accent)",
}
INK, MUTED, LINE, ACCENT, SECOND, ON_ACCENT = COLOURS
SERIES = (ACCENT, SECOND, MUTED, INK)
STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "legend.frameon": False,
}
INCH = 72.0
LETTER = 5.8
"""Width in points of a letter of ten points, on average at most."""
SMALLEST = 0.6
"""The scale down to which a narrow page shrinks a picture; then it scrolls."""
LONGEST = 23
"""Characters of a name beside an axis; of a longer one both ends are kept."""


Drawn = Matrix | Heat | Curve | Bars
"""Figures that are pictures; others are tables and texts."""


def svg(figure: Drawn) -> str:
    """Draws a figure as one `<svg>` element.

    Example:
    >>> drawn = svg(Bars("Rows", "class", "rows", ("<b>", "新闻"), (1, 2)))
    >>> "&lt;b&gt;" in drawn, "新闻" in drawn, "<b>" in drawn
    (True, True, False)
    """
    style = STYLE | {"svg.hashsalt": figure.title}
    with rc_context(style), warnings.catch_warnings():
        # The browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = _canvas(figure)
        target = io.StringIO()
        canvas.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(target.getvalue(), figure.title, INCH * canvas.get_figwidth())


def shorten(name: str) -> str:
    """A name that fits beside an axis, without control characters.

    Example:
    >>> shorten("a very long name of class 17")
    'a very long na…class 17'
    """
    clean = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in name)
    return clean if len(clean) <= LONGEST else f"{clean[:14]}…{clean[-8:]}"


def _canvas(figure: Drawn) -> Canvas:
    if isinstance(figure, Matrix):
        return _matrix(figure)
    if isinstance(figure, Heat):
        return _heat(figure)
    if isinstance(figure, Curve):
        return _curve(figure)
    return _upright(figure) if figure.upright else _lying(figure)


def _matrix(figure: Matrix) -> Canvas:
    names = [shorten(label) for label in figure.labels]
    size = len(names)
    cell = max(22.0, min(60.0, 260.0 / size))
    upright = max(map(_width, names)) > cell - 6
    below = max(map(_width, names)) if upright else 12.0
    canvas, axes = _axes(
        cell * size, cell * size, left=max(map(_width, names)) + 34, below=below + 34
    )
    _cells(axes, figure.counts, cell)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    axes.set_xticks(range(size), names, rotation=90 if upright else 0)
    axes.set_yticks(range(size), names)
    axes.set(xlabel=figure.x_label, ylabel=figure.y_label)
    axes.tick_params(length=0)
    return canvas


def _cells(axes: Axes, counts: tuple[tuple[int, ...], ...], size: float) -> None:
    """The counts, each as dark as its share of its row."""
    squares, colours = [], []
    for y, row in enumerate(counts):
        for x, count in enumerate(row):
            share = count / max(sum(row), 1)
            squares.append(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96))
            colours.append((ACCENT, 0.1 + 0.9 * share) if count else (LINE, 0.25))
            if count and _width(str(count)) * 0.8 < size:
                colour = ON_ACCENT if share > 0.5 else INK
                axes.text(
                    x, y, str(count), size=8, color=colour, ha="center", va="center"
                )
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))


def _heat(figure: Heat) -> Canvas:
    """Weights as squares, the heaviest the darkest."""
    rows, columns = (list(map(shorten, each)) for each in (figure.rows, figure.columns))
    down, across = max(len(rows), 1), max(len(columns), 1)
    cell = max(11.0, min(26.0, 420.0 / max(down, across)))
    canvas, axes = _axes(
        cell * across,
        cell * down,
        left=max(map(_width, rows), default=0) + 34,
        below=max(map(_width, columns), default=0) + 34,
    )
    heaviest = max((max(row, default=0.0) for row in figure.weights), default=0.0) or 1
    places = [(x, y) for y in range(len(rows)) for x in range(len(columns))]
    squares = [Rectangle((x - 0.48, y - 0.48), 0.96, 0.96) for x, y in places]
    dark = [0.04 + 0.96 * figure.weights[y][x] / heaviest for x, y in places]
    colours = [(ACCENT, min(max(each, 0.0), 1.0)) for each in dark]
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))
    axes.set(xlim=(-0.5, across - 0.5), ylim=(down - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=figure.x_label, ylabel=figure.y_label)
    axes.tick_params(length=0)
    return canvas


def _curve(figure: Curve) -> Canvas:
    canvas, axes = _axes(300, 180, left=52, below=44)
    for number, (name, xs, ys) in enumerate(figure.series):
        colour = SERIES[number % len(SERIES)]
        mark = "o" if len(xs) <= 30 else ""
        axes.plot(xs, ys, color=colour, marker=mark, markersize=4, label=shorten(name))
    if figure.diagonal:
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
    axes.set_xlabel(figure.x_label)
    if figure.y_label != figure.title:
        axes.set_ylabel(figure.y_label)
    axes.grid(alpha=0.5, linewidth=0.6)
    if figure.x_label == "epoch":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(figure.series) > 1:
        axes.legend()
    return canvas


def _upright(figure: Bars) -> Canvas:
    canvas, axes = _axes(300, 180, left=52, below=44)
    axes.bar(range(len(figure.values)), figure.values, color=ACCENT, width=0.9)
    widest = max(map(_width, figure.names), default=0) + 8
    every = max(1, -(-int(widest * len(figure.names)) // 300))
    shown = range(0, len(figure.names), every)
    axes.set_xticks(shown, [figure.names[number] for number in shown])
    axes.set(xlabel=figure.x_label, ylabel=figure.y_label)
    return canvas


def _lying(figure: Bars) -> Canvas:
    names = [shorten(name) for name in figure.names]
    left = max(map(_width, names), default=0) + 12
    canvas, axes = _axes(300, 18 * max(len(names), 1), left=left, below=8, right=56)
    axes.barh(range(len(names)), figure.values, color=ACCENT, height=0.75)
    top = max(figure.values, default=0) or 1
    for place, value in enumerate(figure.values):
        axes.text(value + top * 0.015, place, f"{value:,}", size=9, va="center")
    axes.set(xlim=(0, top), ylim=(len(names) - 0.5, -0.5), xticks=[])
    axes.set_yticks(range(len(names)), names)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    return canvas


def _axes(
    width: float, height: float, *, left: float, below: float, right: float = 12
) -> tuple[Canvas, Axes]:
    """One pair of axes of a fixed size in points, with room around it."""
    above = 10.0
    whole = (left + width + right, below + height + above)
    canvas = Canvas(figsize=(whole[0] / INCH, whole[1] / INCH))
    place = (left / whole[0], below / whole[1], width / whole[0], height / whole[1])
    return canvas, canvas.add_axes(place)


def _width(text: str) -> float:
    """Points that a text of ten points takes; East Asian letters are wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return LETTER * len(text) + (10.0 - LETTER) * wide


def _inlined(drawn: str, title: str, width: float) -> str:
    """Only the element, with the page's colours and without names that clash."""
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"\n\s*", "\n", drawn)
    used = set(re.findall(r"#([\w-]+)", drawn))
    drawn = re.sub(
        r' id="([^"]*)"', lambda m: m.group(0) if m.group(1) in used else "", drawn
    )
    for colour, variable in COLOURS.items():
        drawn = drawn.replace(colour, variable)
    head = f'role="img" aria-label="{_quoted(title)}"'
    head += f' style="min-width: {SMALLEST * width:.0f}pt"'
    return drawn.replace("<svg ", f"<svg {head} ", 1)


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
