"""Entry point of the console script ``tfnlp``: dispatches to a verb."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

from tfnlp.cli.interrupts import report_interrupted, terminated_as_interrupted

_NEXT = """\
Training is a script: `tfnlp init text_classification my.py` writes one to start from.
`tfnlp VERB --help` lists the flags of a verb; -v shows tracebacks and all logs.

exit codes: 0 done, 1 run time, 2 usage or recipe, 3 data rejected,
            4 quality gate not met, 5 export, 130 interrupted"""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tfnlp VERB …``.

    Raises:
        SystemExit: always, with the exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with terminated_as_interrupted():
        try:
            code = _run(words)
        except KeyboardInterrupt:  # before or after the guard
            code = report_interrupted()
    raise SystemExit(code)


def names() -> list[str]:
    """All verbs.

    Example:
    >>> names()
    ['audit', 'doctor', 'evaluate', 'export', 'generate', 'init', 'predict', ...]
    """
    from tfnlp.cli import verbs

    return sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))


def _run(words: list[str]) -> int:
    from tfnlp.cli.exit_codes import guard, is_verbose  # a slow import

    return guard(lambda: _dispatch(words), verbose=is_verbose(words))


def _dispatch(words: list[str]) -> None:
    import tfnlp
    from tfnlp.errors import UsageError, nearest

    while words and words[0] in ("-v", "--verbose"):
        words = words[1:]
    first = words[0] if words else "--help"
    if first in ("-h", "--help"):
        print(_help())
    elif first == "--version":
        print(f"tfnlp {tfnlp.__version__}")
    elif first in names():
        _verb(first).main(words[1:])
    else:
        raise UsageError(
            f"Unknown verb {first!r}.{nearest(first, names())} "
            f"Verbs: {', '.join(names())}."
        )


def _verb(name: str) -> ModuleType:
    return importlib.import_module(f"tfnlp.cli.verbs.{name}")


def _help() -> str:
    lines = [f"  {name:<10}{_summary(_verb(name))}" for name in names()]
    return "\n".join(["usage: tfnlp VERB …", "", *lines, "", _NEXT])


def _summary(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().splitlines()[0]
