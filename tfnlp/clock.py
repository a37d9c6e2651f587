"""Seconds by phase: what a run reports about its time."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Measures the phases of a run by name.

    Example:
    >>> clock = Clock()
    >>> with clock.phase("read"):
    ...     rows = [1, 2, 3]
    >>> list(clock.seconds)
    ['read']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the seconds of the block to those of the phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + took
