"""point a version label (e.g. stable) at a version"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.export.savedmodel import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Points a version label at a version; TF Serving reads it from models.config.

    tfnlp promote saved_models/demo 3 --label canary
    tfnlp promote saved_models/demo none --label canary

    `none` instead of a version removes the label.
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    version: int | None  # version number, or none
    label: str = "stable"  # letters, digits and _


def main(words: Sequence[str]) -> None:
    """Changes labels.json and models.config."""
    options = parse(
        Options, words, positional=("artefact", "version"), command="tfnlp promote"
    )
    base, label = Path(options.artefact), options.label
    if options.version is None:
        versions.withdraw(base, label)
        return print(f"{label} is removed")
    versions.promote(base, options.version, label)
    print(f"{label} is version {options.version}")
