"""Language modelling: the data flags, the sizes and the steps of its recipe."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import tfnlp
from tfnlp.recipes.encoders import DecoderOptions, checked
from tfnlp.recipes.reading import Reading
from tfnlp.recipes.recipe import Phase, Prepared, Recipe
from tfnlp.recipes.settings import PREFIX

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.specs import Rows
    from tfnlp.task import Task
    from tfnlp.tasks.language_model import LanguageModel as CausalLM


@dataclass(frozen=True, kw_only=True)
class RunningText(Reading):
    """Running text: training, validation and test data.

    Example:
    >>> RunningText(train="shakespeare.txt").shares
    (0.9, 0.05, 0.05)
    """

    train: str  # text file, or another source with a column of text
    valid: str | None = None  # default: cut off the end of the text, see --shares
    test: str | None = None  # default: cut off the end of the text, see --shares
    text: str = "text"  # column of the text, where there are columns
    shares: tuple[float, float, float] = (0.9, 0.05, 0.05)  # train, valid and test

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.data.read_streams`.

        Raises:
            DataError: a file cannot be read, or not be cut.
            SchemaError: a column is missing.
            UsageError: shares do not sum to one.
        """
        return tfnlp.data.read_streams(
            self.train,
            text=self.text,
            valid=self.valid,
            test=self.test,
            shares=self.shares,
            **self.options(),
        )

    def audit(self, splits: "Splits") -> "Audit":
        """Audits the lines and prints the table to standard error.

        Raises:
            DataError: there is nothing to learn from.
        """
        audit = tfnlp.audit(splits.train, label_field=None).check()
        print(audit.table(), file=sys.stderr)
        return audit

    def example_rows(self) -> "Rows":
        """Two lines, to build with before any file is read.

        Example:
        >>> rows = RunningText(train="").example_rows()
        >>> [row["text"] for row in rows.as_numpy_iterator()]
        [b'To be,\\n', b'or not.\\n']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        return from_list([{"text": "To be,\n"}, {"text": "or not.\n"}])


@dataclass(frozen=True, kw_only=True)
class LanguageModel(RunningText, Recipe):
    """The tokenizer and the decoder of a language model.

    Example:
    >>> LanguageModel(train="", decoder="recurrent").resolved().sequence_length
    35
    """

    DEFAULTS: ClassVar = {
        "transformer": {
            "sequence_length": 128,
            "decoder.hidden_dim": 128,
            "decoder.num_layers": 4,
            "dropout": 0.1,
        },
        "recurrent": {
            "sequence_length": 35,
            "decoder.hidden_dim": 256,
            "decoder.num_layers": 1,
            "dropout": 0.25,
        },
    }
    """Decoder → flag → its value where none is given."""

    tokenizer: Literal["characters", "words", "bpe", "unigram"] = "characters"
    """Tokens of the text."""
    vocabulary_size: int | None = None  # default: 8,000 subwords, 20,000 of others
    sequence_length: int | None = None  # tokens read at a time; default: by the decoder
    decoder: Literal["transformer", "recurrent"] = "transformer"  # network of the text
    decoder_options: DecoderOptions = field(
        default_factory=DecoderOptions, metadata={PREFIX: "decoder"}
    )
    dropout: float | None = None  # default: by the decoder

    @property
    def architecture(self) -> str:
        """The decoder, whose `DEFAULTS` count."""
        return self.decoder

    @property
    def evaluation_batch_size(self) -> int:
        """That of training, since rows are blocks of equal length."""
        return self.training.batch_size

    @property
    def _length(self) -> int:
        """The sequence length, once the recipe is resolved."""
        return self.sequence_length or self.DEFAULTS[self.decoder]["sequence_length"]

    @property
    def slots(self) -> int:
        """Parts of the text that a recurrent decoder reads in parallel."""
        return self.training.batch_size if self.decoder == "recurrent" else 0

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "CausalLM":
        """The tokenizer of the text."""
        tokenizer = "characters" if dry_run else self.tokenizer
        default = 20_000 if self.tokenizer in ("words", "characters") else 8_000
        lines = {"lines": True} if tokenizer == "words" else {}
        return tfnlp.LanguageModel.from_rows(
            rows,
            tokenizer=tokenizer,
            vocabulary_size=50 if dry_run else self.vocabulary_size or default,
            sequence_length=self._length,
            slots=self.slots,
            **lines,
        )

    def prepare(self, task: "CausalLM", splits: "Splits", phase: Phase) -> Prepared:
        """Cuts the text into blocks."""
        with phase("vocabulary"):
            train = self._blocks(splits.train)
            valid = self._blocks(splits.valid, before=bool(self.slots))
            test = self._blocks(splits.test, before=True)
        return Prepared(task, type(splits)(train, valid, test))

    def _blocks(self, rows: "Rows", *, before: bool = False) -> Any:
        """The text in blocks; see `tfnlp.data.blocks.blocks`.

        Args:
            before: whether independent blocks contain the text that precedes them.
        """
        from tfnlp.data.blocks import blocks  # needs TensorFlow

        length = self._length
        return blocks(
            rows,
            size=length,
            unit="characters" if self.tokenizer == "characters" else "words",
            context=length if before and not self.slots else 1,
            fresh=0 if before else 8,
            slots=self.slots,
        )

    def counts(self, splits: "Splits", audit: "Audit") -> dict[str, int]:
        """Split → number of blocks, for the report."""
        return {"train": len(splits.train), "valid": len(splits.valid)}

    def served(
        self, task: "Task", network: "keras.Model"
    ) -> "tuple[Task, keras.Model]":
        """The task and network of one prompt, without a state carried over batches."""
        return task.alone(), task.plain(network)

    def figures(self, task: "Task", network: "keras.Model", rows: "Rows") -> tuple:
        """Generated samples, for the report."""
        return (task.samples(network, rows),)

    def sizes(self, function: Any, hp: Any) -> dict[str, Any]:
        """The decoder's arguments, with `hidden_dim` and `dropout` from `hp`.

        Raises:
            UsageError: the decoder has no such option.
        """
        own = checked(function, self.decoder_options, flag="decoder")
        default = self.decoder_options.hidden_dim
        own["hidden_dim"] = hp.Int("hidden_dim", 64, 1024, step=16, default=default)
        own["dropout"] = hp.Float("dropout", 0.0, 0.7, default=self.dropout)
        return own
