"""Checkpoint manifest of a batch: which shards are finished, so a run can resume.

It also records the artefact, the flags and the inputs, so that the answers of two
artefacts or of two sets of flags are never mixed in one set of files. Knows no file
system: a manifest is text.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfnlp.cli.io.portions import Portion
from tfnlp.errors import UsageError


@dataclass(frozen=True)
class Counts:
    """Rows of a shard, or of several, and the seconds that they took."""

    rows: int = 0
    answered: int = 0
    rejected: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Counts(*(one + another for one, another in pairs))

    def table(self) -> str:
        """The table that a run prints at its end.

        Example:
        >>> print(Counts(rows=1_200, answered=1_199, rejected=1, seconds=2.0).table())
        rows      answered  rejected  seconds   rows/s
        1,200     1,199     1         2.0       600
        """
        speed = self.rows / self.seconds if self.seconds else 0.0
        names = ("rows", "answered", "rejected", "seconds", "rows/s")
        values = (*(f"{n:,}" for n in dataclasses.astuple(self)[:3]),)
        values += (f"{self.seconds:,.1f}", f"{speed:,.0f}")
        lines = ("".join(f"{cell:<10}" for cell in row) for row in (names, values))
        return "\n".join(line.rstrip() for line in lines)


@dataclass(frozen=True)
class Manifest:
    """The fingerprint of a run and its finished shards.

    Args:
        begun: see `begun_with`.
        finished: number of a shard → its counts.
    """

    begun: Mapping[str, Any]
    finished: Mapping[int, Counts] = dataclasses.field(default_factory=dict)

    def and_finished(self, shards: Mapping[int, Counts]) -> "Manifest":
        """A manifest with more shards finished."""
        return Manifest(self.begun, {**self.finished, **shards})

    def left(self) -> list[int]:
        """The shards that are not finished."""
        every = range(len(self.begun["shards"]))
        return [number for number in every if number not in self.finished]

    def total(self) -> Counts:
        """The counts of all finished shards."""
        return sum(self.finished.values(), Counts())

    def to_json(self) -> str:
        """The manifest as JSON, which `resumed` reads."""
        finished = {k: dataclasses.asdict(v) for k, v in self.finished.items()}
        return json.dumps({"begun": self.begun, "finished": finished}, indent=1)


def begun_with(
    artefact: Path,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Sequence[float]],
    shards: Sequence[Sequence[Portion]],
) -> dict[str, Any]:
    """The fingerprint of a run: all that decides the answers and their files.

    Args:
        artefact: the folder of a version.
        settings: flags by name.
        inputs: path → size and modification time.
        shards: the portions of each.
    """
    named = artefact.resolve()
    found = {
        "artefact": {
            "name": named.parent.name,
            "version": named.name,
            "sha256": fingerprint(artefact),
        },
        "settings": dict(settings),
        "inputs": {path: list(known) for path, known in inputs.items()},
        "shards": [[[p.written.path, p.start, p.stop] for p in s] for s in shards],
    }
    return json.loads(json.dumps(found))


def resumed(text: str, begun: Mapping[str, Any], where: str) -> Manifest:
    """Reads the manifest of a run that resumes.

    Args:
        begun: the fingerprint of this run.
        where: what messages call the manifest.

    Raises:
        UsageError: the fingerprints differ, or it is no manifest.
    """
    try:
        found = json.loads(text)
        finished = {int(k): Counts(**v) for k, v in found["finished"].items()}
        before = found["begun"]
        other = next(_differences(before, begun), None)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"A manifest says what a batch has finished. Received: {where}, which is "
            "damaged. --overwrite starts again."
        ) from error
    if other is not None:
        name, was, now = other
        raise UsageError(
            "A run resumes with the flags, files and artefact that it began with. "
            f"Received: {name} {_short(now)}, but {where} was begun with {_short(was)}."
            " Give the same again, or another --answers; --overwrite starts again."
        )
    return Manifest(before, finished)


def fingerprint(artefact: Path) -> str:
    """The SHA-256 of a version: graph, weights and task."""
    files = [artefact / "saved_model.pb", *sorted(artefact.glob("variables/*"))]
    found = hashlib.sha256()
    for file in [*files, artefact / "assets.extra" / "task.json"]:
        with file.open("rb") as opened:
            found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()


def _differences(
    before: Any, now: Any, name: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Name, old value and new value of each difference of two JSON values."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        if before != now:
            yield name, before, now
        return
    for key in _every(before, now):
        inside = key if name in ("", "settings") else f"{name} {key}"
        yield from _differences(before.get(key), now.get(key), inside)


def _every(*groups: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(key for group in groups for key in group))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
