"""delete old versions of an artefact"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.export.savedmodel import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Deletes all but the newest versions.

    Keeps versions with a label, and those that `tfnlp rollback` would restore. Exports
    of a deleted version (onnx/3, litert/3) are deleted with it.

    tfnlp prune saved_models/demo --keep 3
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    keep: int = 3  # number of newest versions to keep


def main(words: Sequence[str]) -> None:
    """Deletes folders and prints their names."""
    options = parse(Options, words, positional=("artefact",), command="tfnlp prune")
    gone = versions.prune(Path(options.artefact), keep=options.keep)
    print(f"removed: {', '.join(gone) or 'none'}")
