"""remove old versions of an artefact"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.export.savedmodel import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Removes all but the newest versions.

    A version with a label stays, and so does the one that `tfnlp rollback` takes. With
    a version goes what `tfnlp export` made of it: onnx/3, litert/3.

    tfnlp prune saved_models/demo --keep 3
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    keep: int = 3  # versions, the newest


def main(words: Sequence[str]) -> None:
    """Removes folders and says which."""
    options = parse(Options, words, positional=("artefact",), command="tfnlp prune")
    gone = versions.prune(Path(options.artefact), keep=options.keep)
    print(f"removed: {', '.join(gone) or 'none'}")
