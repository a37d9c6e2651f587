"""compute metrics of an artefact on labelled rows"""

import dataclasses
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tfnlp
from tfnlp.cli.parsing.command_line import Words, parse_open, unknown_flag
from tfnlp.cli.parsing.quality_gates import check_names, read_gates
from tfnlp.cli.parsing.request_fields import numbers
from tfnlp.cli.tensorflow_logs import load_tensorflow
from tfnlp.data.audit.findings import few, plural
from tfnlp.errors import DataError, UsageError
from tfnlp.recipes.reading import Reading

_SHOWN = ("scores", "intervals", "seconds", "rows", "versions")


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Computes metrics of an artefact on labelled rows.

    tfnlp evaluate saved_models/demo --data test.csv --text review --label class
    tfnlp evaluate saved_models/demo --data test.csv --gate accuracy=0.8 loss=0.5
    tfnlp evaluate saved_models/demo --data test.csv --gate 'log_loss<=0.5'

    There is one flag for each field of the rows, with the column that holds it: a
    name, a number counted from 1, or several joined with +. So --text names a column
    here, while `tfnlp predict --text` takes the texts themselves. A target may have
    several references: --target german1 german2. Running text is a plain file.

    A quality gate (--gate) is the lowest score that is accepted, or the highest for a
    score where lower is better (a loss, an error rate); >= and <= choose explicitly.
    The exit code is 4 if a score does not keep its gate, and 3 if the rows cannot be
    scored; rows without a label are left out with a warning.
    """

    artefact: str  # folder that a pipeline wrote
    data: str  # file, tfds:NAME or built-in set
    split: str | None = None  # of a set that comes with splits, e.g. test
    label_separator: str = ""  # between labels of a row; default: the artefact's
    batch_size: int = 256  # rows per step
    json: bool = False  # print JSON instead of text
    report: str | None = None  # folder for report.json, report.md and report.html
    gate: tuple[str, ...] = ()  # SCORE=BOUND, 'SCORE>=LOWEST' or 'SCORE<=HIGHEST'

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(
                f"--batch_size must be 1 or more. Received: {self.batch_size}."
            )


def main(words: Sequence[str]) -> None:
    """Evaluates the artefact, prints the report and checks the quality gates.

    Raises:
        DataError: the rows cannot be scored.
        GateError: a score does not keep its gate.
    """
    options, typed = parse_open(
        Options, words, positional=("artefact",), command="tfnlp evaluate"
    )
    gates = read_gates(options.gate)
    load_tensorflow()
    predictor = tfnlp.load(options.artefact)
    task = predictor.task
    if known := known_scores(predictor.path):
        check_names(gates, known)
    optional = {name for each in task.endpoints().values() for name in each.defaults}
    columns = chosen_columns(
        typed, [*task.inputs, *task.targets], optional=optional, several=("target",)
    )
    options = with_separator(options, getattr(task, "label_separator", None))
    network = predictor.network  # a damaged one is reported before a long read
    rows = options.read(options.data, columns, split=options.split)
    rows = task.completed(with_references(rows, columns))
    rows = checked(task, with_numbers(task, rows))
    for message in misaligned(options, columns):
        print(f"warning: {message}", file=sys.stderr)
    report = tfnlp.evaluate(task, network, rows, batch_size=options.batch_size)
    if options.report:
        report.save(options.report)
    if options.json:
        values = report.to_json()
        print(json.dumps({name: values[name] for name in _SHOWN}, indent=1))
    else:
        print(report)
    for gate in gates:
        gate.check(report.scores)


def misaligned(options: Options, columns: dict[str, str]) -> list[str]:
    """Warnings about annotated spans of the file that do not end at word ends."""
    from tfnlp.data.tagging import formats  # needs TensorFlow

    if not {"tokens", "tags"} <= columns.keys():
        return []
    return formats.misaligned(
        options.data, columns, format=options.format, encoding=options.encoding
    )


def known_scores(folder: Path) -> list[str]:
    """The scores in the report of a version; none if it has no report."""
    from tfnlp.export.savedmodel.artefact import SIDE_FILES  # needs TensorFlow

    try:
        report = json.loads((folder / SIDE_FILES / "report.json").read_text("utf-8"))
        return list(report["scores"])
    except (OSError, ValueError, LookupError, TypeError):
        return []


def with_separator(options: Options, own: str | None) -> Options:
    """The options with the label separator of the artefact's training.

    Raises:
        UsageError: the flag differs from it.
    """
    if options.label_separator and options.label_separator != own:
        knows = "has one label a row" if own is None else f"separates labels by {own!r}"
        raise UsageError(
            "--label_separator must be the artefact's own: "
            f"{options.artefact} {knows}. "
            f"Received: {options.label_separator!r}. Leave it out."
        )
    return dataclasses.replace(options, label_separator=own or ",")


def with_numbers(task: Any, rows: Any) -> Any:
    """The rows, with numbers in the fields where the task takes numbers.

    Raises:
        DataError: a value is no number.
    """
    from tfnlp.data.files.column_types import typed  # needs TensorFlow

    schema = {**task.inputs, **task.targets}
    return typed(rows, schema) if numbers(schema) else rows


def checked(task: Any, rows: Any) -> Any:
    """The rows that can be scored, after an audit; warnings go to standard error.

    The column ``label`` is compared with the task's `labels`, ``intent`` with its
    `intents`, and ``tags`` with its `tags`.

    Raises:
        DataError: all texts are empty, or no row has a label or a tag that the task
            knows.
    """
    from tfnlp.data.audit.gold_tags import oddities  # needs TensorFlow
    from tfnlp.specs import text_fields

    field, labels = _labels_of(task)
    separator = getattr(task, "label_separator", None)
    texts = text_fields(task.inputs)
    found = tfnlp.audit(
        rows,
        text_fields=texts,
        key_fields=[name for name in task.inputs if name not in texts],
        label_field=field,
        label_separator=separator,
    )
    _check_texts(found)
    warnings = list(found.warnings)
    if field is not None:
        warnings += _strange_labels(found, labels)
        rows = tfnlp.clean(rows, label_field=field, label_separator=separator)
    if {"tokens", "tags"} <= {*task.inputs, *task.targets}:
        scheme = getattr(task, "answer_scheme", None)
        warnings += oddities(rows, task.tags.entries, scheme=scheme)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return rows


def with_references(rows: Any, columns: Mapping[str, str]) -> Any:
    """Rows whose target columns are joined as references of one target."""
    from tfnlp.data import references  # needs TensorFlow

    fields = [name for name in columns if name.partition(" ")[0] == "target"]
    return references.joined(rows, fields) if len(fields) > 1 else rows


def chosen_columns(
    typed: Words,
    fields: Sequence[str],
    *,
    optional: Collection[str] = (),
    several: Collection[str] = (),
) -> dict[str, str]:
    """Field → column: the value of its flag, or its own name.

    Args:
        optional: fields that are left out if no flag names them.
        several: fields that may have several columns; each after the first is a
            field of its own, with a number.

    Raises:
        UsageError: a flag is no field, or has several values.

    Example:
    >>> chosen_columns({"label": ["class"]}, ["text", "label"])
    {'text': 'text', 'label': 'class'}
    >>> chosen_columns({"target": ["a", "b"]}, ["target"], several=["target"])
    {'target': 'a', 'target 1': 'b'}
    """
    for name, found in typed.items():
        if name not in fields:
            raise unknown_flag(name, [*fields, *Options.__dataclass_fields__])
        if not found or (len(found) > 1 and name not in several):
            raise UsageError(
                f"--{name} names one column. Received: {' '.join(found) or 'nothing'}. "
                "Join several columns with +, as in title+text."
            )
    chosen: dict[str, str] = {}
    for name in fields:
        if name in typed or name not in optional:
            for number, column in enumerate(typed.get(name, [name])):
                chosen[f"{name} {number}" if number else name] = column
    return chosen


def _labels_of(task: Any) -> tuple[str | None, Sequence[str]]:
    """The target that is a label of the whole row, and the labels of the task."""
    for field, name in (("label", "labels"), ("intent", "intents")):
        known = getattr(getattr(task, name, None), "entries", ())
        if known and field in task.targets:
            return field, known
    return None, ()


def _check_texts(found: Any) -> None:
    if not found.rows:
        raise DataError(
            "There must be at least one row to evaluate. Received: no rows. "
            "Check the file and its split."
        )
    if found.empty == found.rows:
        raise DataError(
            "Evaluation needs texts. "
            f"Received: {plural(found.rows)}, none with a text. "
            "Check which column holds the text."
        )


def _strange_labels(found: Any, known: Sequence[str]) -> list[str]:
    """A warning about labels that the task does not know, if any."""
    strange = {
        name: count for name, count in found.classes.items() if name not in set(known)
    }
    if len(strange) == len(found.classes):
        raise DataError(
            f"Evaluation needs labels that the task knows: {few(known)}. "
            f"Received: {few(list(strange)) or 'no label'} in {plural(found.rows)}. "
            "Check which column holds the label."
        )
    if not strange:
        return []
    return [
        f"{plural(sum(strange.values()))} with a label that the task does not know "
        f"and so never answers: {few(list(strange))}."
    ]
