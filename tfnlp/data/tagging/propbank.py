"""Semantic roles as JSON lines: a sentence with all its predicates in each.

``{"tokens": […], "props": [{"pred": 3, "sense": "come.03", "args": [["ARG1", 4, 5],
["V", 3, 3]]}]}``; positions count words from 0, the last one included.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfnlp.data.files.column_types import typed
from tfnlp.data.files.columns import Table
from tfnlp.data.rows import column_batches
from tfnlp.data.tagging import sentences
from tfnlp.data.tagging.schemes import Span, tags_of
from tfnlp.data.tagging.sentences import join, label
from tfnlp.errors import DataError
from tfnlp.specs import PLACE, TEXT, Rows, check_rows

NAMES = ("tokens", "tags", "predicate", "sense", "upos", "id")


def roles(path: Path, *, encoding: str | None = None) -> Table:
    """A row for each predicate, with the columns of `NAMES`.

    `tags` are the roles in BIO, the predicate itself under `B-V`; `predicate` is
    its position, counted from 0. A sentence without a predicate has no row.

    Raises:
        DataError: the file is empty or no text; when records are read also: an
            object has no words, or an argument lies outside of them or on another.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "dev.jsonl"
    >>> _ = path.write_text('{"tokens": ["Ann", "left"], "props": [{"pred": 1, '
    ...                     '"args": [["ARG0", 0, 0], ["V", 1, 1]]}]}')
    >>> next(roles(path).records())
    ['Ann left', 'B-ARG0 B-V', '1', '', '', '']
    """
    encoding = sentences.encoding_of(path, encoding)
    return sentences.table(path, NAMES, lambda: _records(path, encoding))


def parse_predicates(rows: Rows) -> Rows:
    """Parses `predicate` as the index of one of the `tokens` of its row, from 0.

    Raises:
        DataError: it is no such index.
        SchemaError: the rows lack one of these fields.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = parse_predicates(from_list([{"tokens": "Ann left", "predicate": "1"}]))
    >>> [row["predicate"].item() for row in rows.as_numpy_iterator()]
    [1]
    """
    rows = typed(rows, {"predicate": PLACE})
    number = 0
    for batch in column_batches(check_rows(rows, {"tokens": TEXT, "predicate": PLACE})):
        for tokens, place in zip(batch["tokens"], batch["predicate"], strict=True):
            number, length = number + 1, tokens.count(b" ") + bool(tokens)
            if not 0 <= place < length:
                raise DataError(
                    "The predicate is one of the words of its sentence, counted from "
                    f"0. Received: row {number} with number {place} of {length} "
                    "words. Correct that row."
                )
    return rows


def _records(path: Path, encoding: str) -> Iterator[list[str]]:
    for where, found in sentences.objects(path, encoding):
        words, upos = _words(found, where)
        for prop in _props(found, where):
            tags, place = _tags(prop, len(words), where)
            sense = label(str(prop.get("sense") or ""))
            yield [
                *(join(words), join(tags), str(place), sense),
                *(join(upos, space="_"), str(found.get("id", ""))),
            ]


def _words(found: dict[str, Any], where: str) -> tuple[list[str], list[str]]:
    words, upos = found.get("tokens"), found.get("upos") or []
    listed = isinstance(words, list) and all(words)
    if not listed or len(upos) not in (0, len(words or ())):
        raise DataError(
            "Semantic roles come with `tokens`, a list of words, and if at all with "
            f"as many `upos`. Received: {where} with {str(words)[:60]} and "
            f"{len(upos)} upos. Correct that line."
        )
    return [str(word) for word in words or ()], [str(tag) for tag in upos]


def _props(found: dict[str, Any], where: str) -> list[Any]:
    props = found.get("props") or []
    if not isinstance(props, list):
        raise DataError(
            "The predicates of a sentence are a list, `props`. Received: "
            f"{where}: {str(props)[:60]!r}. Correct that line."
        )
    return props


def _tags(prop: Any, length: int, where: str) -> tuple[list[str], int]:
    try:
        place = int(prop["pred"])
        spans = [
            Span(label(str(role)), int(first), int(last) + 1)
            for role, first, last in prop["args"]
        ]
        if not 0 <= place < length:
            raise DataError(f"The predicate is number {place} of {length} words.")
        return tags_of(spans, length, "BIO"), place
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise DataError(
            "A predicate is an object with `pred`, its position, and `args`, a list of "
            "[role, first, last] inside of the sentence that share no word. Received: "
            f"{where}: {str(prop)[:80]} ({error}). Correct that line."
        ) from error
