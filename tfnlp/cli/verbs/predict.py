"""predict with an artefact: texts or rows in, JSON lines out"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tfnlp
from tfnlp.cli.io import row_streams, stdin
from tfnlp.cli.io.input_formats import Form, names_in
from tfnlp.cli.io.progress import Counted, Progress, shown
from tfnlp.cli.parsing import request_fields
from tfnlp.cli.parsing.command_line import Words, parse_open, unknown_flag
from tfnlp.cli.tensorflow_logs import load_tensorflow
from tfnlp.errors import DataError, RequestError, UsageError
from tfnlp.recipes.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Answers the texts of its flags, or the rows of a file or of standard input.

    tfnlp predict saved_models/demo --text "A fine film." "A dull one."
    tfnlp predict saved_models/pairs --first "A cat sleeps." --second "A cat naps."
    tfnlp predict saved_models/demo < rows.jsonl > answers.jsonl
    tfnlp predict saved_models/demo --column text=review < reviews.csv
    tfnlp predict saved_models/demo --data reviews.csv.gz --column text=title+body
    tfnlp predict saved_models/names --tokens "Ann left New York"
    tfnlp predict saved_models/names --data test.conll

    There is one flag for each input of the artefact, whose values are the texts
    themselves, one for each row: --text "A fine film." (In `tfnlp evaluate` and in
    training, --text names a column; here --column text=NAME does.) Standard input is a
    table, JSON lines or plain lines; its format is detected from the first bytes, and
    rows are answered as they arrive. An artefact that takes texts or words gets what
    the rows have: a tagged file has words. Standard input may be larger than memory;
    progress goes to standard error.
    """

    artefact: str  # folder that a pipeline wrote, e.g. saved_models/demo
    data: str | None = None  # file, tfds:NAME or built-in set; default: standard input
    split: str | None = None  # of a set that comes with splits, e.g. test
    column: tuple[str, ...] = ()  # FIELD=COLUMN, a name or a number: text=review
    endpoint: str | None = None  # e.g. n_best; default: the first that fits
    batch_size: int = 256  # rows per step
    quiet: bool = False  # no progress

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size < 1:
            raise UsageError(
                f"--batch_size must be 1 or more. Received: {self.batch_size}."
            )
        if self.split is not None and self.data is None:
            raise UsageError(
                f"--split belongs to a named set. Received: --split {self.split} "
                "without --data. Add --data tfds:NAME, or leave it out."
            )

    def form(self) -> Form:
        """What the flags say about the format of standard input."""
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
        options.form()  # a wrong format is reported before anything is read
        file = stdin.open_stdin()
    load_tensorflow()
    predictor = tfnlp.load(options.artefact)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    if file is not None:
        return write_arriving(predictor, Counted(file), options)
    rows: Iterable[Mapping[str, Any]]
    named = [*typed, *request_fields.fields_named(options.column)]
    forms = request_fields.select_endpoints(predictor.forms(named), options.endpoint)
    if typed:
        known = request_fields.select_endpoints(predictor.endpoints, options.endpoint)
        check_known(typed, known)
        fields = request_fields.with_fields(forms, typed)
        rows = typed_rows(typed, fields)
        check_alone(options)
    else:
        rows = file_rows(forms, options)
    try:
        with Progress(quiet=bool(typed) or not shown(quiet=options.quiet)) as progress:
            answers = answered(predictor, rows, options, lambda: False)
            row_streams.write(progress.over(answers))
    except RequestError as error:
        if not typed:
            raise
        raise UsageError(str(error)) from error  # the value of a flag is wrong


def request_options(options: Options) -> dict[str, Any]:
    """Arguments of every request: batch size and endpoint."""
    endpoint = {} if options.endpoint is None else {"endpoint": options.endpoint}
    return {"batch_size": options.batch_size, **endpoint}


def write_arriving(predictor: Any, file: Counted, options: Options) -> None:
    """Answers standard input as it arrives, with progress."""
    with Progress(file.size, quiet=not shown(quiet=options.quiet)) as progress:
        answers = arriving_answers(predictor, file, options)
        row_streams.write(progress.over(answers, lambda: file.done))


def arriving_answers(
    predictor: Any, file: Counted, options: Options
) -> Iterator[Mapping[str, Any]]:
    """Answers the rows of a stream in batches: full ones, or all that have arrived."""
    lines = stdin.arriving(file, encoding=options.encoding)
    named = request_fields.fields_named(options.column)
    forms = request_fields.select_endpoints(predictor.forms(named), options.endpoint)
    fields = arriving_fields(forms, lines, options)
    columns = request_fields.columns(options.column, list(fields))
    rows = row_streams.rows(
        lines, columns, form=options.form(), numbers=request_fields.numbers(fields)
    )
    yield from answered(predictor, rows, options, lines.waits)


def answered(
    predictor: Any,
    rows: Iterable[Mapping[str, Any]],
    options: Options,
    waits: Callable[[], bool],
) -> Iterator[Mapping[str, Any]]:
    """Answers rows in batches; the rows before a bad one come first.

    Args:
        waits: whether the next row has not arrived.

    Raises:
        DataError: there is no row, or a bad one.
    """
    count = 0
    for batch in row_streams.batches(rows, options.batch_size, waits):
        count += len(batch)
        yield from predictor.stream(batch, **request_options(options))
    if not count:
        raise DataError(
            "There is at least one row to answer. Received: "
            f"{options.data or stdin.SOURCE}, which has none, only a header perhaps. "
            "Check how it was written."
        )


