"""The text of ``--help``: usage, flags by group, types and defaults."""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence

from tfnlp.cli.parsing.flags import Flag
from tfnlp.cli.parsing.values import describe, show

_WIDEST = 34
_COMMON = (
    ("--recipe path", "JSON or YAML file that sets any of these"),
    ("-v, --verbose", "show tracebacks and all logs"),
    ("-h, --help", "show this and stop"),
)


def help_text(
    recipe: type, known: Mapping[str, Flag], positional: Sequence[str], command: str
) -> str:
    """The text of ``--help``: what the command does, then every flag."""
    doc = recipe.__doc__ or ""
    if doc.startswith(f"{recipe.__name__}("):  # written by dataclass itself
        doc = sys.modules[recipe.__module__].__doc__ or ""
    words = [name.upper() for name in positional]
    words += [
        f"--{flag.name} …"
        for flag in known.values()
        if flag.required and flag.name not in positional
    ]
    usage = " ".join([command, *words, "[--flag value …]"])
    lines = [f"usage: {usage}", "", inspect.cleandoc(doc), ""]
    width = _width(known)
    for heading, names in _groups(recipe, known):
        lines += [heading, *(_line(known[name], width=width) for name in names), ""]
    common = [f"  {name:<{width}}  {text}" for name, text in _COMMON]
    return "\n".join([*lines, "all commands:", *common])


def _groups(recipe: type, known: Mapping[str, Flag]) -> Iterator[tuple[str, list[str]]]:
    """The recipe's own flags, then those of each base class under its summary."""
    left = list(known)
    for kind in recipe.__mro__[:-1]:
        own = vars(kind).get("__annotations__", ())
        names = [name for name in left if name.split(".")[0] in own]
        left = [name for name in left if name not in names]
        if names:
            first = inspect.cleandoc(kind.__doc__ or kind.__name__).splitlines()[0]
            yield ("flags:" if kind is recipe else f"{first.rstrip('.')}:"), names


def _line(flag: Flag, *, width: int) -> str:
    """One flag: name and type, help, default; help moves down if there is no room."""
    start = f"  {_start(flag):<{width}}"
    if len(_start(flag)) > width:
        start = f"  {_start(flag)}\n  {'':<{width}}"
    default = "required" if flag.required else f"default: {show(flag.default) or '-'}"
    return f"{start}  {flag.help}{' ' if flag.help else ''}({default})"


def _start(flag: Flag) -> str:
    return f"--{flag.name} {describe(flag.kind)}"


def _width(known: Mapping[str, Flag]) -> int:
    fitting = [len(_start(f)) for f in known.values() if len(_start(f)) <= _WIDEST]
    return max([*fitting, len(_COMMON[0][0])])
