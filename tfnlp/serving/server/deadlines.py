"""Until when a request is worth an answer: nobody waits for it any longer then."""

import contextlib
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar

from tfnlp.serving.protocol.status import Refusal

_END: ContextVar[float] = ContextVar("end", default=math.inf)


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Work of this thread is worth so many seconds; None for no end."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    before = _END.set(end)
    try:
        yield
    finally:
        _END.reset(before)


def check() -> None:
    """Ends work that nobody waits for.

    Raises:
        Refusal: ``DEADLINE_EXCEEDED``.
    """
    if time.monotonic() > _END.get():
        raise Refusal("DEADLINE_EXCEEDED", "the answer took too long")
