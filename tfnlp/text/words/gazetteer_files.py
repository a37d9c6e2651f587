"""Reads gazetteers: a folder of lists, or one file of phrases and their types."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tfnlp.errors import DataError
from tfnlp.text.words.gazetteers import Gazetteers


class _Entry(NamedTuple):
    phrase: str
    type: str


def load_gazetteers(
    path: str | Path, *, cased: bool = False, longest: int = 8
) -> Gazetteers:
    """Reads lists of phrases.

    In a folder, a file `city.txt` has the phrases of the type `city`, one a line.
    Files `.tsv` (phrase, tab, type) and `.jsonl` (`{"phrase": …, "type": …}`), in a
    folder or alone, name the type of each phrase. All are UTF-8; empty lines and
    hidden files do not count.

    Args:
        path: the folder, or the file.
        cased: whether upper and lower case differ.
        longest: words of a sentence that one phrase can be found in.

    Raises:
        DataError: the path is missing, a folder has no file, a file has no phrase or
            is no UTF-8, or a line is not what it should be; the message names it.
        UsageError: longest is not positive.

    Example:
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "city.txt").write_text("New York\\nRome\\n")
    >>> _ = (folder / "more.tsv").write_text("Utah\\tstate\\n")
    >>> load_gazetteers(folder).types
    ('city', 'state')
    """
    phrases: dict[str, list[str]] = {}
    for file in _files(Path(path)):
        for phrase, kind in _entries(file):
            phrases.setdefault(kind, []).append(phrase)
    distinct = [tuple(dict.fromkeys(some)) for some in phrases.values()]
    return Gazetteers(tuple(phrases), distinct, cased=cased, longest=longest)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(
            "Gazetteers are a folder of lists, or a file. "
            f"Received: {path}. Check the path; a relative one starts from here."
        )
    files = [file for file in sorted(path.iterdir()) if _is_list(file)]
    if not files:
        raise DataError(
            "A folder of gazetteers has a file for each type of phrase. "
            f"Received: {path} without any. Write `city.txt`, for example, with a "
            "phrase a line."
        )
    return files


def _is_list(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


def _entries(path: Path) -> Iterable[_Entry]:
    read = {".tsv": _of_table, ".jsonl": _of_objects}.get(path.suffix, _of_list)
    entries = list(read(path))
    if not entries:
        raise DataError(
            "A file of gazetteers has a phrase or more. "
            f"Received: {path}, which has none. Fill it, or remove it."
        )
    return entries


def _of_list(path: Path) -> Iterator[_Entry]:
    for _, line in _lines(path):
        yield _Entry(line, path.stem)


def _of_table(path: Path) -> Iterator[_Entry]:
    for number, line in _lines(path):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 2 or not all(fields):
            raise _not_an_entry(path, number, line)
        yield _Entry(*fields)


def _of_objects(path: Path) -> Iterator[_Entry]:
    for number, line in _lines(path):
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            raise _not_an_entry(path, number, line) from error
        item = item if isinstance(item, dict) else {}
        fields = [item.get(name) for name in _Entry._fields]
        texts = [field.strip() for field in fields if isinstance(field, str)]
        if len(texts) != len(fields) or not all(texts):
            raise _not_an_entry(path, number, line)
        yield _Entry(*texts)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not empty, without the white space around them."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise DataError(
            f"A file of gazetteers is a text in UTF-8. Received: {path} ({error}). "
            "Write it in UTF-8, and leave nothing else in the folder."
        ) from error


def _not_an_entry(path: Path, number: int, line: str) -> DataError:
    return DataError(
        "A line has a phrase and its type: parted by a tab in .tsv, as "
        '{"phrase": …, "type": …} in .jsonl. '
        f"Received: {path}, line {number}: {line[:60]!r}. Correct it; a list of one "
        "type is a .txt file with a phrase a line."
    )