def arriving_fields(
    endpoints: Mapping[str, request_fields.Fields], lines: stdin.Lines, options: Options
) -> request_fields.Fields:
    """The fields of the first endpoint whose columns the first line has."""
    forms = request_fields.fitting(
        endpoints, request_fields.fields_named(options.column)
    )
    if len(forms) > 1 and lines.start.strip():
        wanted = [
            request_fields.columns(options.column, list(fields)) for fields in forms
        ]
        every = [column for columns in wanted for column in columns.values()]
        names = names_in(lines.start, options.form(), every, whole=lines.whole)
        for fields, columns in zip(forms, wanted, strict=True):
            if set(columns.values()) <= set(names):
                return fields
    return forms[0]


def file_rows(
    endpoints: Mapping[str, request_fields.Fields], options: Options
) -> Iterator[dict[str, Any]]:
    """Rows of a file or named set, with the fields of the artefact's requests."""
    forms = request_fields.fitting(
        endpoints, request_fields.fields_named(options.column)
    )
    if holds_words(str(options.data), options.format):
        forms = sorted(forms, key=request_fields.of_words, reverse=True)
    numbers = {k: v for form in forms for k, v in request_fields.numbers(form).items()}
    _, rows = request_fields.first_read(
        forms, options.column, lambda columns: read_rows(columns, numbers, options)
    )
    return rows


def read_rows(
    columns: request_fields.Columns, numbers: Mapping[str, type], options: Options
) -> Iterator[dict[str, Any]]:
    """Rows of a source: JSON as on standard input, other formats as in training.

    Raises:
        DataError: the source cannot be read; when rows are read also: a bad one.
        SchemaError: a column is missing.
    """
    from tfnlp.cli.io import json_files  # needs TensorFlow

    source = str(options.data)
    if options.split is None and json_files.holds(source, columns, options.format):
        encoding = options.encoding
        return json_files.rows(source, columns, encoding=encoding, numbers=numbers)
    rows = options.read(source, columns, split=options.split)
    return numbered(rows, list(columns), numbers)


def numbered(
    rows: Any, fields: Sequence[str], numbers: Mapping[str, type]
) -> Iterator[dict[str, Any]]:
    """Rows of Python strings, with numbers in numeric fields.

    Raises:
        DataError: a string is no number.
    """
    from tfnlp.data.rows import column_batches  # needs TensorFlow

    kinds = {name: kind for name, kind in numbers.items() if name in fields}
    count = 0
    for batch in column_batches(rows):
        for values in zip(*(batch[name] for name in fields), strict=True):
            count += 1
            row = dict(zip(fields, values, strict=True))
            for name, kind in kinds.items():
                row[name] = _number(row[name], name, kind, f"in row {count}")
            yield row


def holds_words(source: str, format: str | None) -> bool:
    """Whether a source holds tokenized words."""
    from tfnlp.data.datasets import named_sets
    from tfnlp.data.tagging import formats  # needs TensorFlow

    return not named_sets.is_named(source) and formats.holds_words(Path(source), format)


def check_known(typed: Words, endpoints: Mapping[str, request_fields.Fields]) -> None:
    """Checks that the flags are fields of one endpoint's requests.

    Raises:
        UsageError: a flag is no field, or two belong to different endpoints.
    """
    known = {name for fields in endpoints.values() for name in fields}
    for name in typed:
        if name not in known:
            raise unknown_flag(name, [*known, "recipe", *Options.__dataclass_fields__])
    if not any(typed.keys() <= fields.keys() for fields in endpoints.values()):
        forms = "; or ".join(
            ", ".join(f"--{name}" for name in fields) for fields in endpoints.values()
        )
        raise UsageError(
            f"A request has the flags {forms}. Received: "
            f"{', '.join(f'--{name}' for name in typed)}. Leave one of them out."
        )


def check_alone(options: Options) -> None:
    """Checks that no flags of files are given beside texts.

    Raises:
        UsageError: a flag is about a file or standard input.
    """
    plain = Options(
        artefact=options.artefact,
        batch_size=options.batch_size,
        endpoint=options.endpoint,
        quiet=options.quiet,
    )
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


def typed_rows(typed: Words, fields: request_fields.Fields) -> list[Mapping[str, Any]]:
    """Rows from the values of one flag for each field.

    Raises:
        UsageError: a flag is no field, a field has no flag, or counts differ.
        DataError: a value is no number where one is needed.

    Example:
    >>> fields = {"first": None, "second": None}
    >>> typed_rows({"first": ["a", "b"], "second": ["c", "d"]}, fields)
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
    columns: dict[str, list[Any]] = {name: typed[name] for name in fields}
    for name, kind in request_fields.numbers(fields).items():
        columns[name] = [_number(v, name, kind, f"--{name}") for v in columns[name]]
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _number(value: str | bytes, name: str, kind: type, where: str) -> Any:
    found = row_streams.number(value, kind)
    if found is None:
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        raise DataError(
            f"The field {name!r} holds {row_streams.HELD[kind]}. Received {where}: "
            f"{text[:60]!r}. Correct it."
        )
    return found
