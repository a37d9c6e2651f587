"""Sentences in columns: a word a line and an empty line after each sentence.

CoNLL 2000, 2002 and 2003 and all that look like them: fields parted by tabs or
spaces, `-DOCSTART-` lines and comments left out, characters (BMES) as well as
words; and CoNLL-U. Line ends of Windows are like any other. Fields are parted by
ASCII spaces and tabs only, since a word may well be some other space.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfnlp.data.audit.findings import plural
from tfnlp.data.files.columns import Column, Table
from tfnlp.data.tagging import sentences
from tfnlp.data.tagging.scheme_detection import of_tags
from tfnlp.data.tagging.schemes import OUTSIDE
from tfnlp.data.tagging.sentences import join
from tfnlp.errors import DataError

UNIVERSAL = (
    *("id", "form", "lemma", "upos", "xpos"),
    *("feats", "head", "deprel", "deps", "misc"),
)
"""The ten columns of CoNLL-U."""

_ENDS = " \t"
_PARTED = re.compile("[ \t]+")
_COMMENT = re.compile("#[ \t]*(id|sent_id|text|newdoc|newpar|global.columns)\\b")
_LETTERED = re.compile("[BIESMLU]-.")
_SINGLE_ID = re.compile("[0-9]+")
_DOCUMENT = "-DOCSTART-"

Lines = list[tuple[int, list[str]]]
"""The words of a sentence: line number and fields of each."""


def columns(
    path: Path, *, tags: Column | None = "tags", encoding: str | None = None
) -> Table:
    """A file of columns; the first is also called `tokens`, the last `tags`.

    The others go by number, counted from 1.

    Args:
        tags: the column whose tags are checked; None for a file without tags.
        encoding: detected if not given.

    Raises:
        DataError: the file is empty, no text, or has one column only; when records
            are read also: a line has more or fewer columns than the first, a field
            is empty, or the tags are of two schemes.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.conll"
    >>> _ = path.write_text("EU NNP B-ORG\\nrejects VBZ O\\n\\nPeter NNP B-PER\\n")
    >>> list(columns(path).records())
    [['EU rejects', 'NNP VBZ', 'B-ORG O'], ['Peter', 'NNP', 'B-PER']]
    """
    encoding = sentences.encoding_of(path, encoding)
    width, tabbed = _shape(path, encoding)
    if width == 1 and tags is not None:
        raise DataError(
            "A line of a tagged file has a word and its tag, parted by tabs or "
            f"spaces. Received: {path} with one column. Check the file; words "
            "without tags can be read with the column of the words only."
        )
    names = ["tokens", *map(str, range(2, width)), "tags"][:width]
    place = _place(tags, names)

    def records() -> Iterator[list[str]]:
        letters: dict[str, tuple[str, int]] = {}
        for sentence in _sentences(path, encoding, width, tabbed):
            if place is not None:
                _check_scheme(path, sentence, place, letters)
            words, *others = zip(*(fields for _, fields in sentence), strict=True)
            yield [join(words), *(join(other, space="_") for other in others)]

    return sentences.table(path, names, records)


def universal(path: Path, *, encoding: str | None = None) -> Table:
    """A CoNLL-U file; its ten columns go by name or number, the comments by name.

    `tokens` are the forms and `tags` the UPOS tags. Multi-word tokens (`1-2`) and
    empty nodes (`1.1`) are left out, as in the tagging tasks of the CoNLL.

    Raises:
        DataError: the file is empty or no text; when records are read also: a line
            has fewer than ten columns.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "dev.conllu"
    >>> _ = path.write_text("1\\tI\\tI\\tPRON" + 6 * "\\t_" + "\\n")
    >>> table = universal(path)
    >>> dict(zip(table.names, next(table.records())))["tags"]
    'PRON'
    """
    encoding = sentences.encoding_of(path, encoding)
    names = (*UNIVERSAL, "tokens", "tags", "text", "sent_id")
    return sentences.table(path, names, lambda: _universal(path, encoding))


def _shape(path: Path, encoding: str) -> tuple[int, bool]:
    """How many columns the first word has, and whether tabs part them."""
    first = ""
    for _, line in sentences.lines(path, encoding):
        if not line.strip(_ENDS) or line.startswith(_DOCUMENT):
            continue
        first = first or line
        if not line.startswith("#"):
            first = line
            break
    if not first:
        raise DataError(
            f"A tagged file holds at least one sentence. Received: {path}, which "
            "has none. Check how it was written."
        )
    tabbed = "\t" in first.strip(_ENDS)
    return len(_fields(first, tabbed)), tabbed


def _fields(line: str, tabbed: bool) -> list[str]:
    line = line.rstrip(_ENDS)
    if not tabbed:
        return _PARTED.split(line)
    # A field that is nothing but spaces is a word of that kind.
    return [field.strip(" ") or field for field in line.split("\t")]


def _sentences(path: Path, encoding: str, width: int, tabbed: bool) -> Iterator[Lines]:
    sentence: Lines = []
    for number, line in sentences.lines(path, encoding):
        if not line.strip(_ENDS):
            if sentence:
                yield sentence
            sentence = []
            continue
        if line.startswith(_DOCUMENT):
            continue
        fields = _fields(line, tabbed)
        if not sentence and _is_comment(line, len(fields), width):
            continue
        if len(fields) != width or "" in fields:
            raise _uneven(path, number, line, len(fields), width, tabbed=tabbed)
        sentence.append((number, fields))
    if sentence:
        yield sentence


def _is_comment(line: str, width: int, wanted: int) -> bool:
    """Whether a line is a comment, and not the word `#` at the start of a sentence."""
    return line.startswith("#") and (width != wanted or bool(_COMMENT.match(line)))


def _uneven(
    path: Path, number: int, line: str, width: int, wanted: int, *, tabbed: bool
) -> DataError:
    received = "an empty column"
    if width != wanted:
        received = (
            f"{plural(width, 'column')}, parted by {'tabs' if tabbed else 'spaces'}"
        )
    return DataError(
        f"Every word of {path} has {wanted} columns, none of them empty, as the first "
        f"has. Received: line {number} with {received}: {line[:60]!r}. Correct that "
        "line; sentences are parted by empty lines."
    )


def _place(tags: Column | None, names: Sequence[str]) -> int | None:
    if tags is None:
        return None
    if str(tags) in names:
        return names.index(str(tags))
    return int(tags) - 1 if str(tags).isdecimal() and int(tags) <= len(names) else None


def _check_scheme(
    path: Path, sentence: Lines, place: int, letters: dict[str, tuple[str, int]]
) -> None:
    """Remembers the first tag with each letter and compares a new letter to them."""
    for number, fields in sentence:
        tag = fields[place]
        kind = tag[0] if _LETTERED.match(tag) else "plain"
        if kind in letters or tag == OUTSIDE:
            continue
        letters[kind] = tag, number
        if "plain" in letters:
            continue  # tags as for POS, or for `detect` to judge
        for other, line in letters.values():
            where = f"{path}, lines {line} and {number},"
            of_tags({other, tag}, where=where)


def _universal(path: Path, encoding: str) -> Iterator[list[str]]:
    words: list[list[str]] = []
    comments: dict[str, str] = {}
    for number, line in sentences.lines(path, encoding):
        if line.startswith("#") and not words:
            name, _, value = line[1:].partition("=")
            comments[name.strip()] = value.strip()
        elif line.strip(_ENDS):
            words += _universal_word(path, number, line)
        elif words:
            yield _universal_record(words, comments)
            words, comments = [], {}
    if words:
        yield _universal_record(words, comments)


def _universal_word(path: Path, number: int, line: str) -> list[list[str]]:
    fields = line.split("\t")
    if len(fields) < len(UNIVERSAL) or "" in fields[: len(UNIVERSAL)]:
        raise DataError(
            f"A line of CoNLL-U has {len(UNIVERSAL)} columns parted by tabs, none of "
            f"them empty. Received: {path}, line {number}: {line[:60]!r}. Correct it, "
            "or read other columns with format='conll'."
        )
    return [fields[: len(UNIVERSAL)]] if _SINGLE_ID.fullmatch(fields[0]) else []


def _universal_record(words: list[list[str]], comments: dict[str, str]) -> list[str]:
    by_column = list(zip(*words, strict=True))
    named = {name: join(by_column[n], space="_") for n, name in enumerate(UNIVERSAL)}
    form = join(by_column[1])
    named |= {"form": form, "lemma": join(by_column[2])}
    extra = [comments.get(name, "") for name in ("text", "sent_id")]
    return [*named.values(), form, named["upos"], *extra]
