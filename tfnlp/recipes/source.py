"""The flags that say where texts and labels lie: those of every script that learns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.reading import Reading

if TYPE_CHECKING:
    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits


@dataclass(frozen=True, kw_only=True)
class Source(Reading):
    """Rows of one text or two and a label, to train on, to choose by and to test on.

    Example:
    >>> Source(train="pairs.csv", text_pair="answer").fields
    ('first', 'second')
    """

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    valid: str | None = None  # default: a split of the set, or a tenth by hash
    test: str | None = None  # default: a split of the set, or a tenth by hash
    split_seed: int = 0  # of the hash: another one cuts other tenths
    text: str = "text"  # column: name, number from 1, or several joined with +
    text_pair: str | None = None  # column of the second text, for pairs
    label: str = "label"  # column of the label
    test_text: str | None = None  # column of the text in the test file, if another
    multi_label: bool = False  # whether a row has several labels, see --label_separator

    @property
    def fields(self) -> tuple[str, ...]:
        """The text fields of a row."""
        return ("text",) if self.text_pair is None else ("first", "second")

    @property
    def joined_by(self) -> str | None:
        """What joins the labels of a row; None if it has exactly one."""
        return self.label_separator if self.multi_label else None

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.read_splits`.

        Raises:
            DataError: a file cannot be read, or not be split.
            SchemaError: a column is missing.
        """
        texts = dict(zip(self.fields, (self.text, self.text_pair or ""), strict=False))
        return tfnlp.read_splits(
            self.train,
            {**texts, "label": self.label},
            valid=self.valid,
            test=self.test,
            test_columns={self.fields[0]: self.test_text or self.text},
            fields=self.fields,
            seed=self.split_seed,
            **self.options(),
        )

    def audit(self, splits: "Splits", *, sequence_length: int | None = None) -> "Audit":
        """Counts what is wrong with the rows; see `tfnlp.audit`."""
        return tfnlp.audit(
            splits.train,
            text_fields=self.fields,
            label_separator=self.joined_by,
            others={"valid": splits.valid, "test": splits.test},
            sequence_length=sequence_length,
        )

    def clean(self, splits: "Splits") -> "Splits":
        """Leaves out the rows without a label; see `tfnlp.clean`."""
        return splits.map(
            lambda rows: tfnlp.clean(rows, label_separator=self.joined_by)
        )

    def made_up(self, labels: Iterable[str] = ("good", "bad")) -> Any:
        """A row for each label with the same fields, to build with before training.

        Example:
        >>> [row["label"] for row in Source().made_up().as_numpy_iterator()]
        [b'good', b'bad']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        texts = dict.fromkeys(self.fields, "film")
        return from_list([{**texts, "label": label} for label in labels])
