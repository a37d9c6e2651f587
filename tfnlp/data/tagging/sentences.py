"""How the words of a sentence travel in a row, and what its readers share.

A row stays a flat dict of scalars (`Rows`), so the words of a sentence are one
string, joined with single spaces, and so is every other thing that there is one
of a word:

=============  ==========  ===================================================
field          scalar      what it is
=============  ==========  ===================================================
``tokens``     tf.string   T words: ``"John lives in New York"``
``tags``       tf.string   T tags: ``"B-PER O O B-LOC I-LOC"``
any other      tf.string   T values of a further column, such as POS
``predicate``  tf.string   position of the predicate, counted from 0: ``"1"``
``intent``     tf.string   one label of the whole sentence
``text``       tf.string   the text the words were cut from, where one is known
=============  ==========  ===================================================

Why spaces: words hold none in almost every format; a request in JSON reads like
text; and `tf.strings.split(tokens, " ")` gives the words back in graph, empty
strings included, where splitting at white space of any kind would lose a word
that is a no-break or an ideographic space. The few words that do hold a space
(Vietnamese and French CoNLL-U) get a no-break space in its place, and spaces in
tags become `_`. Characters of zero width stay as they are; `tagged_rows`
counts them. A sentence without words is the empty string.

A task so reads `text` at one endpoint, which splits words itself, and `tokens` at
another; rows for training need `tokens` and `tags` only, wherever they come from.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import Table
from tfnlp.errors import DataError

NO_BREAK = "\u00a0"
"""Stands for a space inside a word."""
LISTED = ("tokens",)
"""Fields that a request may carry as a list, which is joined: `["Ann", "left"]`."""

_BLANK = re.compile("[ \t\r\n]+")


def join(words: Sequence[str], *, space: str = NO_BREAK) -> str:
    """Joins words, or what there is one of a word, to what a row carries.

    Args:
        space: stands for spaces inside a word; `_` for tags.

    Example:
    >>> join(["in", "New York"])
    'in New\\xa0York'
    """
    joined = " ".join(words)
    if len(words) - 1 == sum(map(joined.count, " \t\r\n")):
        return joined  # none inside a word
    return " ".join(_BLANK.sub(space, word) for word in words)


def split(joined: str) -> list[str]:
    """The words that `join` joined.

    Example:
    >>> split("in New\\xa0York"), split("")
    (['in', 'New\\xa0York'], [])
    """
    return joined.split(" ") if joined else []


def label(name: str) -> str:
    """A type of span, or an intent, without spaces.

    Example:
    >>> label("Job title")
    'Job_title'
    """
    return _BLANK.sub("_", name.strip())


def encoding_of(path: Path, encoding: str | None = None) -> str:
    """The encoding of a file, detected if not given.

    Raises:
        DataError: the file is empty or not text.
        UsageError: Python knows no encoding of the given name.
    """
    return encodings.text_encoding(path, encodings.sample(path), encoding)


def table(
    path: Path,
    names: Sequence[str],
    records: Callable[[], Iterator[Sequence[str]]],
    *,
    file: Path | None = None,
) -> Table:
    """A table of sentences.

    Args:
        path: what messages call it.
        names: of the columns.
        records: reads all sentences from the start.
        file: whose size counts, if not the path's.
    """
    small = encodings.is_small(file or path)
    return Table(str(path), tuple(names), len(names), records, small)


def lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends, be these of Unix or of Windows.

    Raises:
        DataError: the file is gzip and damaged.
    """
    with encodings.open_text(path, encoding) as file:
        try:
            for number, line in enumerate(file, start=1):
                yield number, line.removesuffix("\n")
        except encodings.BROKEN_GZIP as error:
            raise encodings.broken_gzip(path) from error


def objects(path: Path, encoding: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON objects, one a line or in one list, and where each of them stands.

    Raises:
        DataError: something is no JSON object; the message names the line.
    """
    with encodings.open_text(path, encoding) as file:
        listed = file.read(1000).lstrip().startswith("[")
    if listed:
        text = "\n".join(line for _, line in lines(path, encoding))
        for number, item in enumerate(_parsed(text, f"{path}"), start=1):
            yield _checked(item, f"{path}, item {number}")
        return
    for number, line in lines(path, encoding):
        if line.strip():
            where = f"{path}, line {number}"
            yield _checked(_parsed(line, where), where)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            "Annotations are JSON: an object a line, or one list of objects. "
            f"Received: {where}: {text.strip()[:60]!r} ({error}). Correct it."
        ) from error


def _checked(item: Any, where: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(item, dict):
        raise DataError(
            "Annotations are JSON: an object a line, or one list of objects. "
            f"Received: {where}: {str(item)[:60]!r}. Give every item the form "
            '{"text": …}.'
        )
    return where, item
