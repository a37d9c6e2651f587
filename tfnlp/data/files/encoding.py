"""Bytes of a file as text: compression, encoding and files that hold no text.

Knows nothing of columns or formats. Compression is detected by the first bytes, not
by the name, so a `.csv` that is in fact gzip reads like any other.
"""

import codecs
import functools
import gzip
import io
import logging
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from tfnlp.errors import DataError, UsageError, nearest

LOG = logging.getLogger("tfnlp")

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
_WIDE = ("utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be")
_LEGACY = (
    *("cp1252", "cp1251", "koi8_r"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),  # cp932 is Shift-JIS, cp949 KR
)
_GUESSED = 256 * 2**10
"""Bytes that charset-normalizer sees."""
_FEW = 8
"""Bytes beyond ASCII that are too few to guess by."""
_RUNS = re.compile(rb"[\x80-\xff]{2,}")
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
    """Detects the encoding of a text file, or checks the one that is given.

    Logs an encoding other than UTF-8 that was detected.

    Raises:
        DataError: the file is not text.
        UsageError: Python knows no encoding of the given name.
    """
    if encoding is not None:
        return _known(encoding)
    _check_kind(path, start.content)
    found = detect(start)
    if not found.startswith(("utf-16", "utf-32")):
        _check_text(path, start.content)
    if not found.startswith("utf-8"):
        _log(path, found)
    return found


def detect(start: Sample) -> str:
    """Detects the encoding of text from the beginning of a file.

    A byte-order mark decides; else NUL bytes, which only UTF-16 and UTF-32 have; else
    UTF-8 if it fits, or if it mostly fits; else charset-normalizer, among Cyrillic and
    East Asian encodings, if most bytes beyond ASCII are neighbours of one another;
    else cp1252, or latin-1 if there are bytes that cp1252 lacks.

    Example:
    >>> detect(Sample("café".encode("cp1252"), True))
    'cp1252'
    >>> detect(Sample("café".encode(), True))
    'utf-8'
    >>> detect(Sample("Суп был холодным, а хлеб свежим".encode("cp1251"), True))
    'cp1251'
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
    if legacy := _legacy(start):
        return legacy
    return "latin-1" if _lacks(start.content, "cp1252") else "cp1252"


def _wide(content: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte-order mark.

    Every other byte of mostly Latin text is NUL; of other scripts, that of a line end.
    """
    head = content[:4096]
    half = max(1, len(head) // 2)
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if len(head) >= 8 and max(even, odd) >= 0.5 and min(even, odd) <= 0.05:
        return "utf-16-le" if odd > even else "utf-16-be"
    if not (even or odd) or _is_utf_8_with_nul(head):
        return None
    return _guess(content[: min(len(content), _GUESSED) // 4 * 4], _WIDE)


def _is_utf_8_with_nul(head: bytes) -> bool:
    """Whether NUL bytes stand in other text by mistake."""
    rest = head.replace(b"\0", b"")
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(rest)
    return "\ufffd" not in text and _controls(rest) <= 0.05 * len(rest)


def _legacy(start: Sample) -> str | None:
    """An encoding of Cyrillic or East Asian text; its letters stand in runs.

    Those of Latin scripts that ASCII lacks rarely stand side by side.
    """
    head = start.content[:_GUESSED]
    if len(head) < len(start.content) or not start.whole:
        head = head[: head.rfind(b"\n") + 1] or head  # a character is not cut
    beyond = len(head) - len(head.translate(None, bytes(range(128, 256))))
    if beyond < _FEW or sum(map(len, _RUNS.findall(head))) < beyond / 2:
        return None
    return _guess(head, _LEGACY)


def _guess(content: bytes, encodings: Sequence[str]) -> str | None:
    """The encoding that makes the content look most like a language."""
    from charset_normalizer import from_bytes  # takes a moment, and is rarely needed

    best = from_bytes(
        content, cp_isolation=list(encodings), preemptive_behaviour=False
    ).best()
    return None if best is None else codecs.lookup(best.encoding).name


@functools.lru_cache(maxsize=256)  # once for each file
def _log(path: Path, encoding: str) -> None:
    LOG.info("%s is not UTF-8; detected encoding: %s", path, encoding)


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


def _check_kind(path: Path, content: bytes) -> None:
    for head, kind in _NOT_TEXT.items():
        if content.startswith(head):
            raise _no_text(path, kind)


def _check_text(path: Path, content: bytes) -> None:
    control = _controls(content)
    if control > 8 and control > 0.05 * len(content):
        raise _no_text(path, "binary data")


def _controls(content: bytes) -> int:
    return len(content) - len(content.translate(None, _CONTROL))


def _no_text(path: Path, kind: str) -> DataError:
    return DataError(
        "A file of rows is text (CSV, TSV, JSONL, lines) or Parquet. "
        f"Received: {path}, which looks like {kind}. "
        "Save the data as CSV in UTF-8, or give another file."
    )
