"""Hyperparameters at their defaults, with the interface of KerasTuner.

One ``build(hp)`` serves both `fit`, which passes `Defaults()`, and a hyperparameter
search, which passes KerasTuner's ``HyperParameters``.
"""

from collections.abc import Sequence
from typing import Any

from tfnlp.errors import UsageError


class Defaults:
    """Stands in for ``keras_tuner.HyperParameters`` outside a search.

    Args:
        values: hyperparameters that replace the defaults, such as the best of a
            search.

    Example:
    >>> Defaults().Int("width", 32, 256, default=128)
    128
    >>> Defaults({"width": 64}).Int("width", 32, 256, default=128)
    64
    """

    def __init__(self, values: dict[str, Any] | None = None):
        self.values = dict(values or {})

    def Int(self, name: str, min_value: int, max_value: int, **options: Any) -> int:
        """An integer; without a default, the smallest."""
        return self._value(name, options.get("default"), min_value)

    def Float(
        self, name: str, min_value: float, max_value: float, **options: Any
    ) -> float:
        """A float; without a default, the smallest."""
        return self._value(name, options.get("default"), min_value)

    def Choice(self, name: str, values: Sequence[Any], **options: Any) -> Any:
        """One of several values; without a default, the first."""
        if not values:
            raise UsageError(
                f"A choice needs at least one value. Received: none for {name!r}. "
                f"List them: hp.Choice({name!r}, [...])."
            )
        return self._value(name, options.get("default"), values[0])

    def Boolean(self, name: str, default: bool = False, **options: Any) -> bool:
        """True or false."""
        return self._value(name, default, False)

    def Fixed(self, name: str, value: Any, **options: Any) -> Any:
        """A constant."""
        return value

    def _value(self, name: str, default: Any, otherwise: Any) -> Any:
        return self.values.get(name, otherwise if default is None else default)
