"""Bytes of a file as text: compression, encoding and files that hold no text.

Knows nothing of columns or formats. Compression is told by the first bytes, not
by the name, so a `.csv` that is in fact gzip reads like any other.
"""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from tfnlp.errors import DataError, UsageError, nearest

SAMPLE = 8 * 2**20
"""Bytes that are looked at before a file is read: all of most files."""

SMALL = 256 * 2**20
"""A file up to this size, uncompressed, is held in memory."""

_GZIP = b"\x1f\x8b"
_GZIP_RATIO = 6  # text shrinks about this much; the true size is not on record
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive (perhaps a spreadsheet)",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
}
_CONTROL = bytes({*range(32), 127} - {*b"\t\n\r\f\x1b"})


class Sample(NamedTuple):
    """The beginning of a file, decompressed."""

    content: bytes
    whole: bool
    """Whether the file ends here."""


def is_gzip(path: Path) -> bool:
    """Whether the file is gzip, by its first two bytes."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def is_small(path: Path) -> bool:
    """Whether the text of the file fits in memory, going by its size on disk."""
    return path.stat().st_size * (_GZIP_RATIO if is_gzip(path) else 1) <= SMALL


def open_bytes(path: Path) -> BinaryIO:
    """Opens a file for reading, decompressed if it is gzip."""
    return cast(BinaryIO, gzip.open(path)) if is_gzip(path) else path.open("rb")


def open_text(
    path: Path, encoding: str, *, newline: str | None = None
) -> io.TextIOBase:
    """Opens a file as text; bytes that do not fit the encoding become U+FFFD."""
    return io.TextIOWrapper(
        open_bytes(path), encoding=encoding, errors="replace", newline=newline
    )


def broken_gzip(path: Path) -> DataError:
    """The error for a gzip file that ends early or does not decompress."""
    return DataError(
        "A gzip file must decompress to its end. "
        f"Received: {path}, which is cut or damaged. Download or compress it again."
    )


BROKEN_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)
"""What Python raises while it reads a damaged gzip file."""


def beginning(path: Path) -> Sample:
    """Reads the beginning of a file, decompressed.

    Raises:
        DataError: the file is gzip and damaged.
    """
    try:
        with open_bytes(path) as file:
            content = file.read(SAMPLE + 1)
    except BROKEN_GZIP as error:
        raise broken_gzip(path) from error
    return Sample(content[:SAMPLE], len(content) <= SAMPLE)


def sample(path: Path) -> Sample:
    """Reads the beginning of a file of rows.

    Raises:
        DataError: the file is empty, or gzip and damaged.
    """
    start = beginning(path)
    if not start.content.strip():
        raise DataError(
            f"A file of rows holds at least one row. Received: {path}, "
            f"which is empty ({len(start.content)} bytes). Check how it was written."
        )
    return start


def text_encoding(path: Path, start: Sample, encoding: str | None = None) -> str:
    """Tells the encoding of a text file, or checks the one that is given.

    Raises:
        DataError: the file is not text.
        UsageError: Python knows no encoding of the given name.
    """
    if encoding is not None:
        return _known(encoding)
    found = detect(start)
    if not found.startswith(("utf-16", "utf-32")):
        _check_text(path, start.content)
    return found


def detect(start: Sample) -> str:
    """Tells an encoding from the beginning of a file.

    A byte-order mark decides; else UTF-8 if it fits, or if it mostly fits; else
    cp1252, or latin-1 if there are bytes that cp1252 lacks.

    Example:
    >>> detect(Sample("café".encode("cp1252"), True))
    'cp1252'
    >>> detect(Sample("café".encode(), True))
    'utf-8'
    """
    for mark, name in _BOMS:
        if start.content.startswith(mark):
            return name
    if (wide := _wide(start.content)) is not None:
        return wide
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(
        start.content, start.whole
    )
    bad = text.count("\ufffd")
    if not bad or bad < sum(character > "\x7f" for character in text) / 2:
        return "utf-8"
    return "latin-1" if _lacks(start.content, "cp1252") else "cp1252"


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of mostly Latin text is NUL."""
    head = content[:4096]
    half = max(1, len(head) // 2)
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if len(head) < 8 or max(even, odd) < 0.5 or min(even, odd) > 0.05:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _lacks(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        names = ("utf-8", "utf-16", "cp1252", "latin-1", "gb18030", "shift_jis")
        raise UsageError(
            f"An encoding is a name that Python knows. Received: {encoding!r}."
            f"{nearest(encoding, names)} Common ones: {', '.join(names)}."
        ) from error


def _check_text(path: Path, content: bytes) -> None:
    kind = next(
        (kind for head, kind in _NOT_TEXT.items() if content.startswith(head)), ""
    )
    control = len(content) - len(content.translate(None, _CONTROL))
    if kind or (control > 8 and control > 0.05 * len(content)):
        raise DataError(
            "A file of rows is text (CSV, TSV, JSONL, lines) or Parquet. "
            f"Received: {path}, which looks like {kind or 'binary data'}. "
            "Save the data as CSV in UTF-8, or give another file."
        )
