"""Progress bar of rows on standard error: count, speed, share and time left.

On a terminal one line is rewritten; elsewhere, as in a log, a line is added every half
minute. Knows nothing of what is done with the rows.
"""

import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, BinaryIO, TextIO, TypeVar

Item = TypeVar("Item")
OFTEN, SELDOM = 0.2, 30.0
"""Seconds between two updates: on a terminal, and elsewhere."""


class Counted:
    """A file that counts the bytes read from it.

    Args:
        file: binary; if it is a file on disk, `size` is the rest of its bytes.

    Example:
    >>> import io
    >>> file = Counted(io.BytesIO(b"good"))
    >>> file.read(3), file.done, file.size
    (b'goo', 3, None)
    """

    def __init__(self, file: BinaryIO):
        self._file, self.done, self.size = file, 0, _left(file)

    def read(self, size: int = -1) -> bytes:
        """Reads some bytes."""
        content = self._file.read(size)
        self.done += len(content or b"")
        return content

    def fileno(self) -> int:
        """Its file descriptor, for `select`."""
        return self._file.fileno()


class Progress:
    """Prints how many rows are done, rows per second, and the time left.

    Args:
        size: bytes of the whole input, if known.
        quiet: print nothing.
        to: a stream; default: standard error.
        now: the clock, in seconds.

    Example:
    >>> import io
    >>> time, out = iter([0.0, 31.0, 60.0]), io.StringIO()
    >>> with Progress(2_000_000, to=out, now=lambda: next(time)) as progress:
    ...     progress.add(62_000, done=500_000)
    >>> print(out.getvalue().splitlines()[0])
    62,000 rows, 2,000 rows/s, 0.5 of 2.0 MB (25 %), 1:33 left
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        quiet: bool = False,
        to: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ):
        self.rows = self.done = 0
        self._size, self._quiet, self._now = size, quiet, now
        self._to = sys.stderr if to is None else to
        self._terminal = bool(self._to and self._to.isatty())
        self._every = OFTEN if self._terminal else SELDOM
        self._start = self._printed = now()
        self._width = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._printed > self._start:  # a short run prints nothing
            self._print(self._now(), last=True)

    def add(self, rows: int, *, done: int | None = None) -> None:
        """Counts rows, and prints an update if one is due.

        Args:
            done: bytes read so far, in total.
        """
        self.rows += rows
        self.done = self.done if done is None else done
        now = self._now()
        if now - self._printed >= self._every:
            self._print(now)

    def over(
        self, items: Iterable[Item], done: Callable[[], int] | None = None
    ) -> Iterator[Item]:
        """The same items, each counted when the next one is requested."""
        for item in items:
            yield item
            self.add(1, done=done() if done else None)

    def line(self, seconds: float) -> str:
        """The text of an update, given the seconds since the start."""
        parts = [f"{self.rows:,} rows", f"{self.rows / max(seconds, 1e-9):,.0f} rows/s"]
        if self._size:
            share = min(self.done / self._size, 1.0)
            parts.append(f"{_mega(self.done)} of {_mega(self._size)} MB ({share:.0%})")
            parts[-1] = parts[-1].replace("%", " %")
            if 0.0 < share < 1.0:
                parts.append(f"{_minutes(seconds * (1 / share - 1))} left")
        elif self.done:
            parts.append(f"{_mega(self.done)} MB")
        return ", ".join(parts)

    def _print(self, now: float, *, last: bool = False) -> None:
        self._printed = now
        if self._quiet or self._to is None:
            return
        line = self.line(now - self._start)
        if self._terminal:
            gap = " " * max(self._width - len(line), 0)
            self._width = len(line)
            line = f"\r{line}{gap}"
        print(line, end="\n" if last or not self._terminal else "", file=self._to)
        self._to.flush()


def shown(*, quiet: bool = False) -> bool:
    """Whether progress may be shown: not where answers scroll past on a terminal.

    Example:
    >>> shown(quiet=True)
    False
    """
    if quiet or sys.stderr is None:
        return False
    both = sys.stderr.isatty() and sys.stdout is not None and sys.stdout.isatty()
    return not both


def _left(file: Any) -> int | None:
    """Bytes from here to the end of a file on disk; None for a pipe."""
    try:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return None
        return max(found.st_size - os.lseek(file.fileno(), 0, os.SEEK_CUR), 0)
    except (OSError, ValueError):  # bytes in memory
        return None


def _mega(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
