"""Standard input as lines of text: gzip and encoding are detected, nothing is awaited.

Knows nothing of rows or formats. The first bytes that arrive decide how all others
are read, by the same rules as for a file.
"""

import codecs
import io
import select
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.encoding import Sample
from tfnlp.errors import DataError, UsageError

SOURCE = Path("standard input")
"""Its name in messages."""

CHUNK = 2**16
BEGINNING = 2**20
"""Bytes that detection sees at most, of those that have arrived."""

_GZIP = b"\x1f\x8b"


class Readable(Protocol):
    """A binary stream with a file descriptor."""

    def read(self, size: int, /) -> bytes: ...
    def fileno(self) -> int: ...


def open_stdin() -> BinaryIO:
    """The bytes of standard input, unbuffered.

    Raises:
        UsageError: standard input is a terminal, or closed.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError(
            "Rows come from a flag or from standard input. Received: neither. "
            "Pass --text 'some text', or --data FILE, or: "
            "tfnlp predict ARTEFACT < rows.jsonl"
        )
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)


class Lines(Iterator[str]):
    """Lines of text with their line ends, each as soon as it has arrived.

    Args:
        texts: pieces of text, cut anywhere.
        start: the first of them, for format detection.
        whole: whether the start is all there is.
        ready: whether more can be read without waiting.
    """

    def __init__(
        self,
        texts: Iterable[str],
        *,
        start: str,
        whole: bool,
        ready: Callable[[], bool],
    ):
        self.start, self.whole = start, whole
        self._texts, self._ready = iter(texts), ready
        self._lines: deque[str] = deque()
        self._rest = ""
        self._take(start)

    def __next__(self) -> str:
        while not self._lines:
            text = next(self._texts, None)
            if text is None:
                line, self._rest = self._rest, ""
                if line:
                    return line
                raise StopIteration
            self._take(text)
        return self._lines.popleft()

    def waits(self) -> bool:
        """Whether the next line has not arrived."""
        return not self._lines and not self._ready()

    def _take(self, text: str) -> None:
        lines = list(io.StringIO(self._rest + text, newline=""))
        ended = not lines or lines[-1].endswith("\n")  # \r may be half of \r\n
        self._rest = "" if ended else lines.pop()
        self._lines.extend(lines)


def arriving(file: Readable, *, encoding: str | None = None) -> Lines:
    r"""Reads lines while they arrive; waits for the first line only.

    Args:
        encoding: a name that Python knows; detected if not given. Bytes that do not
            fit become U+FFFD.

    Raises:
        DataError: what arrives is no text, or damaged gzip.
        UsageError: Python knows no such encoding.

    Example:
    >>> list(arriving(io.BytesIO("\ufeffcafé\r\n".encode("utf-16"))))
    ['café\r\n']
    """
    chunks = _unzipped(iter(lambda: file.read(CHUNK), b""))
    head, whole = _beginning(chunks, lambda: _is_ready(file))
    texts = _decoded(chain([head], chunks), encoding)
    start = next(texts, "").removeprefix("\ufeff")
    return Lines(texts, start=start, whole=whole, ready=lambda: _is_ready(file))


def _beginning(
    chunks: Iterator[bytes], ready: Callable[[], bool]
) -> tuple[bytes, bool]:
    """All that has arrived, at least one line; whether the stream ends there."""
    head = b""
    while len(head) < BEGINNING and (not _has_line(head) or ready()):
        chunk = next(chunks, b"")
        if not chunk:
            return head, True
        head += chunk
    return head, False


def _has_line(head: bytes) -> bool:
    text = head.lstrip()
    return b"\n" in text or b"\r" in text


def _is_ready(file: Readable) -> bool:
    """Whether reading returns at once, at the end of the stream too."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except io.UnsupportedOperation:  # bytes in memory
        return True
    except (OSError, ValueError):  # this system selects sockets only
        return False


def _decoded(chunks: Iterable[bytes], given: str | None) -> Iterator[str]:
    """Decoded text; the encoding is detected at the first bytes beyond ASCII."""
    decoder = None
    for chunk in chunks:
        if decoder is None:
            name = encodings.text_encoding(SOURCE, Sample(chunk, False), given)
            _check_text(chunk, name)
            if given is None and name == "utf-8" and chunk.isascii():
                yield chunk.decode()
                continue
            decoder = codecs.getincrementaldecoder(name)("replace")
        yield decoder.decode(chunk)
    if decoder is not None:
        yield decoder.decode(b"", True)


def _check_text(chunk: bytes, encoding: str) -> None:
    if b"\0" in chunk and not encoding.startswith(("utf-16", "utf-32")):
        raise DataError(
            "Rows on standard input are text (CSV, TSV, JSON lines, lines). "
            f"Received: bytes 0, as {encoding} has none. "
            "Give the encoding with --encoding, or the file with --data."
        )


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, decompressed if they are gzip."""
    first = next(chunks, b"")
    if not first.startswith(_GZIP):
        yield from filter(None, chain([first], chunks))
        return
    member = zlib.decompressobj(wbits=31)
    try:
        for chunk in chain([first], chunks):
            while chunk:
                if member.eof:  # gzip files may be concatenated
                    member = zlib.decompressobj(wbits=31)
                if content := member.decompress(chunk):
                    yield content
                chunk = member.unused_data
    except zlib.error as error:
        raise encodings.broken_gzip(SOURCE) from error
    if not member.eof:
        raise encodings.broken_gzip(SOURCE)
