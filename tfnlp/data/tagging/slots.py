"""Sentences in parallel files, as ATIS and SNIPS have them.

A folder holds `seq.in` (words), `seq.out` (tags) and `label` (one intent a line),
each plain or `.gz`. Line n of each is about the same sentence.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from tfnlp.data.audit.findings import plural
from tfnlp.data.files.columns import Table
from tfnlp.data.tagging import sentences
from tfnlp.data.tagging.sentences import join, label
from tfnlp.errors import DataError

FILES = {"tokens": "seq.in", "tags": "seq.out", "intent": "label"}


def is_parallel(path: Path) -> bool:
    """Whether the path is a folder of parallel files, or its file of words.

    Example:
    >>> is_parallel(Path("reviews.csv"))
    False
    """
    folder = path if path.is_dir() else path.parent
    names = (path.name,) if not path.is_dir() else ("seq.in", "seq.in.gz")
    return any(
        name.removesuffix(".gz") == "seq.in" and (folder / name).is_file()
        for name in names
    )


def parallel(path: Path, *, encoding: str | None = None) -> Table:
    """Parallel files with the columns `tokens`, `tags` and, if it is there, `intent`.

    Args:
        path: the folder, or the file `seq.in` in it.
        encoding: detected for each file if not given.

    Raises:
        DataError: a file is missing, empty or no text; when records are read also:
            the files have not the same number of lines, or a line has not a tag
            for each word.
    """
    folder = path if path.is_dir() else path.parent
    files = {name: found for name in FILES if (found := _file(folder, name))}
    for needed in ("tokens", "tags"):
        if needed not in files:
            raise DataError(
                f"A folder of parallel files holds {', '.join(FILES.values())}. "
                f"Received: {folder} without {FILES[needed]}. Give the folder of one "
                "split, such as train."
            )
    known = {
        name: (file, sentences.encoding_of(file, encoding))
        for name, file in files.items()
    }
    return sentences.table(
        folder, tuple(files), lambda: _records(known), file=files["tags"]
    )


def _file(folder: Path, name: str) -> Path | None:
    candidates = (folder / FILES[name], folder / f"{FILES[name]}.gz")
    return next((file for file in candidates if file.is_file()), None)


def _records(files: dict[str, tuple[Path, str]]) -> Iterator[list[str]]:
    for rows in zip_longest(*(sentences.lines(*file) for file in files.values())):
        if None in rows:
            _raise_uneven(files, rows)
        number, (words, tags, *intent) = rows[0][0], [_parts(line) for _, line in rows]
        if len(words) != len(tags):
            raise DataError(
                f"Each word has one tag. Received: line {number} of "
                f"{files['tokens'][0]} with {plural(len(words), 'word')} and "
                f"{plural(len(tags), 'tag')} in {files['tags'][0].name}. "
                "Correct that line."
            )
        yield [join(words), join(tags), *(label(" ".join(each)) for each in intent)]


def _parts(line: str) -> list[str]:
    return [part for part in line.replace("\t", " ").split(" ") if part]


def _raise_uneven(files: dict[str, tuple[Path, str]], rows: tuple) -> None:
    number = next(row[0] for row in rows if row is not None)
    short = [
        file for (file, _), row in zip(files.values(), rows, strict=True) if not row
    ]
    raise DataError(
        "Parallel files have the same number of lines. Received: "
        f"{', '.join(map(str, short))} without line {number}. Correct or cut the files."
    )
