"""Options of a function as words of the command line: ``cell=gru num_layers=2``."""

import ast
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tfnlp.errors import UsageError, nearest

_WORDS = {"true": True, "false": False, "none": None}


def assignments(words: Sequence[str], function: Callable) -> dict[str, Any]:
    """Reads ``name=value`` words as keyword arguments of a function.

    A value is a number, several between commas, true, false, none, or a text.

    Args:
        words: as typed behind a flag.
        function: takes the options; a name that it lacks is an error.

    Raises:
        UsageError: a word is no assignment, or names no option.

    Example:
    >>> def encoder(size, *, cell="lstm", kernel_sizes=(3,)): ...
    >>> assignments(["cell=gru", "kernel_sizes=2,3"], encoder)
    {'cell': 'gru', 'kernel_sizes': (2, 3)}
    """
    kinds = inspect.signature(function).parameters.values()
    known = [each.name for each in kinds if each.kind is each.KEYWORD_ONLY]
    found = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or name not in known:
            raise UsageError(
                f"An option is written name=value, with one of {', '.join(known)}. "
                f"Received: {word!r}.{nearest(name, known)}"
            )
        found[name] = _value(text)
    return found


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
