"""The manifest of a hyperparameter search, so that it resumes only its own trials.

KerasTuner reads back any trials that it finds: also those of another objective or of
other rows.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfnlp.data.rows import digest
from tfnlp.errors import UsageError

TRIALS = "trials"
"""Folder of the trials in that of a search."""
_WIDEST = 80


class SearchManifest:
    """What all trials of a search have in common, in a file beside them.

    Args:
        folder: of the search.
        facts: name → JSON value, or rows, of which a digest is taken.
    """

    def __init__(self, folder: str | Path, facts: Mapping[str, Any]) -> None:
        self.trials = Path(folder) / TRIALS
        self.facts = json.loads(json.dumps(facts, default=_plain))

    @property
    def file(self) -> Path:
        """`common.json` beside the trials."""
        return self.trials / "common.json"

    def check(self) -> None:
        """Compares the trials in the folder, if there are any, with this search.

        Raises:
            UsageError: they belong to another search.
        """
        if self.file.exists():
            found = json.loads(self.file.read_text(encoding="utf-8"))
            found_trials = "; ".join(_differences(found, self.facts))
        else:
            unknown = (self.trials / "oracle.json").exists()
            found_trials = "without a manifest" if unknown else ""
        if found_trials:
            raise UsageError(
                "A search resumes with the options it was started with. Received: "
                f"{self.trials} with trials {found_trials}. Use another folder (in a "
                f"script: another name), or delete {self.trials} to start over."
            )

    def write(self) -> None:
        """Writes the file atomically."""
        self.trials.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(self.facts, indent=1) + "\n", encoding="utf-8")
        new.replace(self.file)


def _plain(value: Any) -> str:
    return digest(value) if isinstance(value, tf.data.Dataset) else str(value)


def _differences(found: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys([*found, *facts])
    return [
        f"of {name} {_short(name, found)}, not {_short(name, facts)}"
        for name in names
        if name not in found or name not in facts or found[name] != facts[name]
    ]


def _short(name: str, facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts[name], ensure_ascii=False) if name in facts else "nothing"
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
