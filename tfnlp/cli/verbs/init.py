"""copy a pipeline script to start from"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.errors import UsageError, nearest

_PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    """Copies a pipeline script to start from.

    tfnlp init text_classification my.py
    """

    pipeline: str  # name of the script, without .py
    file: str = ""  # where to write it; default: its own name, here


def main(words: Sequence[str]) -> None:
    """Copies the script and the scripts it imports; overwrites no file."""
    options = parse(
        Options, words, positional=("pipeline", "file"), command="tfnlp init"
    )
    source, target = _source(options.pipeline), _target(options)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(source.read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise UsageError(
            f"init overwrites no file. Received: {target}, which exists. "
            "Give another file name."
        ) from error
    for name, sibling in pipelines().items():
        beside = target.with_name(f"{name}.py")
        if f"\nimport {name}\n" in source.read_text("utf-8") and not beside.exists():
            beside.write_text(sibling.read_text("utf-8"), "utf-8")
            print(f"{beside}: imported by {target.name}", file=sys.stderr)
    print(f"{target}: try `python {target} --help`", file=sys.stderr)


def pipelines() -> dict[str, Path]:
    """Name → script, in the installed package or in a checkout."""
    folders = (_PACKAGE / "_pipelines", _PACKAGE.parent / "pipelines")
    folder = next((f for f in folders if f.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}


def _source(name: str) -> Path:
    known = pipelines()
    plain = name.removesuffix(".py").replace("-", "_")
    if plain not in known:
        raise UsageError(
            f"Unknown pipeline {name!r}.{nearest(plain, known)} "
            f"Pipelines: {', '.join(known) or 'none found'}."
        )
    return known[plain]


def _target(options: Options) -> Path:
    target = Path(options.file or f"{Path(options.pipeline).stem}.py")
    return target / f"{options.pipeline}.py" if target.is_dir() else target
