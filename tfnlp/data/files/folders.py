"""A folder with one sub-folder a class, as a table of text and label."""

from collections.abc import Iterator
from pathlib import Path

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import Table
from tfnlp.errors import DataError

NAMES = ("text", "label")


def classes(path: Path, *, encoding: str | None = None) -> Table:
    """Reads text files below a folder; a file's label is its sub-folder's name.

    Raises:
        DataError: there are no sub-folders, or no files in them.
    """
    files = [file for folder in _folders(path) for file in _files(folder)]
    if not files:
        raise DataError(
            "A folder of texts has one sub-folder a class, each with text files. "
            f"Received: {path} with {_contents(path)}. {_advice(path)}"
        )

    def records() -> Iterator[tuple[str, str]]:
        for file in files:
            yield _text(file, encoding), file.parent.name

    small = sum(file.stat().st_size for file in files) <= encodings.SMALL
    return Table(str(path), NAMES, 2, records, small)


def _text(file: Path, encoding: str | None) -> str:
    known = encodings.text_encoding(file, encodings.beginning(file), encoding)
    with encodings.open_text(file, known) as text:
        return text.read()


def _folders(path: Path) -> list[Path]:
    return [entry for entry in _visible(path) if entry.is_dir()]


def _files(path: Path) -> list[Path]:
    return [entry for entry in _visible(path) if entry.is_file()]


def _visible(path: Path) -> list[Path]:
    entries = sorted(path.iterdir())
    return [entry for entry in entries if not entry.name.startswith((".", "_"))]


def _contents(path: Path) -> str:
    names = [entry.name + "/" * entry.is_dir() for entry in _visible(path)]
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") or "nothing"


def _advice(path: Path) -> str:
    deeper = [folder for folder in _folders(path) if _folders(folder)]
    if deeper:
        return f"Give one level deeper, for example {deeper[0]}."
    if files := _files(path):
        return f"Give a file instead, for example {files[0]}."
    return "Put each text in a file of its own, below the name of its class."
