"""The flags of a batch: files to answer, where the answers go, and what may be amiss.

Knows neither what runs a batch nor where its files lie: `Files` are handed in.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol

from tfnlp.cli.io.batch_formats import Hints, Written, look
from tfnlp.cli.io.manifest import Counts, Manifest, begun_with, resumed
from tfnlp.cli.io.portions import Portion, cut, share_out
from tfnlp.cli.parsing import request_fields
from tfnlp.errors import DataError, SchemaError, UsageError, nearest

SHARD = 64 * 2**20
"""Bytes that go into a file of answers, if the number of files is not given."""


class Files(Protocol):
    """A file system, which may be that of another machine."""

    def match(self, pattern: str) -> dict[str, tuple[int, float]]:
        """The files of a pattern: path → size, and when it was changed."""
        ...

    def open(self, path: str) -> BinaryIO:
        """The bytes of a file, as they are."""
        ...

    def read(self, path: str) -> str | None:
        """The text of a small file; None if there is none."""
        ...

    def write(self, path: str, text: str) -> None:
        """Writes a small file whole: it has the old text or the new one."""
        ...

    def remove(self, pattern: str) -> None:
        """Removes the files of a pattern."""
        ...


class Plan(NamedTuple):
    """What a batch is to do."""

    shards: list[list[Portion]]
    """The portions whose rows each file of answers has."""
    numbers: dict[str, type]
    """Fields of a request that hold numbers."""
    begun: dict[str, Any]
    """See `tfnlp.cli.io.manifest`."""

    def size(self, shards: Iterable[int]) -> int:
        """Bytes of input that some shards have."""
        return sum(portion.size for shard in shards for portion in self.shards[shard])


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Files to answer, and where the answers go."""

    artefact: str  # folder that a pipeline wrote, e.g. saved_models/demo
    input: tuple[str, ...]  # files or patterns: 'data/part-*.jsonl'; .gz too
    answers: str  # how the files of answers begin: out/answers
    rejected: str | None = None  # likewise of rows without one; default: rejected

    column: tuple[str, ...] = ()  # FIELD=COLUMN, a name or a number: text=review
    keep: tuple[str, ...] | None = None  # columns beside the answers; default: all
    places: bool = False  # add the file and the byte where each row begins
    endpoint: str | None = None  # that answers; default: the first that can
    format: Literal["csv", "jsonl", "lines"] | None = None  # told by name and beginning
    delimiter: str | None = None  # of a table, e.g. ';' or tab
    header: bool | None = None  # whether the first line names the columns
    quoting: bool | None = None  # whether fields may stand in quotes
    encoding: str | None = None  # e.g. utf-8, cp1252

    shards: int | None = None  # files of answers; default: one for 64 MB of input
    batch: int = 256  # rows answered at once
    max_rejected: float = 0.0  # share of rows without an answer; more end with 3
    overwrite: bool = False  # begin anew where another run has been
    quiet: bool = False  # do not say how far the batch is

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("shards", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} must be {least} or more. Received: {value}.")
        if not 0.0 <= self.max_rejected <= 1.0:
            raise UsageError(
                f"max_rejected is a share, 0 to 1. Received: {self.max_rejected}."
            )

    def plan(self, predictor: Any, files: Files) -> Plan:
        """Looks at all files, and cuts them into portions.

        Raises:
            DataError: a file cannot be read, or none has a row.
            SchemaError: a file lacks a column.
            UsageError: a pattern matches no file, or a flag cannot be.
        """
        found = self._matched(files)
        sizes = {path: size for path, (size, _) in found.items() if size}
        fields, known = self._looked_at(list(sizes), predictor, files)
        count = self.shards or max(1, math.ceil(sum(sizes.values()) / SHARD))
        target = math.ceil(sum(sizes.values()) / count)
        portions = [
            portion
            for written in known
            for portion in cut(written, sizes[written.path], target, files.open)
        ]
        shards = share_out(portions, count)
        begun = begun_with(predictor.path, self._settings(), found, shards)
        return Plan(shards, request_fields.numbers(fields), begun)

    def manifest(self, plan: Plan, files: Files) -> Manifest:
        """What is finished of the plan by now; leftovers of a killed run are gone.

        Raises:
            UsageError: another run has been here, and is not to be overwritten.
        """
        if self.overwrite:
            files.remove(self.place)
            for start in (self.answers, self.side):
                files.remove(f"{start}-*-of-*.jsonl")
        text = files.read(self.place)
        if text is not None:
            return resumed(text, plan.begun, self.place)
        for start in (self.answers, self.side):
            if found := files.match(f"{start}-*-of-*.jsonl"):
                raise UsageError(
                    "Answers of two runs never stand in one set of files. Received: "
                    f"--answers {self.answers}, but {next(iter(found))} is there, of a "
                    "run without a manifest. Name other files; --overwrite removes "
                    "these."
                )
        manifest = Manifest(plan.begun)
        files.write(self.place, manifest.to_json())
        return manifest

    def check(self, counts: Counts) -> None:
        """Checks that enough rows have an answer.

        Raises:
            DataError: too many have none.
        """
        if counts.rejected > self.max_rejected * counts.rows:
            raise DataError(
                f"At most the share --max_rejected {self.max_rejected:g} of all rows "
                f"is without an answer. Received: {counts.rejected:,} of "
                f"{counts.rows:,}. {self.side}-*.jsonl says which, and why."
            )

    @property
    def place(self) -> str:
        """The path of the manifest."""
        return f"{self.answers}.manifest.json"

    @property
    def side(self) -> str:
        """How the files of rejected rows begin."""
        if self.rejected is not None:
            return self.rejected
        folder, sign, _ = self.answers.rpartition("/")
        return f"{folder}{sign}rejected"

    def file(self, start: str, shard: int, plan: Plan) -> str:
        """The path of a file of answers or of rejected rows, without its ending."""
        return f"{start}-{shard:05d}-of-{len(plan.shards):05d}"

    def _matched(self, files: Files) -> dict[str, tuple[int, float]]:
        """The size of each file, and when it was changed; one has something in it."""
        found: dict[str, tuple[int, float]] = {}
        for pattern in self.input:
            matched = files.match(pattern)
            if not matched:
                raise UsageError(
                    "--input names files, or patterns that match some. Received: "
                    f"{pattern!r}, which matches none. Check the path; a pattern "
                    "stands in quotes."
                )
            found |= matched
        own = [path for path in found if path.startswith(f"{self.answers}-")]
        if own:
            raise UsageError(
                "Answers are no input of the same batch. Received: --input with "
                f"{own[0]}. Write the answers to another folder."
            )
        if not any(size for size, _ in found.values()):
            raise DataError(
                "A batch has at least one row. Received: --input "
                f"{' '.join(self.input)}, with empty files only. Check how they were "
                "written."
            )
        return found

    def _looked_at(
        self, paths: Sequence[str], predictor: Any, files: Files
    ) -> tuple[request_fields.Fields, list[Written]]:
        """The fields of a request, and how each file is written that has them."""
        named = request_fields.fields_named(self.column)
        endpoints = request_fields.asked_for(predictor.forms(named), self.endpoint)
        hints = Hints(
            self.format, self.delimiter, self.header, self.quoting, self.encoding
        )
        fields, known = request_fields.first_read(
            request_fields.fitting(endpoints, named),
            self.column,
            lambda columns: [look(path, columns, hints, files.open) for path in paths],
        )
        self._check_kept(known)
        return fields, known

    def _check_kept(self, known: Sequence[Written]) -> None:
        for written in known:
            for name in self.keep or ():
                if written.names and name not in written.names:
                    raise SchemaError(
                        f"{written.path} has no column {name!r}, which --keep names. "
                        f"Received: {', '.join(written.names)}."
                        f"{nearest(name, written.names)}"
                    )

    def _settings(self) -> Mapping[str, Any]:
        """The flags that decide what the answers are."""
        names = [
            *("column", "keep", "places", "endpoint", "format", "delimiter"),
            *("header", "quoting", "encoding", "shards", "rejected"),
        ]
        return {f"--{name}": getattr(self, name) for name in names}


def record(
    row: Mapping[str, Any], answer: Mapping[str, Any], keep: Sequence[str] | None
) -> dict[str, Any]:
    """What is written of a row: its columns, then its answer.

    A column with the name of a part of the answer is called ``given_`` and that name.

    Args:
        keep: the columns that are kept; all, if not given.

    Example:
    >>> record({"id": 7, "label": "a"}, {"label": "b", "score": 0.9}, None)
    {'id': 7, 'given_label': 'a', 'label': 'b', 'score': 0.9}
    """
    names = row if keep is None else [name for name in keep if name in row]
    kept = {(f"given_{n}" if n in answer else n): row[n] for n in names}
    return {**kept, **answer}
