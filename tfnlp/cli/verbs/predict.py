"""answer texts with an artefact, as JSON lines"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tfnlp
from tfnlp.cli import streams
from tfnlp.cli.recipes import Words, parse_open, unknown_flag
from tfnlp.cli.streams import Format
from tfnlp.errors import UsageError


@dataclass(frozen=True)
class Options:
    """Answers the texts of its flags, or the rows on standard input.

    tfnlp predict saved_models/demo --text "A fine film." "A dull one."
    tfnlp predict saved_models/pairs --first "A cat sleeps." --second "A cat naps."
    tfnlp predict saved_models/demo < rows.csv > answers.jsonl

    There is one flag for each input of the artefact, with one value a row.
    """

    artefact: str  # folder that a pipeline wrote, e.g. saved_models/demo
    format: Format = "auto"  # of standard input
    batch: int = 256  # rows answered at once

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UsageError(f"--batch must be 1 or more. Received: {self.batch}.")


def main(words: Sequence[str]) -> None:
    """Reads rows, answers them in batches and writes JSON lines to stdout."""
    options, typed = parse_open(
        Options, words, positional=("artefact",), command="tfnlp predict"
    )
    lines = None if typed else streams.open_stdin()
    predictor = tfnlp.load(options.artefact)
    fields = list(predictor.inputs)
    if lines is None:
        rows: Any = typed_rows(typed, fields)
    else:
        rows = streams.rows(lines, fields, form=options.format)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    streams.write(predictor.stream(rows, batch_size=options.batch))


def typed_rows(typed: Words, fields: Sequence[str]) -> list[Mapping[str, str]]:
    """Rows out of one flag for each field.

    Raises:
        UsageError: a flag is no field, a field has no flag, or counts differ.

    Example:
    >>> typed_rows({"first": ["a", "b"], "second": ["c", "d"]}, ["first", "second"])
    [{'first': 'a', 'second': 'c'}, {'first': 'b', 'second': 'd'}]
    """
    for name in typed:
        if name not in fields:
            raise unknown_flag(name, [*fields, "format", "batch", "recipe"])
    counts = {name: len(typed.get(name, [])) for name in fields}
    if len(set(counts.values())) != 1 or not all(counts.values()):
        received = ", ".join(f"--{name} {count}" for name, count in counts.items())
        raise UsageError(
            "Every input of the artefact needs its flag, and all the same number of "
            f"values. Received numbers of values: {received}."
        )
    columns = [typed[name] for name in fields]
    return [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]
