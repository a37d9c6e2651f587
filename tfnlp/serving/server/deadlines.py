"""Request deadlines: work whose client has given up is cancelled between batches."""

import contextlib
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar

from tfnlp.serving.protocol.status import StatusError

_END: ContextVar[float] = ContextVar("end", default=math.inf)


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Sets the deadline of this thread, in seconds from now; None for no deadline."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    before = _END.set(end)
    try:
        yield
    finally:
        _END.reset(before)


def check() -> None:
    """Raises if the deadline of this thread has passed.

    Raises:
        StatusError: ``DEADLINE_EXCEEDED``.
    """
    if time.monotonic() > _END.get():
        raise StatusError("DEADLINE_EXCEEDED", "the answer took too long")
