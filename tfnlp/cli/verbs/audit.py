"""look for what is wrong with a data file, before training does"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import tfnlp
from tfnlp.cli.reading import Reading
from tfnlp.cli.recipes import parse
from tfnlp.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Looks for what is wrong with a data file, before training does.

    tfnlp audit reviews.csv --text review --label sentiment --test test.csv

    A column is a name, a number counted from 1, or several joined with +. Ends with
    exit code 3 if training could not go on; warnings do not change it.
    """

    file: str  # file, tfds:NAME or built-in set
    text: str = "text"  # column of the text
    second: str | None = None  # column of the second text, for pairs
    label: str | None = "label"  # column of the label; none if there is none
    several: bool = False  # whether a row may have several labels
    length: int | None = None  # tokens kept of each text; says how many are cut
    split: str | None = None  # of a set that comes with splits, e.g. train
    valid: str | None = None  # another file, looked through for the same rows
    test: str | None = None  # another file, looked through for the same rows
    json: bool = False  # print JSON instead of a table

    def texts(self) -> dict[str, str]:
        """Field → column of the texts."""
        if self.second is None:
            return {"text": self.text}
        return {"first": self.text, "second": self.second}


def main(words: Sequence[str]) -> None:
    """Reads the rows, prints what the audit found.

    Raises:
        DataError: training could not go on with these rows.
    """
    options = parse(Options, words, positional=("file",), command="tfnlp audit")
    columns = options.texts()
    if options.label is not None:
        columns["label"] = options.label
    compared = {"valid": options.valid, "test": options.test}
    found = tfnlp.audit(
        options.read(options.file, columns, split=options.split),
        text_fields=tuple(options.texts()),
        label_field="label" if options.label is not None else None,
        separator=options.separator if options.several else None,
        others={
            name: options.read(file, columns) for name, file in compared.items() if file
        },
        length=options.length,
    )
    print(json.dumps(found.to_json(), indent=1) if options.json else found.table())
    if found.errors:
        raise DataError(
            "Rows that cannot be learnt from must not reach training. "
            f"Received: {'; '.join(map(str, found.errors))}. Mend {options.file}."
        )
