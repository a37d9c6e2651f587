"""The flags that say where running text lies: those of scripts that learn language."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.reading import Reading

if TYPE_CHECKING:
    from tfnlp.data.train_valid_test import Splits


@dataclass(frozen=True, kw_only=True)
class Texts(Reading):
    """Running text to train on, to choose by and to test on.

    Example:
    >>> Texts(train="shakespeare.txt").shares
    (0.9, 0.05, 0.05)
    """

    train: str  # text file, or another source with a column of text
    valid: str | None = None  # default: cut off the end of the text, see --shares
    test: str | None = None  # default: cut off the end of the text, see --shares
    text: str = "text"  # column of the text, where there are columns
    shares: tuple[float, float, float] = (0.9, 0.05, 0.05)  # train, valid and test

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.read_streams`.

        Raises:
            DataError: a file cannot be read, or not be cut.
            SchemaError: a column is missing.
            UsageError: shares do not sum to one.
        """
        return tfnlp.read_streams(
            self.train,
            text=self.text,
            valid=self.valid,
            test=self.test,
            shares=self.shares,
            **self.options(),
        )

    def made_up(self) -> Any:
        """Two lines, to build with before any file is read.

        Example:
        >>> [row["text"] for row in Texts(train="").made_up().as_numpy_iterator()]
        [b'To be,\\n', b'or not.\\n']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        return from_list([{"text": "To be,\n"}, {"text": "or not.\n"}])
