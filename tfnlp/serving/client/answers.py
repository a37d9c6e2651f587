"""Answers as a client reads them: the columns of a signature, a dictionary a row.

A list is as long as the longest of its batch; what fills up a shorter one, "" or 0,
is nothing (the conformance suite compares answers so), and is cut off here: a row
reads the same whatever was asked beside it. Numbers alone are left as they are, since
nothing tells a 0 from what fills up. Knows no task: which columns are lists,
the shapes of the signature say, and which of them belong together, their names.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from tfnlp.task import Columns

SPAN = "span_"
"""Lists whose names start so are the parts of things: `span_types` of `spans`."""
SPANS = "spans"

_ORDER = (SPANS, "tokens", "tags", "starts", "ends", "scores")
_PARTS = ("text", "type", "start", "end", "score")


def rows(columns: Columns, lists: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Turns columns into one dictionary of plain Python values a row.

    A row's list ends with the last place where one of the lists that belong together
    is neither "" nor 0: all those of `SPAN`, and all others. Where none of them has
    text, it is not cut.

    Args:
        columns: name → array whose first axis is the row.
        lists: those whose second axis is as long as the longest row.

    Example:
    >>> columns = {"tags": np.array([[b"X", b"O"], [b"O", b""]], object),
    ...            "span_types": np.array([[b"X"], [b""]], object),
    ...            "span_ends": np.array([[3], [0]])}
    >>> list(rows(columns, list(columns)))[1]
    {'spans': [], 'tags': ['O']}
    >>> next(rows(columns, list(columns)))["spans"]
    [{'type': 'X', 'end': 3}]
    """
    lists = [name for name in columns if name in lists]
    spans = [name for name in lists if name.startswith(SPAN)]
    values = {name: _plain(column) for name, column in columns.items()}
    for group in (spans, [name for name in lists if name not in spans]):
        if not any(columns[name].dtype == object for name in group):
            continue
        lengths = _lengths([columns[name] for name in group])
        for name in group:
            pairs = zip(values[name], lengths, strict=True)
            values[name] = [row[:length] for row, length in pairs]
    if spans:
        parts = {_singular(name): values.pop(name) for name in spans}
        values[SPANS] = _merged(dict(sorted(parts.items(), key=_place_of_part)))
        lists.append(SPANS)
    names = sorted(values, key=lambda name: _place(name) if name in lists else -1)
    for k in range(len(next(iter(values.values()), []))):
        yield {name: values[name][k] for name in names}


def _plain(column: np.ndarray) -> list[Any]:
    """Nested lists of str, int and float."""
    if column.dtype == object:
        decode = np.vectorize(lambda b: b.decode("utf-8", "replace"), otypes=[object])
        column = decode(column) if column.size else column
    return column.tolist()


def _lengths(columns: list[np.ndarray]) -> list[int]:
    """How long a row is, in lists that belong together."""
    if not columns:
        return []
    width = max(column.shape[1] for column in columns)
    used = np.zeros((len(columns[0]), width + 1), bool)
    used[:, 0] = True  # so that there is a last one
    for column in columns:
        filled = column != (b"" if column.dtype == object else 0)
        filled = filled.any(axis=tuple(range(2, filled.ndim)))
        used[:, 1 : 1 + column.shape[1]] |= filled
    return (width - used[:, ::-1].argmax(axis=1)).tolist()


def _merged(parts: Mapping[str, list[list[Any]]]) -> list[list[dict[str, Any]]]:
    """Lists of parts as a list of things, for each row."""
    return [
        [dict(zip(parts, each, strict=True)) for each in zip(*row, strict=True)]
        for row in zip(*parts.values(), strict=True)
    ]


def _singular(name: str) -> str:
    return name.removeprefix(SPAN).removesuffix("s")


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _place_of_part(part: tuple[str, Any]) -> int:
    return _PARTS.index(part[0]) if part[0] in _PARTS else len(_PARTS)
