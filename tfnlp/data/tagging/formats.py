"""Formats of tagged sentences: which there are, and which one a file is in.

How words and tags travel in a row is said in `tfnlp.data.tagging.sentences`. Every
format becomes a `Table`, so `tfnlp.data.readers.read` reads it like any other.
"""

import json
import re
from pathlib import Path
from typing import Any

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import ColumnNames, Table
from tfnlp.data.tagging import conll, propbank, sentences, slots, spans, token_lists

FORMATS = ("conll", "conllu", "slots", "spans", "tokens", "propbank")
COLUMNS: ColumnNames = {"tokens": "tokens", "tags": "tags"}
"""What is read if nothing else is said: the first and the last column of CoNLL."""

ENDINGS = {
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bmes": "conll",
    ".bioes": "conll",
    ".conllu": "conllu",
}
"""Ending of a name → format."""

_TABLES = (".csv", ".parquet", ".pq")
_TABBED = (".tsv", ".tab")
_GAP = re.compile(r"\n[ \t]*\n")
_JSON = (".jsonl", ".ndjson", ".json")


def format_of(path: Path, columns: ColumnNames) -> str | None:
    """The format of a tagged file; None if it is none, but a table for example.

    A name without a known ending is CoNLL if `tokens` or `tags` are wanted of it; a
    `.tsv` is where empty lines part its lines. JSON is known by the keys of its first
    object: `props`, the column of the tags, or a `text` with spans.

    Example:
    >>> format_of(Path("train.conllu.gz"), COLUMNS), format_of(Path("a.csv"), COLUMNS)
    ('conllu', None)
    """
    if slots.is_parallel(path):
        return "slots"
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    wanted = [str(columns[name]) for name in COLUMNS if name in columns]
    if not wanted or path.is_dir() or ending in _TABLES:
        return None
    if ending in _JSON:
        return _json_format(path, wanted[-1])
    return "conll" if ending not in _TABBED or _has_gaps(path) else None


def holds_words(path: Path, format: str | None = None) -> bool:
    """Whether a file holds sentences cut into words, whatever columns are wanted.

    Annotated texts (`spans`) have their text, which is what a request would carry.

    Args:
        format: how the file is written, if that is known.

    Example:
    >>> holds_words(Path("test.conllu")), holds_words(Path("reviews.csv"))
    (True, False)
    """
    if format is not None or not path.exists():
        return format in FORMATS or format_of(path, {}) is not None
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if format_of(path, {}) is not None:
        return True
    if path.is_dir() or ending in _TABLES:
        return False
    if ending in _JSON:
        return _json_format(path, "") != "spans"
    return _has_gaps(path) and _has_columns(path)


def holds_tags(path: Path, format: str | None = None) -> bool:
    """Whether a file looks like tagged sentences or texts with spans.

    Args:
        format: how the file is written, if that is known.

    Example:
    >>> holds_tags(Path("test.conllu")), holds_tags(Path("reviews.csv"))
    (True, False)
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if format is None and ending in _JSON and path.is_file():
        first = _first_object(path)
        return bool(first) and ("text" not in first or spans.has_spans(first))
    return holds_words(path, format)


def table(
    path: Path, format: str, columns: ColumnNames, *, encoding: str | None = None
) -> Table:
    """A tagged file as a table of sentences.

    Args:
        format: one of `FORMATS`.
        columns: field → column; only says which column of CoNLL has the tags.

    Raises:
        DataError: the file is empty, no text or not of that format.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.bmes"
    >>> _ = path.write_text("高 B-PER\\n勇 E-PER\\n")
    >>> next(table(path, "conll", COLUMNS).records())
    ['高 勇', 'B-PER E-PER']
    """
    if format == "conll":
        return conll.columns(path, tags=columns.get("tags"), encoding=encoding)
    makers = {"conllu": conll.universal, "slots": slots.parallel}
    makers |= {"spans": spans.marked, "propbank": propbank.roles}
    makers["tokens"] = token_lists.listed
    return makers[format](path, encoding=encoding)


def misaligned(
    source: str,
    columns: ColumnNames,
    *,
    format: str | None = None,
    encoding: str | None,
) -> list[str]:
    """What to know of spans that do not end where words do, a sentence each.

    Args:
        source: what rows are read from; only texts with spans have such.
        columns: field → column, as rows are read.
        format: how the file is written, if that is known.
        encoding: of the file, if that is known.

    Raises:
        DataError: the file cannot be read.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export.jsonl"
    >>> _ = path.write_text('{"text": "Annie left.", "label": [[0, 3, "PER"]]}')
    >>> misaligned(str(path), COLUMNS, encoding=None)[0].partition(";")[0]
    '1 of 1 spans does not fit the words: 1 widened'
    """
    path = Path(source).expanduser()
    if not path.exists() or (format or format_of(path, columns)) != "spans":
        return []
    found = spans.report(path, encoding=encoding)
    if not found.reasons:
        return []
    total, first = sum(found.reasons.values()), found.examples[0]
    counts = ", ".join(f"{count:,} {reason}" for reason, count in found.reasons.items())
    became = f", now {first.became!r}" if first.became else ""
    return [
        f"{total:,} of {found.spans:,} spans {'does' if total == 1 else 'do'} not fit "
        f"the words: {counts}; the first is {first.type} {first.marked!r} of "
        f"{first.where}{became}."
    ]


def _has_gaps(path: Path) -> bool:
    """Whether empty lines part the lines, as in CoNLL and in no table."""
    with encodings.open_text(path, sentences.encoding_of(path)) as file:
        return _GAP.search(file.read(2**16).strip()) is not None


def _has_columns(path: Path) -> bool:
    """Whether all lines have as many fields, and more than one, as prose has not."""
    with encodings.open_text(path, sentences.encoding_of(path)) as file:
        lines = file.read(2**16).split("\n")[:-1]
    widths = [
        len(line.split())
        for line in lines
        if line.strip() and not line.startswith(("#", "-DOCSTART-"))
    ]
    return len(widths) > 1 and min(widths) == max(widths) > 1


def _json_format(path: Path, tags: str) -> str:
    first = _first_object(path)
    if not first:
        return "spans"  # whose reader says what is wrong, and where
    if "props" in first:
        return "propbank"
    no_text = "text" not in first and "data" not in first
    return "tokens" if tags in first or no_text else "spans"


def _first_object(path: Path) -> dict[str, Any]:
    """The first object of JSON lines or of a list; empty if there is none."""
    with encodings.open_text(path, sentences.encoding_of(path)) as file:
        start = file.read(2**20).lstrip()
    try:
        decoder = json.JSONDecoder()
        first, _ = decoder.raw_decode(start.removeprefix("[").lstrip())
    except json.JSONDecodeError:
        return {}
    return first if isinstance(first, dict) else {}
