"""Rows from standard input and answers to standard output, one at a time."""

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TextIO

from tfnlp.errors import DataError, SchemaError, UsageError, nearest

Format = Literal["auto", "jsonl", "csv", "tsv", "lines"]
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def open_stdin() -> TextIO:
    """Standard input as UTF-8 text, byte order mark dropped, line ends kept.

    Raises:
        UsageError: standard input is a terminal, or closed.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError(
            "Rows come from a flag or from standard input. Received: neither. "
            "Pass --text 'some text', or: tfnlp predict ARTEFACT < rows.jsonl"
        )
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace", newline="")
    return sys.stdin


def rows(
    lines: Iterable[str], fields: Sequence[str], *, form: Format = "auto"
) -> Iterator[dict[str, Any]]:
    """Reads rows and cuts them to the fields, without ever holding all of them.

    Args:
        lines: with their line ends, so that quoted fields may hold newlines.
        fields: what a request needs.
        form: ``auto`` takes JSONL if the first line starts like JSON; CSV or TSV if
            its columns hold a field; else, with one field, every line is a text.

    Raises:
        DataError: a line cannot be read.
        SchemaError: a row lacks a field.

    Example:
    >>> list(rows(["id,text\\n", '1,"good, really"\\n'], ["text"]))
    [{'text': 'good, really'}]
    >>> list(rows(['{"text": "good"}\\n'], ["text"]))
    [{'text': 'good'}]
    """
    lines = iter(lines)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    if form == "auto":
        form = _guess(first, fields)
    lines = itertools.chain([first], lines)
    if form == "jsonl":
        yield from _json_rows(lines, fields)
    elif form == "lines":
        yield from ({fields[0]: line.rstrip("\r\n")} for line in lines)
    else:
        yield from _table_rows(lines, fields, _DELIMITERS[form])


def write(answers: Iterable[Mapping[str, Any]]) -> None:
    """Writes answers to standard output as JSON lines, each as soon as it is there.

    Example:
    >>> write([{"label": "pos", "score": 0.8}, {"label": "naïve", "score": 0.9}])
    {"label": "pos", "score": 0.8}
    {"label": "naïve", "score": 0.9}
    """
    for answer in answers:
        line = json.dumps(answer, ensure_ascii=False)
        sys.stdout.write(line.encode("utf-8", "replace").decode() + "\n")
        sys.stdout.flush()


def _guess(first: str, fields: Sequence[str]) -> Format:
    if first.lstrip().startswith(('{"', "{ ", '"')) and _is_json(first):
        return "jsonl"
    for form, delimiter in (("tsv", "\t"), ("csv", ",")):
        columns = next(csv.reader([first], delimiter=delimiter))
        if set(fields) <= {column.strip() for column in columns}:
            return "tsv" if form == "tsv" else "csv"
    if len(fields) == 1:
        return "lines"
    raise SchemaError(
        f"Rows need the fields {', '.join(fields)}. "
        f"Received as first line: {first.strip()[:80]!r}. "
        "Send JSON lines, or a table whose first line names its columns."
    )


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _json_rows(lines: Iterable[str], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"Every line must be JSON. Received on line {number}: "
                f"{line.strip()[:80]!r}. Set --format if the rows are no JSON."
            ) from error
        if not isinstance(row, dict):
            row = {fields[0]: row} if len(fields) == 1 else {}
        yield _cut(row, fields, f"line {number}")


def _table_rows(
    lines: Iterable[str], fields: Sequence[str], delimiter: str
) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(sys.maxsize)  # a text may be longer than 128 KiB
    reader = csv.DictReader(lines, delimiter=delimiter)
    try:
        for row in reader:
            named = {(k or "").strip(): v for k, v in row.items() if v is not None}
            yield _cut(named, fields, f"line {reader.line_num}")
    except csv.Error as error:
        raise DataError(
            f"The table cannot be read. Received on line {reader.line_num}: {error}."
        ) from error


def _cut(row: Mapping[str, Any], fields: Sequence[str], where: str) -> dict[str, Any]:
    for name in fields:
        if name not in row:
            raise SchemaError(
                f"Every row needs the field {name!r}. Received on {where}: "
                f"{', '.join(row) or 'no fields'}.{nearest(name, row)}"
            )
    return {name: row[name] for name in fields}
