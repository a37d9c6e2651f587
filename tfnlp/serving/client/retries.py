"""Retry policy of a client: exponential backoff with jitter, until a deadline."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tfnlp.errors import RequestError, ServerError, TfnlpError, UsageError
from tfnlp.serving.protocol.status import StatusError

Answer = TypeVar("Answer")
TRANSIENT = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
"""Status codes of transient errors, which are retried."""
_WRONG = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """Retry policy: exponential backoff with jitter and an overall deadline.

    Args:
        max_retries: attempts after the first one.
        initial_backoff: seconds before the first retry, doubled each time.
        max_backoff: the longest pause in seconds.
        deadline: seconds for all attempts together.

    Raises:
        UsageError: a value is below its minimum.
    """

    max_retries: int = 4
    initial_backoff: float = 0.1
    max_backoff: float = 5.0
    deadline: float = 60.0

    def __post_init__(self) -> None:
        if self.max_retries < 0 or self.initial_backoff < 0 or self.deadline <= 0:
            raise UsageError(
                "retries and their times are 0 or more, and the deadline is above 0. "
                f"Received: {self}."
            )

    def call(self, send: Callable[[float], Answer]) -> Answer:
        """Calls a function until it succeeds.

        Args:
            send: takes the remaining seconds; raises `StatusError`.

        Raises:
            RequestError: the request is invalid.
            ServerError: no attempt succeeded in time.
        """
        end = time.monotonic() + self.deadline
        for pause in self._pauses():
            try:
                return send(end - time.monotonic())
            except StatusError as error:
                _check_transient(error, pause, end)
            time.sleep(pause)
        raise AssertionError("the last pause is infinite, and no attempt follows it")

    async def call_async(self, send: Callable[[float], Awaitable[Answer]]) -> Answer:
        """Like `call`, for a coroutine function."""
        end = time.monotonic() + self.deadline
        for pause in self._pauses():
            try:
                return await send(end - time.monotonic())
            except StatusError as error:
                _check_transient(error, pause, end)
            await asyncio.sleep(pause)
        raise AssertionError("the last pause is infinite, and no attempt follows it")

    def _pauses(self) -> list[float]:
        """Pauses in seconds, with jitter, so that clients do not retry in step."""
        waits = [
            min(self.initial_backoff * 2**k, self.max_backoff)
            for k in range(self.max_retries)
        ]
        return [wait * random.uniform(0.5, 1.0) for wait in waits] + [math.inf]


def to_exception(error: StatusError) -> TfnlpError:
    """The exception that a client raises for a status.

    Example:
    >>> to_exception(StatusError("INVALID_ARGUMENT", "No values in 'instances' array"))
    RequestError("No values in 'instances' array")
    """
    if error.code in _WRONG:
        return RequestError(error.message)
    if error.code == "NOT_FOUND":
        return RequestError(
            "An address names a model and a version that the server has. "
            f"Received: {error.message.rstrip('.')}. Check the address."
        )
    return ServerError(f"There is no answer: {error.code}. {error.message}")


def _check_transient(error: StatusError, pause: float, end: float) -> None:
    """Raises unless a retry after the pause makes sense."""
    if error.code not in TRANSIENT or time.monotonic() + pause >= end:
        raise to_exception(error) from error
