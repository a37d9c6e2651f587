"""list the versions of an artefact, with labels and scores"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.errors import ArtefactError
from tfnlp.export.savedmodel import versions


@dataclass(frozen=True, kw_only=True)
class Options:
    """Lists the versions of an artefact, the newest first.

    tfnlp versions saved_models/demo
    """

    artefact: str  # folder of the versions, e.g. saved_models/demo
    json: bool = False  # print JSON lines instead of a table


@dataclass(frozen=True)
class Version:
    """A version, described without loading it."""

    version: int
    labels: list[str]
    written: str  # local time
    megabytes: float
    scores: dict[str, float]  # of its report, those with an interval first


def main(words: Sequence[str]) -> None:
    """Prints one line per version.

    Raises:
        ArtefactError: there is none.
    """
    options = parse(Options, words, positional=("artefact",), command="tfnlp versions")
    found = list(_described(Path(options.artefact)))
    if not found:
        raise ArtefactError(
            "An artefact is a folder of versions: 1, 2 and so on. "
            f"Received: {options.artefact}, which has none. "
            "Name the folder that a pipeline wrote, such as saved_models/demo."
        )
    print(_lines(found) if options.json else _table(found))


def _described(base: Path) -> Iterator[Version]:
    meant = versions.labels(base)
    for number in reversed(versions.versions(base)):
        folder = base / str(number)
        files = [path.stat() for path in folder.rglob("*") if path.is_file()]
        written = time.localtime(folder.stat().st_mtime)
        yield Version(
            number,
            sorted(label for label, version in meant.items() if version == number),
            time.strftime("%Y-%m-%d %H:%M", written),
            round(sum(file.st_size for file in files) / 1e6, 1),
            _scores(folder),
        )


def _scores(folder: Path) -> dict[str, float]:
    """The scores of a report; none if there is no report."""
    try:
        report = json.loads((folder / "assets.extra/report.json").read_text("utf-8"))
        names = dict.fromkeys([*report["intervals"], *report["scores"]])
        return {name: report["scores"][name] for name in names}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _lines(found: Sequence[Version]) -> str:
    return "\n".join(json.dumps(asdict(version)) for version in found)


def _table(found: Sequence[Version]) -> str:
    """Lines with a heading.

    Example:
    >>> print(_table([Version(2, ["stable"], "2026-01-02 03:04", 1.5, {"f1": 0.9})]))
    version  labels          written           MB        score
    2        stable          2026-01-02 03:04  1.5       f1 0.9000
    """
    heading = ("version", "labels", "written", "MB", "score")
    rows = [heading]
    for v in found:
        first = next((f"{n} {value:.4f}" for n, value in v.scores.items()), "")
        labels = ", ".join(v.labels)
        rows.append((str(v.version), labels, v.written, str(v.megabytes), first))
    return "\n".join(
        f"{a:<9}{b:<16}{c:<18}{d:<10}{e}".rstrip() for a, b, c, d, e in rows
    )
