"""Parses words of the command line by type annotation, and formats values."""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

NONE = "none"
_BOOLS = {"true": True, "false": False}


def convert(text: str, kind: Any) -> Any:
    """Reads a value of an annotation from one word.

    Args:
        kind: int, float, str, bool, Path, Literal, a tuple of those, or a union.

    Raises:
        ValueError: the word is no such value.

    Example:
    >>> convert("3", int), convert("true", bool), convert("none", int | None)
    (3, True, None)
    >>> convert("2,3", tuple[int, ...])
    (2, 3)
    """
    if is_union(kind):
        return _convert_union(text, kind)
    if is_many(kind):
        return convert_many(text.split(",") if text else [], kind)
    if get_origin(kind) is Literal:
        return _choose(text, {str(choice): choice for choice in get_args(kind)})
    if kind is bool:
        return _choose(text.lower(), _BOOLS)
    return kind(text)


def convert_many(words: list[str], kind: Any) -> tuple[Any, ...]:
    """Reads a tuple from the words of its items."""
    kinds = get_args(_member(kind))
    if kinds[-1] is Ellipsis:
        return tuple(convert(word, kinds[0]) for word in words)
    return tuple(convert(w, k) for w, k in zip(words, kinds, strict=True))


def is_union(kind: Any) -> bool:
    """Whether an annotation is ``A | B`` or ``Optional[A]``."""
    return get_origin(kind) in (Union, types.UnionType)


def is_many(kind: Any) -> bool:
    """Whether an annotation takes several words: a tuple, perhaps an optional one."""
    return get_origin(_member(kind)) is tuple


def accepts_none(kind: Any) -> bool:
    """Whether None is a value of the annotation."""
    return is_union(kind) and type(None) in get_args(kind)


def describe(kind: Any) -> str:
    """Names an annotation for a reader of ``--help`` or of an error.

    Example:
    >>> describe(int | None)
    'int or none'
    >>> describe(Literal["word", "character"])
    'word or character'
    """
    if is_union(kind):
        return " or ".join(describe(member) for member in get_args(kind))
    if is_many(kind):
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            return f"{describe(kinds[0])},…"
        return ",".join(describe(member) for member in kinds)
    if get_origin(kind) is Literal:
        return " or ".join(str(choice) for choice in get_args(kind))
    names = {type(None): NONE, str: "text", Path: "path", bool: "true or false"}
    return names.get(kind) or kind.__name__


def show(value: Any) -> str:
    """Writes a value as it would be typed.

    Example:
    >>> show((2, 3)), show(None), show(True)
    ('2,3', 'none', 'true')
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(show(item) for item in value)
    return str(value)


def _convert_union(text: str, kind: Any) -> Any:
    """The first type of a union that fits; text last, because it always fits."""
    if accepts_none(kind) and text.lower() == NONE:
        return None
    members = [member for member in get_args(kind) if member is not type(None)]
    for member in sorted(members, key=lambda member: member is str):
        try:
            return convert(text, member)
        except ValueError:
            continue
    raise ValueError(text)


def _choose(text: str, choices: dict[str, Any]) -> Any:
    if text not in choices:
        raise ValueError(text)
    return choices[text]


def _member(kind: Any) -> Any:
    """The tuple inside an optional tuple; anything else as it is."""
    if not is_union(kind):
        return kind
    tuples = [member for member in get_args(kind) if get_origin(member) is tuple]
    return tuples[0] if tuples else kind
