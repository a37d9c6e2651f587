"""Translation and summarisation: the data flags and settings of their recipes."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import tfnlp
from tfnlp.recipes.encoders import DecoderOptions, checked
from tfnlp.recipes.reading import Reading
from tfnlp.recipes.recipe import Recipe
from tfnlp.recipes.settings import PREFIX

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.pairs import PairAudit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.specs import Rows
    from tfnlp.task import Task
    from tfnlp.tasks.translation import Translation as Seq2Seq


@dataclass(frozen=True, kw_only=True)
class TextPairs(Reading):
    """Sources and targets: training, validation and test data.

    Example:
    >>> TextPairs(train="corpus/train", source="en", target="de").target
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
    clean: bool = True  # train without empty, uneven or wrong-script pairs
    length_ratio: float = 3.0  # times the usual one from which on pairs are uneven

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.data.read_pairs`.

        Raises:
            DataError: a file cannot be read, or not be split.
            SchemaError: a column is missing.
        """
        return tfnlp.data.read_pairs(
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

    def audit(self, splits: "Splits") -> "PairAudit":
        """Audits the pairs and prints the table to standard error.

        Raises:
            DataError: there is nothing to learn from.
        """
        audit = tfnlp.data.audit_pairs(
            splits.train,
            others={"valid": splits.valid, "test": splits.test},
            ratio=self.length_ratio,
        )
        print(audit.table(), file=sys.stderr)
        audit.check()
        return audit

    def filter_rows(self, splits: "Splits") -> "Splits":
        """Leaves uneven, empty and wrong-script pairs out of training."""
        if not self.clean:
            return splits
        rules = tfnlp.data.PairRules.from_rows(splits.train, ratio=self.length_ratio)
        return splits._replace(train=tfnlp.data.clean_pairs(splits.train, rules=rules))

    def example_rows(self) -> "Rows":
        """Two pairs, to build with before any file is read.

        Example:
        >>> rows = TextPairs(train="").example_rows()
        >>> [row["target"] for row in rows.as_numpy_iterator()]
        [b'ein Hund', b'zwei Hunde']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        pairs = (("a dog", "ein Hund"), ("two dogs", "zwei Hunde"))
        return from_list([{"source": s, "target": t} for s, t in pairs])


@dataclass(frozen=True, kw_only=True)
class Translation(TextPairs, Recipe):
    """The tokenizers, the encoder and the decoder, and how targets are searched.

    Example:
    >>> Translation(train="pairs.csv", target_length=30).target_length
    30
    """

    tokenizer: Literal["bpe", "unigram", "wordpiece", "words", "characters"] = "bpe"
    """Of sources and targets."""
    vocabulary_size: int = 4_000  # ids at most
    shared: bool = True  # whether both sides have the same tokens
    standardize: tuple[str, ...] = ()  # e.g. nfkc,lower
    source_length: int = 64  # tokens kept of a source
    target_length: int = 64  # tokens learnt of a target, and generated at most
    decoder: Literal["transformer", "recurrent"] = "transformer"  # and the encoder
    decoder_options: DecoderOptions = field(
        default_factory=DecoderOptions, metadata={PREFIX: "decoder"}
    )
    attention: Literal["luong", "bahdanau"] = "luong"  # of the recurrent decoder
    hidden_dim: int = 256  # of encoder and decoder
    num_layers: int = 3  # of encoder and decoder
    dropout: float = 0.15  # of encoder and decoder
    label_smoothing: float = 0.1  # share of a target spread over the vocabulary
    scheduled_sampling: float = 0.0  # share of its own tokens that training reads
    num_beams: int = 5  # beam search: hypotheses kept
    length_penalty: float = 1.0  # GNMT: score / ((5 + n) / 6) ** length_penalty
    no_repeat_ngram_size: int = 0  # n-grams of this size occur once only; 0 is off
    metrics: tuple[str, ...] = ("bleu", "chrf")  # also ter rouge phone_error …

    @property
    def evaluation_batch_size(self) -> int:
        """Fewer rows where targets are long: beams take memory."""
        return 64 if self.target_length <= 64 else 32

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Seq2Seq":
        """The tokenizers of both sides."""
        tokenizer: dict[str, Any] = {
            "tokenizer": self.tokenizer,
            "vocabulary_size": self.vocabulary_size,
            "standardize": self.standardize,
        }
        if self.tokenizer in ("bpe", "unigram"):
            tokenizer |= {"exact": False, "leading_blank": True}
        return tfnlp.Translation.from_rows(
            rows,
            tokenizer_options={"tokenizer": "characters"} if dry_run else tokenizer,
            shared=self.shared,
            source_length=self.source_length,
            target_length=self.target_length,
            num_beams=self.num_beams,
            length_penalty=self.length_penalty,
            no_repeat_ngram_size=self.no_repeat_ngram_size,
            label_smoothing=self.label_smoothing,
            metrics=self.metrics,
        )

    def counts(self, splits: "Splits", audit: Any) -> dict[str, int]:
        """Split → number of rows, for the report."""
        return {"train": len(splits.train), "valid": len(splits.valid)}

    def figures(self, task: "Task", network: "keras.Model", rows: "Rows") -> tuple:
        """Attention maps, for the report."""
        return tuple(task.attention(network, rows))

    def sizes(self, hp: Any) -> dict[str, Any]:
        """Arguments of encoder and decoder, with `hidden_dim`, `dropout` from `hp`."""
        return {
            "hidden_dim": hp.Int(
                "hidden_dim", 64, 512, step=32, default=self.hidden_dim
            ),
            "num_layers": self.num_layers,
            "dropout": hp.Float("dropout", 0.0, 0.5, default=self.dropout),
        }

    def decoder_arguments(self, function: Any) -> dict[str, Any]:
        """Further arguments of the decoder: those that are given as flags.

        Raises:
            UsageError: the decoder has no such option.
        """
        return checked(function, self.decoder_options, flag="decoder")
