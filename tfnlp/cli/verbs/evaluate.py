"""score an artefact on labelled rows"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tfnlp
from tfnlp.cli.reading import Reading
from tfnlp.cli.recipes import Words, parse_open, unknown_flag
from tfnlp.errors import TfnlpError, UsageError, nearest

_SHOWN = ("scores", "intervals", "seconds", "rows", "versions")


class GateError(TfnlpError):
    """A score is below what `--gate` asks for."""

    exit_code = 4


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Scores an artefact on labelled rows.

    tfnlp evaluate saved_models/demo --data test.csv --text review --label class
    tfnlp evaluate saved_models/demo --data test.csv --gate accuracy=0.8

    There is one flag for each field of the rows, with the column that holds it: a
    name, a number counted from 1, or several joined with +.
    """

    artefact: str  # folder that a pipeline wrote
    data: str  # file, tfds:NAME or built-in set
    split: str | None = None  # of a set that comes with splits, e.g. test
    batch: int = 256  # rows answered at once
    json: bool = False  # print JSON instead of text
    report: str | None = None  # folder for report.json, report.md and report.html
    gate: tuple[str, ...] = ()  # lowest scores, e.g. accuracy=0.8; exit 4 below


def main(words: Sequence[str]) -> None:
    """Reads, answers and scores the rows, prints the report, checks the gates.

    Raises:
        GateError: a score is below its gate.
    """
    options, typed = parse_open(
        Options, words, positional=("artefact",), command="tfnlp evaluate"
    )
    gates = dict(_gate(text) for text in options.gate)
    predictor = tfnlp.load(options.artefact)
    task = predictor.task
    columns = chosen_columns(typed, [*task.inputs, *task.targets])
    rows = options.read(options.data, columns, split=options.split)
    report = tfnlp.evaluate(task, predictor.network, rows, batch_size=options.batch)
    if options.report:
        report.save(options.report)
    if options.json:
        values = report.to_json()
        print(json.dumps({name: values[name] for name in _SHOWN}, indent=1))
    else:
        print(report)
    check_gates(report.scores, gates)


def chosen_columns(typed: Words, fields: Sequence[str]) -> dict[str, str]:
    """Field → column: its own name, or what its flag says.

    Raises:
        UsageError: a flag is no field, or has several values.

    Example:
    >>> chosen_columns({"label": ["class"]}, ["text", "label"])
    {'text': 'text', 'label': 'class'}
    """
    for name, found in typed.items():
        if name not in fields:
            raise unknown_flag(name, [*fields, *Options.__dataclass_fields__])
        if len(found) != 1:
            raise UsageError(
                f"--{name} names one column. Received: {' '.join(found) or 'nothing'}. "
                "Join several columns with +, as in title+text."
            )
    return {name: typed.get(name, [name])[0] for name in fields}


def check_gates(scores: Mapping[str, float], gates: Mapping[str, float]) -> None:
    """Compares scores with the lowest that are accepted.

    Raises:
        UsageError: a gate names no score.
        GateError: a score is below its gate, or is not a number.
    """
    for name, lowest in gates.items():
        if name not in scores:
            raise UsageError(
                f"--gate names a score. Received: {name!r}.{nearest(name, scores)} "
                f"Scores: {', '.join(scores)}."
            )
        if not scores[name] >= lowest:
            raise GateError(
                f"{name} must be at least {lowest}. Received: {scores[name]:.4f}."
            )


def _gate(text: str) -> tuple[str, float]:
    name, _, lowest = text.partition("=")
    try:
        return name.strip(), float(lowest)
    except ValueError as error:
        raise UsageError(
            f"--gate is written SCORE=LOWEST. Received: {text!r}. "
            "Example: --gate accuracy=0.8"
        ) from error
