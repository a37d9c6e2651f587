"""Signal handling: Ctrl-C and SIGTERM end with one line and exit code 130.

Imports next to nothing, so that signals are handled before the slow imports.
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
    """Raises KeyboardInterrupt on SIGTERM, so that half-written folders are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def print_error(message: str) -> None:
    """Prints an error to standard error, as one line."""
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    start = "\x1b[31merror:\x1b[0m" if colour else "error:"
    print(f"{start} {message}", file=sys.stderr)


def report_interrupted() -> int:
    """Prints that the command was interrupted; returns its exit code."""
    print_error("Interrupted.")
    return INTERRUPTED


def is_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error, as in a module that is half imported.

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
