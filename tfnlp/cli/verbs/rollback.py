"""point a version label back at its previous version"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.export.savedmodel import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Undoes the last `tfnlp promote` of a version label.

    tfnlp rollback saved_models/demo
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    label: str = "stable"  # the label that moves back


def main(words: Sequence[str]) -> None:
    """Changes labels.json and models.config."""
    options = parse(Options, words, positional=("artefact",), command="tfnlp rollback")
    version = versions.rollback(Path(options.artefact), options.label)
    print(f"{options.label} is version {version}")
