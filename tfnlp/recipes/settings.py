"""The settings of a recipe as JSON values: what `--recipe` reads back."""

import dataclasses
import json
from typing import Any


def to_dict(recipe: Any) -> dict[str, Any]:
    """A recipe as JSON values, nested as it is; ``--recipe`` reads it back.

    Example:
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     widths: tuple[int, ...] = (2, 3)
    >>> to_dict(Recipe())
    {'widths': [2, 3]}
    """
    values: dict[str, Any] = json.loads(
        json.dumps(dataclasses.asdict(recipe), default=str)
    )
    return values
