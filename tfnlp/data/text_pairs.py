"""Pairs of texts to learn from: a source, and the target that is made of it.

Translation, summaries and pronunciations alike. Where sources come from is the
readers' work; here is what is special about targets: there may be several of one
source, and those to test on may be in columns of their own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfnlp.data import references
from tfnlp.data.files.columns import Column
from tfnlp.data.rows import held
from tfnlp.data.train_valid_test import Splits, read_splits
from tfnlp.errors import UsageError
from tfnlp.specs import REFERENCES


def read_pairs(
    train: str | Path,
    *,
    source: Column = "source",
    target: Column = "target",
    valid: str | Path | None = None,
    test: str | Path | None = None,
    test_target: Sequence[Column] = (),
    grouped: bool = False,
    seed: int = 0,
    **options: Any,
) -> Splits:
    """Reads pairs as rows of `source` and `target`, split like `read_splits` does.

    Equal sources are always in one split. A target that is a list in JSON or Parquet
    holds several references; see `tfnlp.data.references`.

    Args:
        train: a file of columns, what the names of parallel files begin with
            (`train` for `train.en` and `train.de`), or the name of a set.
        source: column of the source; of parallel files the ending, such as `en`.
        target: column of the target.
        valid: source of the rows that early stopping looks at.
        test: source of the rows that are only tested on.
        test_target: columns of the targets in ``test``, where they differ or where
            there are several references of a row.
        grouped: make the rows to test on that have the same source one row, whose
            references they are, as for words of several pronunciations.
        seed: of the hash by which rows are split; another one cuts other tenths.
        options: how files are written; see `tfnlp.data.readers.read`.

    Raises:
        DataError: a file cannot be read.
        SchemaError: a column is missing.
        UsageError: there are columns of a test file, and no such file.

    Example:
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "t.en").write_text("".join(f"dog {n}\\n" for n in range(50)))
    >>> _ = (folder / "t.de").write_text("".join(f"Hund {n}\\n" for n in range(50)))
    >>> splits = read_pairs(folder / "t", source="en", target="de")
    >>> sum(len(split) for split in splits)
    50
    """
    if test_target and test is None:
        raise UsageError(
            "test_target names columns of the test file. "
            f"Received: {', '.join(map(str, test_target))} and no test file. "
            "Give test too, or leave it out."
        )
    fields = [f"target {n}" if n else "target" for n in range(len(test_target))]
    splits = read_splits(
        train,
        {"source": source, "target": target},
        valid=valid,
        test=test,
        test_columns=dict(zip(fields, test_target, strict=True)),
        fields=("source",),
        seed=seed,
        **{**options, "label_separator": {"target": REFERENCES}},
    )
    splits = splits.map(held)
    tested = splits.test
    if len(fields) > 1:
        tested = references.joined(tested, fields)
    return splits._replace(test=references.grouped(tested) if grouped else tested)
