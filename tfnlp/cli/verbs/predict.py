"""answer texts with an artefact, as JSON lines"""

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import tfnlp
from tfnlp.cli import stdin, streams
from tfnlp.cli.forms import Form
from tfnlp.cli.reading import Reading
from tfnlp.cli.recipes import Words, parse_open, unknown_flag
from tfnlp.errors import DataError, SchemaError, UsageError, nearest


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Answers the texts of its flags, or the rows of a file or of standard input.

    tfnlp predict saved_models/demo --text "A fine film." "A dull one."
    tfnlp predict saved_models/pairs --first "A cat sleeps." --second "A cat naps."
    tfnlp predict saved_models/demo < rows.jsonl > answers.jsonl
    tfnlp predict saved_models/demo --column text=review < reviews.csv
    tfnlp predict saved_models/demo --data reviews.csv.gz --column text=title+body

    There is one flag for each input of the artefact, with one value a row. Standard
    input is a table, JSON lines or plain lines; how it is written is detected from
    what arrives first, and rows are answered as they arrive.
    """

    artefact: str  # folder that a pipeline wrote, e.g. saved_models/demo
    data: str | None = None  # file, tfds:NAME or built-in set; default: standard input
    split: str | None = None  # of a set that comes with splits, e.g. test
    column: tuple[str, ...] = ()  # FIELD=COLUMN, a name or a number: text=review
    batch: int = 256  # rows answered at once

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise UsageError(f"--batch must be 1 or more. Received: {self.batch}.")
        if self.split is not None and self.data is None:
            raise UsageError(
                f"--split belongs to a named set. Received: --split {self.split} "
                "without --data. Add --data tfds:NAME, or leave it out."
            )

    def form(self) -> Form:
        """What is known of how standard input is written."""
        names = {field.name for field in dataclasses.fields(Form)} - {"chosen"}
        given = {name: getattr(self, name) for name in names}
        return Form(**given, chosen=bool(self.column))


def main(words: Sequence[str]) -> None:
    """Reads rows, answers them in batches and writes JSON lines to stdout."""
    options, typed = parse_open(
        Options, words, positional=("artefact",), command="tfnlp predict"
    )
    file = None
    if not typed and options.data is None:
        options.form()  # a form that standard input cannot have is told at once
        file = stdin.open_stdin()
    predictor = tfnlp.load(options.artefact)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    if file is not None:
        return streams.write(arriving_answers(predictor, file, options))
    rows: Iterable[Mapping[str, Any]]
    if typed:
        rows = typed_rows(typed, list(predictor.inputs))
        check_alone(options)
    else:
        rows = file_rows(predictor.inputs, options)
    streams.write(predictor.stream(rows, batch_size=options.batch))


def arriving_answers(
    predictor: Any, file: BinaryIO, options: Options
) -> Iterator[Mapping[str, Any]]:
    """Answers the rows of a stream: a full batch, or all that are there by now."""
    columns = chosen_columns(options.column, list(predictor.inputs))
    lines = stdin.arriving(file, encoding=options.encoding)
    rows = streams.rows(
        lines, columns, form=options.form(), numbers=numbers(predictor.inputs)
    )
    for batch in streams.batches(rows, options.batch, lines.waits):
        yield from predictor.stream(batch, batch_size=options.batch)


def file_rows(inputs: Mapping[str, Any], options: Options) -> Iterator[dict[str, Any]]:
    """Rows of a source that `tfnlp.read` knows, as an artefact takes them."""
    from tfnlp.data.rows import column_batches  # needs TensorFlow

    columns = chosen_columns(options.column, list(inputs))
    try:
        rows = options.read(str(options.data), columns, split=options.split)
    except SchemaError as error:
        raise SchemaError(f"{error} Write it --column FIELD=COLUMN.") from error
    count = 0
    for batch in column_batches(rows):
        for values in zip(*(batch[name] for name in columns), strict=True):
            count += 1
            row = dict(zip(columns, values, strict=True))
            for name in numbers(inputs):
                row[name] = _number(row[name], name, count)
            yield row


def chosen_columns(words: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """Field → column: its own name, or what ``--column`` says.

    Raises:
        UsageError: a word is not written FIELD=COLUMN, or names no field.

    Example:
    >>> chosen_columns(["second=3"], ["first", "second"])
    {'first': 'first', 'second': '3'}
    """
    columns = {name: name for name in fields}
    for word in words:
        field, _, column = word.partition("=")
        if field not in columns or not column:
            raise UsageError(
                f"--column is written FIELD=COLUMN, with one of {', '.join(fields)}. "
                f"Received: {word!r}.{nearest(field, fields)} "
                f"Example: --column {fields[0]}=review"
            )
        columns[field] = column
    return columns


def numbers(inputs: Mapping[str, Any]) -> list[str]:
    """The fields that hold numbers, not text."""
    return [
        name
        for name, spec in inputs.items()
        if spec is not None and spec.dtype.name != "string"
    ]


def check_alone(options: Options) -> None:
    """Checks that nothing is said about a file where texts are typed.

    Raises:
        UsageError: a flag is about a file or standard input.
    """
    plain = Options(artefact=options.artefact, batch=options.batch)
    others = [
        f"--{field.name}"
        for field in dataclasses.fields(Options)
        if getattr(options, field.name) != getattr(plain, field.name)
    ]
    if others:
        raise UsageError(
            "Texts come from their flags, or from a file or standard input. "
            f"Received both: texts, and {', '.join(others)}. Leave one of them out."
        )


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
            raise unknown_flag(name, [*fields, "recipe", *Options.__dataclass_fields__])
    counts = {name: len(typed.get(name, [])) for name in fields}
    if len(set(counts.values())) != 1 or not all(counts.values()):
        received = ", ".join(f"--{name} {count}" for name, count in counts.items())
        raise UsageError(
            "Every input of the artefact needs its flag, and all the same number of "
            f"values. Received numbers of values: {received}."
        )
    columns = [typed[name] for name in fields]
    return [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]


def _number(value: bytes, name: str, count: int) -> float:
    found = streams.number(value)
    if found is None:
        raise DataError(
            f"The field {name!r} holds numbers. Received in row {count}: "
            f"{value.decode('utf-8', 'replace')[:60]!r}. Correct that row."
        )
    return found
