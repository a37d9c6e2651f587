"""What the trials in a folder share, so that a search goes on only with its own.

KerasTuner reads back whatever trials it finds, of another score or of other rows, too.
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


class Notes:
    """The facts that all trials of a search share, in a file beside them.

    Args:
        folder: of the search.
        facts: name → JSON value, or rows, of which a digest is taken.
    """

    def __init__(self, folder: str | Path, facts: Mapping[str, Any]) -> None:
        self.trials = Path(folder) / TRIALS
        self.facts = json.loads(json.dumps(facts, default=_plain))

    @property
    def file(self) -> Path:
        """Where they are."""
        return self.trials / "common.json"

    def check(self) -> None:
        """Says in what the trials that are there differ, if there are some.

        Raises:
            UsageError: they are of another search.
        """
        if self.file.exists():
            found = json.loads(self.file.read_text(encoding="utf-8"))
            told = "; ".join(_differences(found, self.facts))
        else:
            unknown = (self.trials / "oracle.json").exists()
            told = "of which nothing is noted" if unknown else ""
        if told:
            raise UsageError(
                "A search goes on only as it was begun. "
                f"Received: {self.trials} with trials {told}. Give this search a "
                "folder of its own (of a script: another --name), or delete "
                f"{self.trials} to try everything anew."
            )

    def write(self) -> None:
        """Writes them; whoever reads sees all or nothing."""
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
