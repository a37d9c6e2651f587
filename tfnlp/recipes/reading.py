"""The flags that say how a data file is written; shared by all verbs that read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import tfnlp
from tfnlp.errors import UsageError

Format = (
    Literal["csv", "jsonl", "parquet", "lines", "folder", "parallel", "cmudict"]
    | Literal["conll", "conllu", "slots", "spans", "tokens", "propbank"]
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a data file is written; what is not given is detected."""

    format: Format | None = None  # detected from the file's name and beginning
    delimiter: str | None = None  # of a table, e.g. ';' or tab
    header: bool | None = None  # whether the first line names the columns
    quoting: bool | None = None  # whether fields may stand in quotes
    encoding: str | None = None  # e.g. utf-8, cp1252
    ragged: Literal["error", "skip", "keep"] = "error"  # too few or many fields
    label_separator: str = ","  # between several labels of one row

    def __post_init__(self) -> None:
        if not self.label_separator:
            raise UsageError(
                "label_separator must be one character or more. Received: ''. "
                "Leave it out if rows have one label each."
            )

    def options(self) -> dict[str, Any]:
        """What `tfnlp.read` takes besides source and columns."""
        return {name: getattr(self, name) for name in Reading.__dataclass_fields__}

    def read(self, source: str, columns: Mapping[str, str], **options: Any) -> Any:
        """Reads a file as rows; see `tfnlp.read`.

        Raises:
            DataError: the file cannot be read.
            SchemaError: a column is missing.
        """
        return tfnlp.read(source, columns, **self.options(), **options)
