"""let a label such as stable mean a version of an artefact"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.recipes import parse
from tfnlp.export import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Lets a label mean a version, and tells TF Serving in models.config.

    tfnlp promote saved_models/demo 3 --label canary
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    version: int  # its number
    label: str = "stable"  # letters, digits and _


def main(words: Sequence[str]) -> None:
    """Changes labels.json and models.config."""
    options = parse(
        Options, words, positional=("artefact", "version"), command="tfnlp promote"
    )
    versions.promote(Path(options.artefact), options.version, options.label)
    print(f"{options.label} is version {options.version}")
