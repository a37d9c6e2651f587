"""Batch prediction: flags, the plan of shards, and how many rows may be rejected.

Knows neither the runner nor the file system: `Files` is an argument.
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
"""Bytes of input for each file of answers, if --shards is not given."""


class Files(Protocol):
    """A file system, perhaps a remote one."""

    def match(self, pattern: str) -> dict[str, tuple[int, float]]:
        """The files of a pattern: path → size and modification time."""
        ...

    def open(self, path: str) -> BinaryIO:
        """The bytes of a file, not decompressed."""
        ...

    def read(self, path: str) -> str | None:
        """The text of a small file; None if it does not exist."""
        ...

    def write(self, path: str, text: str) -> None:
        """Writes a small file atomically: it has the old text or the new one."""
        ...

    def remove(self, pattern: str) -> None:
        """Removes the files of a pattern."""
        ...


class Plan(NamedTuple):
    """The shards of a batch and what it reads for them."""

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
    """Input files, and where the answers go."""

    artefact: str  # folder that a pipeline wrote, e.g. saved_models/demo
    input: tuple[str, ...]  # files or patterns: 'data/part-*.jsonl'; .gz too
    answers: str  # prefix of the files of answers: out/answers
    rejected: str | None = None  # prefix of rejected rows; default: rejected

    column: tuple[str, ...] = ()  # FIELD=COLUMN, a name or a number: text=review
    keep_columns: tuple[str, ...] | None = None  # written too; default: all
    places: bool = False  # add the file and the byte where each row begins
    endpoint: str | None = None  # of the artefact; default: the first that fits
    format: Literal["csv", "jsonl", "lines"] | None = None  # default: detected
    delimiter: str | None = None  # of a table, e.g. ';' or tab
    header: bool | None = None  # whether the first line names the columns
    quoting: bool | None = None  # whether fields may stand in quotes
    encoding: str | None = None  # e.g. utf-8, cp1252

    shards: int | None = None  # files of answers; default: one for 64 MB of input
    batch_size: int = 256  # rows per step
    max_rejected: float = 0.0  # share of rows without an answer; more end with 3
    overwrite: bool = False  # replace the answers of another run
    quiet: bool = False  # no progress

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("shards", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} must be {least} or more. Received: {value}.")
        if not 0.0 <= self.max_rejected <= 1.0:
            raise UsageError(
                f"max_rejected is a share, 0 to 1. Received: {self.max_rejected}."
            )

    def plan(self, predictor: Any, files: Files) -> Plan:
        """Detects the formats of all files, and cuts them into portions.

        Raises:
            DataError: a file cannot be read, or none has a row.
            SchemaError: a file lacks a column.
            UsageError: a pattern matches no file, or a flag is wrong.
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
        """The finished shards of the plan; a new manifest is written if there is none.

        Raises:
            UsageError: there are answers of another run, and no --overwrite.
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
                    "Answers of two runs are never in one set of files. Received: "
                    f"--answers {self.answers}, but {next(iter(found))} is there, of a "
                    "run without a manifest. Name other files; --overwrite removes "
                    "these."
                )
        manifest = Manifest(plan.begun)
        files.write(self.place, manifest.to_json())
        return manifest

    def check(self, counts: Counts) -> None:
        """Checks the share of rejected rows.

        Raises:
            DataError: too many rows have no answer.
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
        """The prefix of the files of rejected rows."""
        if self.rejected is not None:
            return self.rejected
        folder, sign, _ = self.answers.rpartition("/")
        return f"{folder}{sign}rejected"

    def file(self, start: str, shard: int, plan: Plan) -> str:
        """The path of a file of answers or of rejected rows, without its ending."""
        return f"{start}-{shard:05d}-of-{len(plan.shards):05d}"

    def _matched(self, files: Files) -> dict[str, tuple[int, float]]:
        """Size and modification time of each file; at least one is not empty."""
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
        """The fields of a request, and the format of each file."""
        named = request_fields.fields_named(self.column)
        endpoints = request_fields.select_endpoints(
            predictor.forms(named), self.endpoint
        )
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
            for name in self.keep_columns or ():
                if written.names and name not in written.names:
                    raise SchemaError(
                        f"{written.path} has no column {name!r}, which "
                        f"--keep_columns names. Received: {', '.join(written.names)}."
                        f"{nearest(name, written.names)}"
                    )

    def _settings(self) -> Mapping[str, Any]:
        """The flags that decide the answers."""
        names = [
            *("column", "keep_columns", "places", "endpoint", "format", "delimiter"),
            *("header", "quoting", "encoding", "shards", "rejected"),
        ]
        return {f"--{name}": getattr(self, name) for name in names}


def record(
    row: Mapping[str, Any], answer: Mapping[str, Any], keep: Sequence[str] | None
) -> dict[str, Any]:
    """A row of output: the columns of the input, then the answer.

    A column whose name the answer has too gets the prefix ``given_``.

    Args:
        keep: names of columns; default: all.

    Example:
    >>> record({"id": 7, "label": "a"}, {"label": "b", "score": 0.9}, None)
    {'id': 7, 'given_label': 'a', 'label': 'b', 'score': 0.9}
    """
    names = row if keep is None else [name for name in keep if name in row]
    kept = {(f"given_{n}" if n in answer else n): row[n] for n in names}
    return {**kept, **answer}
