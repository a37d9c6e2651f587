"""Asks again what failed for a moment, later and later, until a deadline."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tfnlp.errors import RequestError, ServerError, TfnlpError, UsageError
from tfnlp.serving.protocol.status import Refusal

Answer = TypeVar("Answer")
PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
"""Codes that may be gone with the next request."""
_WRONG = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a client asks, and how long it waits.

    Args:
        most: how often it asks again.
        first: seconds before the second question, doubled each time.
        longest: seconds between two questions.
        deadline: seconds for all of them.

    Raises:
        UsageError: a number is below its least.
    """

    most: int = 4
    first: float = 0.1
    longest: float = 5.0
    deadline: float = 60.0

    def __post_init__(self) -> None:
        if self.most < 0 or self.first < 0 or self.deadline <= 0:
            raise UsageError(
                "retries and their times are 0 or more, and the deadline is above 0. "
                f"Received: {self}."
            )

    def ask(self, question: Callable[[float], Answer]) -> Answer:
        """Asks until there is an answer.

        Args:
            question: takes the seconds that are left, and raises a `Refusal`.

        Raises:
            RequestError: the request cannot be answered.
            ServerError: there was no answer in time.
        """
        end = time.monotonic() + self.deadline
        for pause in self._pauses():
            try:
                return question(end - time.monotonic())
            except Refusal as refusal:
                _check_passing(refusal, pause, end)
            time.sleep(pause)
        raise AssertionError("the last pause is endless, and no question follows it")

    async def ask_async(self, question: Callable[[float], Awaitable[Answer]]) -> Answer:
        """Like `ask`, for a question that is awaited."""
        end = time.monotonic() + self.deadline
        for pause in self._pauses():
            try:
                return await question(end - time.monotonic())
            except Refusal as refusal:
                _check_passing(refusal, pause, end)
            await asyncio.sleep(pause)
        raise AssertionError("the last pause is endless, and no question follows it")

    def _pauses(self) -> list[float]:
        """Seconds after each question, drawn, so that clients do not meet again."""
        waits = [min(self.first * 2**k, self.longest) for k in range(self.most)]
        return [wait * random.uniform(0.5, 1.0) for wait in waits] + [math.inf]


def error_of(refusal: Refusal) -> TfnlpError:
    """What a client raises for a status.

    Example:
    >>> error_of(Refusal("INVALID_ARGUMENT", "No values in 'instances' array"))
    RequestError("No values in 'instances' array")
    """
    if refusal.code in _WRONG:
        return RequestError(refusal.message)
    if refusal.code == "NOT_FOUND":
        return RequestError(
            "An address names a model and a version that the server has. "
            f"Received: {refusal.message.rstrip('.')}. Check the address."
        )
    return ServerError(f"There is no answer: {refusal.code}. {refusal.message}")


def _check_passing(refusal: Refusal, pause: float, end: float) -> None:
    """Raises unless it makes sense to ask again after a pause."""
    if refusal.code not in PASSING or time.monotonic() + pause >= end:
        raise error_of(refusal) from refusal
