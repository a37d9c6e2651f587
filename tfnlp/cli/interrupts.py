"""Ctrl-C and SIGTERM: one line and exit code 130, from the first moment on.

Loads next to nothing, so that the console script can listen before it loads more.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

INTERRUPTED = 130


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Ends on SIGTERM as on Ctrl-C, so that half-written folders are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(message: str) -> None:
    """Writes an error to stderr, as one line."""
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    start = "\x1b[31merror:\x1b[0m" if colour else "error:"
    print(f"{start} {message}", file=sys.stderr)


def tell_interrupted() -> int:
    """Says that the command was interrupted; returns its exit code."""
    tell("Interrupted.")
    return INTERRUPTED


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error came of Ctrl-C, as when it hits a module that is half loaded.

    Example:
    >>> try:
    ...     raise ImportError("initialization failed") from KeyboardInterrupt()
    ... except ImportError as error:
    ...     is_interruption(error)
    True
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
