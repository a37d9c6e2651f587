"""Parallel line files: line n of each is about the same thing.

``train.en`` and ``train.de`` are the source ``train`` with the columns ``en`` and
``de``; files of a folder, such as ``corpus/src.txt`` and ``corpus/tgt.txt``, are the
source ``corpus`` with the columns ``src.txt`` and ``tgt.txt``. Each may be gzip.
"""

import os.path
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import ColumnNames, Table, parts
from tfnlp.data.tagging import sentences
from tfnlp.errors import DataError, nearest


def holds(path: Path, columns: ColumnNames) -> bool:
    """Whether a source is parallel files: one for each column.

    A source that does not exist itself is recognised by one file, so that a message
    can name the one that is missing.

    Example:
    >>> holds(Path("reviews.csv"), {"source": "en", "target": "de"})
    False
    """
    names = _names(columns)
    needed = all if path.exists() else any
    return needed(_file(path, name, names) for name in names)


def table(path: Path, columns: ColumnNames, *, encoding: str | None = None) -> Table:
    """Line files with a column for each; lines end with a line feed only.

    Other line ends (a lone carriage return, U+2028) stay in the text: where one side
    has some, counting them as lines would put all later lines beside wrong ones.

    Args:
        path: what the names of the files begin with, or their folder.
        columns: field → how the name of its file goes on, or its name in the folder.
        encoding: detected for each file if not given.

    Raises:
        DataError: a file is missing, empty or no text; when records are read also:
            the files have not the same number of lines.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train"
    >>> _ = path.with_suffix(".en").write_text("a dog\\n")
    >>> _ = path.with_suffix(".de").write_text("ein Hund\\n")
    >>> list(table(path, {"source": "en", "target": "de"}).records())
    [('a dog', 'ein Hund')]
    """
    names = _names(columns)
    files: dict[str, tuple[Path, str]] = {}
    for name in names:
        file = _file(path, name, names)
        if file is None:
            raise _no_file(path, name, names)
        files[name] = file, sentences.encoding_of(file, encoding)
    small = all(encodings.is_small(file) for file, _ in files.values())
    places = list(files.values())
    return Table(str(path), names, len(names), lambda: _records(places), small)


def _names(columns: ColumnNames) -> tuple[str, ...]:
    every = [part for column in columns.values() for part in parts(column, ())]
    return tuple(dict.fromkeys(every))


def _file(path: Path, name: str, names: tuple[str, ...]) -> Path | None:
    """The file of one column; the source may also be the file of another one."""
    start = path.name.removesuffix(".gz")
    starts = [start, *(start.removesuffix(f".{each}") for each in names)]
    plain = [path / name, *(path.parent / f"{each}.{name}" for each in starts)]
    every = [file for each in plain for file in (each, Path(f"{each}.gz"))]
    return next((file for file in every if os.path.isfile(file)), None)


def _no_file(path: Path, name: str, names: tuple[str, ...]) -> DataError:
    start, folder = (path.name, path.parent) if not path.is_dir() else ("", path)
    found = [entry.name for entry in folder.iterdir() if entry.name.startswith(start)]
    ends = [each.removeprefix(start).lstrip(".") for each in found]
    ends = [each.removesuffix(".gz") for each in ends if each]
    there = ", ".join(sorted(found)[:8]) or "nothing"
    return DataError(
        f"Each column of parallel files is a file {path}.COLUMN, or COLUMN in a "
        f"folder. Received: {', '.join(names)} and no file for {name!r}; there is "
        f"{there}.{nearest(name, ends)} Give the endings of two files that are there."
    )


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with encodings.open_text(path, encoding, newline="\n") as file:
        try:
            for line in file:
                yield line.removesuffix("\n").removesuffix("\r")
        except encodings.BROKEN_GZIP as error:
            raise encodings.broken_gzip(path) from error


def _records(files: list[tuple[Path, str]]) -> Iterator[tuple[str, ...]]:
    sides = [_lines(*file) for file in files]
    for number, record in enumerate(zip_longest(*sides), start=1):
        if None in record:
            raise _uneven(files, number)
        yield record


def _uneven(files: list[tuple[Path, str]], number: int) -> DataError:
    counts = [sum(1 for _ in _lines(*file)) for file in files]
    found = [
        f"{file} with {count:,} lines"
        for (file, _), count in zip(files, counts, strict=True)
    ]
    return DataError(
        "Parallel files have the same number of lines. Received: "
        f"{' and '.join(found)}; line {number:,} is the first without a partner. Look "
        "there and before it for a line that is broken in two or left out."
    )
