"""The flags that say where pairs of texts lie: those of scripts that write targets."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.reading import Reading

if TYPE_CHECKING:
    from tfnlp.data.audit.pairs import PairAudit
    from tfnlp.data.train_valid_test import Splits


@dataclass(frozen=True, kw_only=True)
class Pairs(Reading):
    """Where sources and targets lie: to train on, to choose by and to test on.

    Example:
    >>> Pairs(train="corpus/train", source="en", target="de").target
    'de'
    """

    train: str  # file, start of parallel files, tfds:NAME[:split] or built-in set
    valid: str | None = None  # default: a split of the set, or a tenth by hash
    test: str | None = None  # default: a split of the set, or a tenth by hash
    split_seed: int = 0  # of the hash: another one cuts other tenths
    source: str = "source"  # column; of parallel files the ending, such as en
    target: str = "target"  # column; of parallel files the ending, such as de
    test_target: tuple[str, ...] = ()  # columns of references in the test file
    grouped: bool = False  # test rows of one source are one row of several targets
    clean: bool = True  # train without pairs that are empty, uneven, in wrong scripts
    length_ratio: float = 3.0  # times the usual one from which on pairs are uneven

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.read_pairs`.

        Raises:
            DataError: a file cannot be read, or not be split.
            SchemaError: a column is missing.
        """
        return tfnlp.read_pairs(
            self.train,
            source=self.source,
            target=self.target,
            valid=self.valid,
            test=self.test,
            test_target=self.test_target,
            grouped=self.grouped,
            seed=self.split_seed,
            **self.options(),
        )

    def checked(self, splits: "Splits") -> "PairAudit":
        """Counts what is wrong with the pairs and says it, on stderr.

        Raises:
            DataError: it is too much to learn from.
        """
        audit = tfnlp.audit_pairs(
            splits.train,
            others={"valid": splits.valid, "test": splits.test},
            ratio=self.length_ratio,
        )
        print(audit.table(), file=sys.stderr)
        audit.check()
        return audit

    def cleaned(self, splits: "Splits") -> "Splits":
        """Leaves the pairs out of training that it is better off without."""
        if not self.clean:
            return splits
        rules = tfnlp.PairRules.from_rows(splits.train, ratio=self.length_ratio)
        return splits._replace(train=tfnlp.clean_pairs(splits.train, rules=rules))

    def made_up(self) -> Any:
        """Two rows with the same fields, to build with before any file is read.

        Example:
        >>> [row["target"] for row in Pairs(train="").made_up().as_numpy_iterator()]
        [b'ein Hund', b'zwei Hunde']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        pairs = (("a dog", "ein Hund"), ("two dogs", "zwei Hunde"))
        return from_list([{"source": s, "target": t} for s, t in pairs])
