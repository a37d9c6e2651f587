"""Sources as rows: one entry, `read`, and one public function a format.

A source is a path, a data set of TensorFlow Datasets (`tfds:NAME[:split]`) or the
name of a built-in set. What a file does not say about itself is detected, unless
it is given. Every value becomes a string; which of them are labels, a task knows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfnlp.data.datasets import named_sets
from tfnlp.data.files import folders, parallel, pronunciations, tables
from tfnlp.data.files.columns import Column, ColumnNames, Table, named, select
from tfnlp.data.files.tables import Ragged
from tfnlp.data.rows import Separator, from_list, from_table
from tfnlp.data.tagging import formats
from tfnlp.errors import DataError, UsageError, nearest
from tfnlp.specs import Rows

__all__ = [
    "Column",
    "ColumnNames",
    "csv",
    "folder",
    "from_list",
    "jsonl",
    "lines",
    "parquet",
    "read",
    "splits_of",
    "tfds",
]

_PLAIN = ("csv", "jsonl", "parquet", "lines", "folder", "parallel", "cmudict")
FORMATS = (*_PLAIN, *formats.FORMATS)
_BY_ENDING = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    pronunciations.ENDING: "cmudict",
}


def read(
    source: str | Path,
    columns: ColumnNames,
    *,
    split: str | None = None,
    optional: Sequence[str] = (),
    format: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    quoting: bool | None = None,
    encoding: str | None = None,
    ragged: Ragged = "error",
    label_separator: Separator = ",",
) -> Rows:
    """Reads any source as rows of strings.

    Args:
        source: a path, `tfds:NAME[:split]`, or a built-in name.
        columns: field → column: a name, a number counted from 1, or several
            joined with `+`, as in `{"text": "title+description"}`.
        split: of a data set that comes with splits; see `splits_of`.
        optional: fields left out of the rows where their column is missing.
        format: one of `FORMATS`, by default detected from the name's ending.
        delimiter, header, quoting, encoding, ragged: see `csv`.
        label_separator: joins the items of a JSON or Parquet value that is a list; also
            field → what joins those of its values.

    Raises:
        DataError: the source cannot be read.
        SchemaError: a column is missing.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "films.csv"
    >>> _ = path.write_text("review;sentiment\\nso good;pos\\nso bad;neg\\n")
    >>> rows = read(path, {"text": "review", "label": 2})
    >>> [(row["text"], row["label"]) for row in rows.as_numpy_iterator()]
    [(b'so good', b'pos'), (b'so bad', b'neg')]
    """
    if named_sets.is_named(str(source)):
        return named_sets.named_rows(
            str(source), columns, split=split, optional=optional
        )
    path = _existing(source, columns)
    _check_no_split(path, split)
    table = _table(
        path,
        format_of(path, columns, format),
        columns,
        encoding,
        delimiter=delimiter,
        header=header,
        quoting=quoting,
        ragged=ragged,
    )
    picked = select(columns, table, optional=optional)
    return from_table(table, picked, separator=label_separator)


def splits_of(source: str | Path) -> tuple[str, ...]:
    """The named splits of a source, such as train, valid and test; none for a file.

    Example:
    >>> splits_of("reviews.csv")
    ()
    """
    return (
        named_sets.split_names(str(source)) if named_sets.is_named(str(source)) else ()
    )


def csv(
    path: str | Path,
    columns: ColumnNames,
    *,
    optional: Sequence[str] = (),
    delimiter: str | None = None,
    header: bool | None = None,
    quoting: bool | None = None,
    encoding: str | None = None,
    ragged: Ragged = "error",
) -> Rows:
    """Reads delimited text: CSV, TSV, with or without header, quotes and gzip.

    Args:
        delimiter: one character, or a name such as `tab`; detected if not given.
        header: whether the first line names the columns. If not given: yes where
            columns go by name, else see `tfnlp.data.files.dialect.detect_header`.
        quoting: whether fields may stand in quotes; detected if not given.
        encoding: a name that Python knows; detected if not given. Bytes that do
            not fit become U+FFFD, which the audit counts.
        ragged: what to do with a record that has too many or too few fields. The
            default is an error that names the line, since such a record usually
            means a wrong delimiter or quoting, and its label stands in the wrong
            column; `skip` leaves it out, `keep` fills it up or cuts it.

    Raises:
        DataError: the file cannot be read, is empty, or has an uneven record.
        SchemaError: a column is missing.
    """
    return read(
        path,
        columns,
        format="csv",
        optional=optional,
        delimiter=delimiter,
        header=header,
        quoting=quoting,
        encoding=encoding,
        ragged=ragged,
    )


def jsonl(
    path: str | Path,
    columns: ColumnNames,
    *,
    optional: Sequence[str] = (),
    encoding: str | None = None,
    label_separator: str = ",",
) -> Rows:
    """Reads JSON: an object a line, or one list of objects.

    Raises:
        DataError: a line is not a JSON object; the message names it.
        SchemaError: none of the first 1,000 objects has a key that is needed.
    """
    return read(
        path,
        columns,
        format="jsonl",
        optional=optional,
        encoding=encoding,
        label_separator=label_separator,
    )


def parquet(
    path: str | Path,
    columns: ColumnNames,
    *,
    optional: Sequence[str] = (),
    label_separator: str = ",",
) -> Rows:
    """Reads a Parquet file.

    Raises:
        DataError: the file is no Parquet file.
        SchemaError: a column is missing.
    """
    return read(
        path,
        columns,
        format="parquet",
        optional=optional,
        label_separator=label_separator,
    )


def lines(path: str | Path, *, encoding: str | None = None) -> Rows:
    """Reads plain lines as rows with one field, `text`.

    Raises:
        DataError: the file is empty or not text.
    """
    return read(path, {"text": "text"}, format="lines", encoding=encoding)


def folder(path: str | Path, *, encoding: str | None = None) -> Rows:
    """Reads a folder with a sub-folder a class as rows of `text` and `label`.

    Raises:
        DataError: there are no sub-folders with files.
    """
    columns = {"text": "text", "label": "label"}
    return read(path, columns, format="folder", encoding=encoding)


def tfds(name: str, columns: ColumnNames, *, split: str = "train") -> Rows:
    """Reads one split of a set of TensorFlow Datasets; classes become their names.

    Raises:
        DataError: there is no such set or split, or no network to download it.
        SchemaError: a column is missing, or is no string or number.
    """
    return named_sets.named_rows(f"{named_sets.PREFIX}{name}", columns, split=split)


def _existing(source: str | Path, columns: ColumnNames) -> Path:
    path = Path(source).expanduser()
    if path.exists() or parallel.holds(path, columns):
        return path
    beside = path.parent
    if not beside.is_dir():
        raise DataError(
            f"A source is an existing file or folder. Received: {str(source)!r}; "
            f"there is no folder {str(beside)!r} either. Check the path."
        )
    names = [entry.name for entry in beside.iterdir()]
    raise DataError(
        "A source is an existing file or folder, `tfds:NAME`, or one of "
        f"{', '.join(named_sets.builtin_names())}. Received: {str(source)!r}."
        f"{nearest(path.name, [*names, *named_sets.builtin_names()])} Check the path."
    )


def _check_no_split(path: Path, split: str | None) -> None:
    if split is not None:
        raise DataError(
            "Only a named data set has splits. "
            f"Received: split {split!r} of {path}. Leave it out, or give the file "
            "that holds that split."
        )


def format_of(path: Path, columns: ColumnNames, given: str | None = None) -> str:
    """Format detection: how a file is read, from its name and beginning.

    Args:
        columns: field → column; those of words and tags decide what JSON holds.
        given: the format, where it is known.

    Raises:
        UsageError: there is no such format.

    Example:
    >>> format_of(Path("reviews.jsonl.gz"), {"text": "review"})
    'jsonl'
    """
    if given is not None and given not in FORMATS:
        raise UsageError(
            f"A format is one of {', '.join(FORMATS)}. Received: {given!r}."
            f"{nearest(given, FORMATS)} Leave it out to detect it from the name."
        )
    sentences = given if given in formats.FORMATS else None
    if sentences or (given is None and (sentences := formats.format_of(path, columns))):
        return sentences
    if given is None and parallel.holds(path, columns):
        return "parallel"
    if path.is_dir() and given != "parallel":
        return "folder"
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    guess = "lines" if list(columns.values()) == ["text"] else "csv"
    return given or _BY_ENDING.get(ending, guess)


def _table(
    path: Path, format: str, columns: ColumnNames, encoding: str | None, **style: Any
) -> Table:
    if format == "csv":
        return tables.delimited(path, wanted=named(columns), encoding=encoding, **style)
    if format == "parquet":
        return tables.parquet(path)
    if format in formats.FORMATS:
        return formats.table(path, format, columns, encoding=encoding)
    if format == "parallel":
        return parallel.table(path, columns, encoding=encoding)
    makers = {"jsonl": tables.json_lines, "lines": tables.lines}
    makers["cmudict"] = pronunciations.table
    return makers.get(format, folders.classes)(path, encoding=encoding)
