"""Recipes as values by flag: what ``--recipe`` reads back."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar

Recipe = TypeVar("Recipe")
PREFIX = "prefix"
"""Key of a field's metadata: how the flags of the dataclass in it begin.

Without it they begin with the field's name. `encoder_options` has ``encoder``, so that
``--encoder`` names one and ``--encoder.hidden_dim`` is an option of it.
"""


def prefix_of(field: dataclasses.Field) -> str:
    """How the flag of a field is called, and how those inside it begin."""
    return field.metadata.get(PREFIX, field.name)


def is_nested(kind: Any) -> bool:
    """Whether an annotation is a dataclass, whose fields are flags with a dot."""
    return dataclasses.is_dataclass(kind) and isinstance(kind, type)


def by_flag(recipe: Any) -> dict[str, Any]:
    """Flag → value, dotted names of nested options included.

    Example:
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     widths: tuple[int, ...] = (2, 3)
    >>> by_flag(Recipe())
    {'widths': (2, 3)}
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(recipe):
        value, name = getattr(recipe, field.name), prefix_of(field)
        if dataclasses.is_dataclass(value):
            inner = by_flag(value).items()
            found |= {f"{name}.{each}": item for each, item in inner}
        else:
            found[name] = value
    return found


def to_dict(recipe: Any) -> dict[str, Any]:
    """A recipe as JSON values, nested as its flags are; ``--recipe`` reads it back.

    Example:
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     widths: tuple[int, ...] = (2, 3)
    >>> to_dict(Recipe())
    {'widths': [2, 3]}
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if not dataclasses.is_dataclass(value):
            found[field.name] = value
        elif PREFIX in field.metadata:
            inner = to_dict(value).items()
            found |= {f"{prefix_of(field)}.{name}": each for name, each in inner}
        else:
            found[field.name] = to_dict(value)
    values: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return values


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """A recipe with other values of some flags, dotted ones included.

    Example:
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     rate: float = 0.1
    >>> changed(Recipe(), {"rate": 0.5})
    Recipe(rate=0.5)
    """
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        else:
            own[name] = value
    for field in dataclasses.fields(recipe):  # type: ignore[arg-type]
        value = getattr(recipe, field.name)
        if dataclasses.is_dataclass(value) and prefix_of(field) in inner:
            own[field.name] = changed(value, inner.pop(prefix_of(field)))
    return dataclasses.replace(recipe, **own)  # type: ignore[type-var]
