"""Command line → recipe: flags over a recipe file over the defaults.

A recipe is a frozen dataclass at the top of a script. What cannot be is said
here, before anything is read or trained, with the name of the flag.
"""

import dataclasses
import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from tfnlp.cli.parsing.flags import Flag, default_of, flags
from tfnlp.cli.parsing.recipe_files import read_recipe
from tfnlp.cli.parsing.renamed_flags import new_name
from tfnlp.cli.parsing.usage import help_text
from tfnlp.cli.parsing.values import is_many
from tfnlp.errors import UsageError
from tfnlp.recipes.settings import is_nested, prefix_of

Recipe = TypeVar("Recipe")
Words = dict[str, list[str]]
_SWITCHES = ("-h", "--help", "-v", "--verbose")


def parse(
    recipe: type[Recipe],
    argv: Sequence[str] | None = None,
    *,
    positional: tuple[str, ...] = (),
    command: str = "",
) -> Recipe:
    """Builds a recipe from flags; ``--help`` prints every flag and its default.

    Both ``--length 64`` and ``--length=64`` are read, ``--flag`` alone is true,
    ``none`` is None, several values stand behind one flag or between commas, and
    ``--recipe FILE`` (JSON or YAML) sets many at once; flags win over the file.

    Args:
        argv: the words behind the command; those of this process if not given.
        positional: fields that may be given by position.
        command: how the command is typed, for ``--help``.

    Raises:
        UsageError: a flag is unknown or missing, or a value is not of its type.

    Example:
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     epochs: int = 5
    >>> parse(Recipe, ["--epochs", "3"])
    Recipe(epochs=3)
    """
    values, others = _read(recipe, argv, positional, command)
    for name in others:
        raise unknown_flag(name, ["recipe", *flags(recipe)])
    return _build(recipe, values)


def parse_open(
    recipe: type[Recipe],
    argv: Sequence[str] | None = None,
    *,
    positional: tuple[str, ...] = (),
    command: str = "",
) -> tuple[Recipe, Words]:
    """Like `parse`, and returns unknown flags with their words instead of raising."""
    values, others = _read(recipe, argv, positional, command)
    return _build(recipe, values), others


def unknown_flag(name: str, known: Sequence[str]) -> UsageError:
    """The error about a flag that does not exist, with the one that was meant."""
    renamed = new_name(name, known)
    if renamed is not None:
        return UsageError(f"--{name} is called --{renamed} now. All flags: --help.")
    meant = {flag.rpartition(".")[2]: flag for flag in known}
    meant |= {flag: flag for flag in known}
    found = difflib.get_close_matches(name, meant, n=1) or difflib.get_close_matches(
        name.rpartition(".")[2], meant, n=1
    )
    hint = f" Did you mean --{meant[found[0]]}?" if found else ""
    return UsageError(f"Unknown flag --{name}.{hint} All flags: --help.")


def _read(
    recipe: type, argv: Sequence[str] | None, positional: Sequence[str], command: str
) -> tuple[dict[str, Any], Words]:
    """Flag → value, and the unknown flags; prints the help on --help."""
    words = list(sys.argv[1:] if argv is None else argv)
    known = flags(recipe)
    if {"-h", "--help"} & set(words):
        print(help_text(recipe, known, positional, command or f"python {sys.argv[0]}"))
        raise SystemExit(0)
    typed, others = _scan(words, known, positional)
    values: dict[str, Any] = {}
    for file in typed.pop("recipe", []):
        values |= read_recipe(Path(file), known)
    return values | {name: known[name].read(w) for name, w in typed.items()}, others


def _scan(
    words: list[str], known: Mapping[str, Flag], positional: Sequence[str]
) -> tuple[Words, Words]:
    """Sorts words into known and unknown flags.

    The last of a repeated flag wins, but lists of texts are put together.
    """
    typed: Words = {}
    others: Words = {}
    places = list(positional)
    switch = ""
    while words:
        word = words.pop(0)
        if word in _SWITCHES:
            continue
        if not word.startswith("--"):
            if not places:
                raise _stray(word, switch)
            typed[places.pop(0)] = [word]
            continue
        name, equals, value = word[2:].partition("=")
        name, left = _spelling(name, known), len(words)
        if equals:
            found = [value]
        else:
            found = _take(words, known.get(name), scalar=name == "recipe")
        alone = found == ["true"] and len(words) == left and not equals
        switch = name if alone else ""
        if name in typed and known[name].kind == tuple[str, ...]:
            typed[name] += found
        elif name in known or name == "recipe":
            typed[name] = found
        else:
            others.setdefault(name, []).extend(found)
    return typed, others


def _stray(word: str, switch: str) -> UsageError:
    """What is said of a word that belongs to no flag, but may follow a switch."""
    if switch:
        return UsageError(
            f"--{switch} must be true or false. Received: {word}. "
            "The flag alone is true."
        )
    return UsageError(
        f"A value must follow its flag. Received: {word!r} alone. All flags: --help."
    )


def _spelling(name: str, known: Mapping[str, Flag]) -> str:
    """``batch-size`` is read as ``batch_size`` if only that one exists."""
    other = name.replace("-", "_")
    return other if name not in known and other in known else name


def _take(words: list[str], flag: Flag | None, *, scalar: bool) -> list[str]:
    """Takes the values that belong to a flag off the front of the words."""
    if flag is not None and flag.kind is bool:
        stated = bool(words) and words[0].lower() in ("true", "false")
        return [words.pop(0)] if stated else ["true"]
    many = not scalar and (flag is None or is_many(flag.kind))
    found: list[str] = []
    while words and not words[0].startswith("--") and (many or not found):
        found.append(words.pop(0))
    return found


def _build(
    recipe: type, values: Mapping[str, Any], prefix: str = "", given: Any = None
) -> Any:
    """An instance with some values set and defaults for the rest."""
    kinds = get_type_hints(recipe)
    arguments = {}
    for field in dataclasses.fields(recipe):
        name, kind = prefix + prefix_of(field), kinds[field.name]
        default = default_of(field, given)
        if is_nested(kind):
            inner = None if default is dataclasses.MISSING else default
            arguments[field.name] = _build(kind, values, f"{name}.", inner)
        elif name in values:
            arguments[field.name] = values[name]
        elif default is dataclasses.MISSING:
            raise UsageError(f"--{name} is required. Received: nothing. See --help.")
        else:
            arguments[field.name] = default
    try:
        return recipe(**arguments)
    except UsageError as error:
        raise _about_flag(error, arguments, prefix) from error


def _about_flag(error: UsageError, fields: Iterable[str], prefix: str) -> UsageError:
    """What a dataclass says of one of its fields, said of the flag."""
    name, _, rest = str(error).partition(" ")
    return UsageError(f"--{prefix}{name} {rest}") if name in fields else error
