"""Converts signature outputs into one dictionary per row, without padding.

A list is padded to the longest of its batch with "" or 0. Padding is removed here, so
a row reads the same whatever else is in its batch (the conformance suite compares
answers in the same way). Lists of numbers only stay as they are: a real 0 cannot be
distinguished from padding. Knows no task: the shapes of the signature say which
columns are lists, their names say which of them belong together.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from tfnlp.task import Arrays

SPAN = "span_"
"""Prefix of lists that hold the parts of spans: `span_types` of `spans`."""
SPANS = "spans"

_ORDER = (SPANS, "tokens", "tags", "starts", "ends", "scores")
_PARTS = ("text", "type", "start", "end", "score")


def rows(columns: Arrays, lists: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Converts columns to one dictionary of plain Python values per row.

    Two groups of lists are trimmed together: those that begin with `SPAN`, and all
    others. A row of a group ends at the last position where one of its lists is
    neither "" nor 0. A group without text is not trimmed.

    Args:
        columns: name → array whose first axis is the row.
        lists: columns whose second axis is padded to the longest row.

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
    values = {name: _plain(name, column) for name, column in columns.items()}
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


def _plain(name: str, column: np.ndarray) -> list[Any]:
    """Nested lists of str, int and float, and of bytes if the name ends in _bytes."""
    if column.dtype == object and not name.endswith("_bytes"):
        decode = np.vectorize(lambda b: b.decode("utf-8", "replace"), otypes=[object])
        column = decode(column) if column.size else column
    return column.tolist()


def _lengths(columns: list[np.ndarray]) -> list[int]:
    """The length of each row in lists that belong together."""
    if not columns:
        return []
    width = max(column.shape[1] for column in columns)
    used = np.zeros((len(columns[0]), width + 1), bool)
    used[:, 0] = True  # so that argmax finds one
    for column in columns:
        filled = column != (b"" if column.dtype == object else 0)
        filled = filled.any(axis=tuple(range(2, filled.ndim)))
        used[:, 1 : 1 + column.shape[1]] |= filled
    return (width - used[:, ::-1].argmax(axis=1)).tolist()


def _merged(parts: Mapping[str, list[list[Any]]]) -> list[list[dict[str, Any]]]:
    """Lists of parts as a list of dictionaries, for each row."""
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
