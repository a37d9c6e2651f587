"""The fields of a dataclass as flags: name, type, default and help.

A field's help is the comment behind it, so that a recipe reads as one table::

    length: int = 128  # tokens kept of each text
"""

import ast
import dataclasses
import inspect
import io
import json
import textwrap
import tokenize
from dataclasses import dataclass
from typing import Any, get_type_hints

from tfnlp.cli.parsing.values import (
    accepts_none,
    convert,
    convert_many,
    describe,
    is_many,
)
from tfnlp.errors import UsageError, nearest
from tfnlp.recipes.settings import is_nested, prefix_of


@dataclass(frozen=True)
class Flag:
    """One flag: a field of a recipe, or of a dataclass inside it."""

    name: str  # dotted, as typed: training.epochs
    kind: Any  # the annotation
    default: Any  # dataclasses.MISSING if the flag must be given
    help: str

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is dataclasses.MISSING

    def read(self, words: list[str]) -> Any:
        """The value that the words behind the flag stand for.

        Raises:
            UsageError: the words are no such value.
        """
        try:
            if is_many(self.kind) and len(words) != 1:
                return convert_many(words, self.kind)
            (word,) = words
            return convert(word, self.kind)
        except ValueError as error:
            raise self._wrong(" ".join(words)) from error

    def load(self, value: Any) -> Any:
        """A value out of a recipe file, checked as if it had been typed."""
        if value is None and accepts_none(self.kind):
            return None
        if value is None or isinstance(value, list) != is_many(self.kind):
            raise self._wrong(json.dumps(value))
        if not isinstance(value, list):
            return self.read([str(value)])
        try:
            return convert_many([str(item) for item in value], self.kind)
        except ValueError as error:
            raise self._wrong(json.dumps(value)) from error

    def _wrong(self, received: str) -> UsageError:
        meant = nearest(received, describe(self.kind).split(" or "))
        return UsageError(
            f"--{self.name} must be {describe(self.kind)}. "
            f"Received: {received or 'nothing'}.{meant}"
        )


def flags(recipe: type, *, prefix: str = "", given: Any = None) -> dict[str, Flag]:
    """Lists the flags of a dataclass; a nested dataclass gives dotted names.

    Args:
        prefix: what the names begin with.
        given: an instance whose values are the defaults.

    Example:
    >>> @dataclass(frozen=True)
    ... class Recipe:
    ...     epochs: int = 5
    >>> flags(Recipe)["epochs"].default
    5
    """
    kinds, comments = get_type_hints(recipe), _comments(recipe)
    found: dict[str, Flag] = {}
    for field in dataclasses.fields(recipe):
        kind = kinds[field.name]
        name, default = prefix + prefix_of(field), default_of(field, given)
        if is_nested(kind):
            inner = None if default is dataclasses.MISSING else default
            found |= flags(kind, prefix=f"{name}.", given=inner)
        else:
            text = field.metadata.get("help") or comments.get(field.name, "")
            found[name] = Flag(name, kind, default, text)
    return found


def default_of(field: dataclasses.Field, given: Any = None) -> Any:
    """The default of a field, or of the same field in a given instance."""
    if given is not None:
        return getattr(given, field.name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _comments(recipe: type) -> dict[str, str]:
    """Field → the comment on its lines, or the docstring under it; bases included."""
    found: dict[str, str] = {}
    for kind in reversed(recipe.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(kind))
        except (OSError, TypeError):  # made at run time: there is no source
            continue
        found |= _comments_in(source)
    return found


def _comments_in(source: str) -> dict[str, str]:
    lines = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    definition = ast.parse(source).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        rows = range(node.end_lineno or node.lineno, node.lineno - 1, -1)
        comment = next((lines[row] for row in rows if row in lines), "")
        found[node.target.id] = comment or _docstring(after)
    return found


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value).strip().splitlines()[0]
    return ""
