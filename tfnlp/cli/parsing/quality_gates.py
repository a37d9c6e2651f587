"""Quality gates: bounds that scores must keep, as typed with ``--gate``.

Knows no task: whether a bound is the lowest or the highest follows from the name of
the score (see `tfnlp.scores.directions`), unless the gate says it with ``>=`` or
``<=``.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfnlp.errors import TfnlpError, UsageError, nearest
from tfnlp.scores.directions import lower_is_better

_WRITTEN = re.compile(r"\s*([^<>=\s]+)\s*(>=|<=|=)\s*(\S+)\s*")


class GateError(TfnlpError):
    """A score does not keep its `--gate`."""

    exit_code = 4


@dataclass(frozen=True)
class Gate:
    """A bound that a score must keep."""

    score: str
    highest: bool
    """Whether the bound is the highest that is accepted, not the lowest."""
    bound: float

    def check(self, scores: Mapping[str, float]) -> None:
        """Compares the score with the bound.

        Raises:
            UsageError: there is no such score.
            GateError: the score is beyond the bound, or is not a number.
        """
        check_names([self], scores)
        found = scores[self.score]
        if not (found <= self.bound if self.highest else found >= self.bound):
            raise GateError(
                f"{self.score} must be at {'most' if self.highest else 'least'} "
                f"{self.bound:g}. Received: {found:.4f}."
            )


def read_gates(words: Iterable[str]) -> list[Gate]:
    """Parses gates.

    Raises:
        UsageError: a word is no gate.

    Example:
    >>> read_gates(["accuracy=0.8"])
    [Gate(score='accuracy', highest=False, bound=0.8)]
    >>> [gate.highest for gate in read_gates(["log_loss=0.5", "f1>=0.5", "loss<=1"])]
    [True, False, True]
    """
    return [_gate(word) for word in words]


def check_names(gates: Iterable[Gate], scores: Iterable[str]) -> None:
    """Checks that every gate names a score.

    Raises:
        UsageError: a gate names no score.
    """
    known: Sequence[str] = list(scores)
    for gate in gates:
        if gate.score not in known:
            raise UsageError(
                f"--gate names a score. Received: {gate.score!r}."
                f"{nearest(gate.score, known)} Scores: {', '.join(known)}."
            )


def _gate(word: str) -> Gate:
    found = _WRITTEN.fullmatch(word)
    bound = _number(found[3]) if found else None
    if found is None or bound is None:
        raise UsageError(
            "--gate is written SCORE=BOUND, 'SCORE>=LOWEST' or 'SCORE<=HIGHEST'. "
            f"Received: {word!r}. Example: --gate accuracy=0.8"
        )
    highest = found[2] == "<=" or (found[2] == "=" and lower_is_better(found[1]))
    return Gate(found[1], highest, bound)


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return None if math.isnan(value) else value
