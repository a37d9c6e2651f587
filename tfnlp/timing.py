"""Wall-clock time by phase and peak memory, for reports."""

import contextlib
import sys
import time
from collections.abc import Iterator

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that `ru_maxrss` of `resource.getrusage` counts by."""


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


def peak_memory() -> dict[str, int]:
    """Peak resident memory of this process in bytes, where the system knows it.

    Example:
    >>> peak_memory()["peak_memory"] > 1_000_000
    True
    """
    try:
        import resource
    except ImportError:  # Windows
        return {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT
    return {"peak_memory": peak}
