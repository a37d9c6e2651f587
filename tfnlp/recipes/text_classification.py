"""Text classification: the data flags, the settings and the steps of its recipe."""

import dataclasses
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import tfnlp
from tfnlp.recipes.encoders import EncoderOptions, encode
from tfnlp.recipes.reading import Reading
from tfnlp.recipes.recipe import Phase, Prepared, Recipe, StartValues
from tfnlp.recipes.settings import PREFIX

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.specs import Rows
    from tfnlp.tasks.classification import Classification

Tokenizer = Literal["words", "characters", "bytes", "bpe", "unigram", "wordpiece"]
_SUBWORDS = ("bpe", "unigram", "wordpiece")


@dataclass(frozen=True, kw_only=True)
class LabelledTexts(Reading):
    """Rows of one text or two and a label: training, validation and test data.

    Example:
    >>> LabelledTexts(train="pairs.csv", text_pair="answer").fields
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
    multi_label: bool = False  # whether rows have several labels: --label_separator

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
        """Audits the rows and prints the table to standard error; see `tfnlp.audit`.

        Raises:
            DataError: there is nothing to learn from.
        """
        audit = tfnlp.audit(
            splits.train,
            text_fields=self.fields,
            label_separator=self.joined_by,
            others={"valid": splits.valid, "test": splits.test},
            sequence_length=sequence_length,
        )
        print(audit.table(), file=sys.stderr)
        return audit.check()

    def filter_rows(self, splits: "Splits") -> "Splits":
        """Leaves out the rows without a label; see `tfnlp.clean`."""
        return splits.map(
            lambda rows: tfnlp.clean(rows, label_separator=self.joined_by)
        )

    def example_rows(self, labels: Iterable[str] = ("good", "bad")) -> "Rows":
        """A row for each label, to build with before any file is read.

        Example:
        >>> rows = LabelledTexts().example_rows()
        >>> [row["label"] for row in rows.as_numpy_iterator()]
        [b'good', b'bad']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        texts = dict.fromkeys(self.fields, "film")
        return from_list([{**texts, "label": label} for label in labels])


@dataclass(frozen=True, kw_only=True)
class TextClassification(LabelledTexts, Recipe):
    """The vocabulary, the encoder and the head of a text classifier."""

    DEFAULTS: ClassVar = {
        "linear": {
            "vocabulary_size": 400_000,
            "sequence_length": 1000,
            "ngrams": 3,
            "dropout": 0.5,
            "nb_prior.scale": 0.03,
            "nb_prior.pooling": "sum",
        },
        "bow": {
            "vocabulary_size": 300_000,
            "sequence_length": 1000,
            "ngrams": 2,
            "encoder.hidden_dim": 64,
            "pooling": "sqrt",
            "dropout": 0.3,
            "word_dropout": 0.1,
            "spatial_dropout": 0.0,
            "nb_prior.scale": 0.5,
        },
        "cnn": {
            "vocabulary_size": 30_000,
            "sequence_length": 400,
            "ngrams": 1,
            "encoder.hidden_dim": 192,
            "pooling": "max",
            "dropout": 0.5,
            "word_dropout": 0.0,
            "spatial_dropout": 0.2,
            "nb_prior.scale": 0.5,
        },
        "rnn": {
            "vocabulary_size": 30_000,
            "sequence_length": 300,
            "ngrams": 1,
            "encoder.hidden_dim": 128,
            "pooling": "max",
            "dropout": 0.5,
            "word_dropout": 0.1,
            "spatial_dropout": 0.2,
            "nb_prior.scale": 0.5,
        },
        "transformer": {
            "vocabulary_size": 30_000,
            "sequence_length": 450,
            "ngrams": 1,
            "encoder.hidden_dim": 64,
            "pooling": "mean",
            "dropout": 0.3,
            "word_dropout": 0.3,
            "spatial_dropout": 0.1,
            "nb_prior.scale": 1.0,
        },
    }
    """Encoder → flag → its value where none is given."""

    encoder: Literal["linear", "bow", "cnn", "rnn", "transformer"] = "cnn"
    """The network between token ids and pooled vector."""
    encoder_options: EncoderOptions = field(
        default_factory=EncoderOptions, metadata={PREFIX: "encoder"}
    )
    vocabulary_size: int | None = None  # entries at most; default: by the encoder
    sequence_length: int | None = None  # tokens kept of a text; default: by the encoder
    ngrams: int | None = None  # longest n-gram of words; default: by the encoder
    tokenizer: Tokenizer = "words"  # bpe, unigram and wordpiece are subwords
    character_ngrams: tuple[int, int] | None = None  # e.g. 3,5: parts of words too
    standardize: tuple[str, ...] | None = None  # e.g. nfkc,lower,strip_accents
    min_frequency: int = 1  # rarer tokens are unknown
    stop_words: str | None = None  # leave out frequent words: english
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    trainable_vectors: bool = True  # whether training changes the vectors
    pooling: str | None = None  # mean, max, attention …; default: by the encoder
    dropout: float | None = None  # before the logits; default: by the encoder
    word_dropout: float | None = None  # share of unknown words while training
    spatial_dropout: float | None = None  # share of features dropped from a text
    symmetric: bool = False  # pairs: whether swapped texts have the same label
    nb_prior: tfnlp.NaiveBayesPrior = field(default_factory=tfnlp.NaiveBayesPrior)
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"  # focal: for rare classes
    label_smoothing: float = 0.0  # share of a target spread over all classes
    class_weight: Literal["balanced"] | None = None  # by the inverse of their share
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(epochs=10)
    )

    @property
    def architecture(self) -> str:
        """The encoder, whose `DEFAULTS` count."""
        return self.encoder

    @property
    def calibrates(self) -> bool:
        """Whether each label gets a threshold of its own."""
        return self.multi_label

    def resolved(self) -> "TextClassification":
        """The recipe with the encoder's own settings where none was given."""
        subwords = self.tokenizer in _SUBWORDS and self.ngrams is None
        recipe = dataclasses.replace(self, ngrams=1) if subwords else self
        return super(TextClassification, recipe).resolved()

    def audit(self, splits: "Splits", **options: Any) -> "Audit":
        """Audits the rows; counts texts longer than the sequence length, too."""
        return super().audit(splits, sequence_length=self.sequence_length, **options)

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Classification":
        """The vocabulary and the classes."""
        options: dict[str, Any] = {}
        if self.standardize:
            options["standardize"] = self.standardize
        return tfnlp.Classification.from_rows(
            rows,
            text_pair=self.text_pair is not None,
            label_separator=self.joined_by,
            class_weight=self.class_weight,
            label_smoothing=self.label_smoothing,
            loss=self.loss,
            vocabulary_size=self.vocabulary_size,
            sequence_length=self.sequence_length,
            ngrams=self.ngrams,
            tokenizer=self.tokenizer,
            min_frequency=min(self.min_frequency, 1) if dry_run else self.min_frequency,
            stop_words=self.stop_words or (),
            character_ngrams=self.character_ngrams,
            **options,
        )

    def prepare(
        self, task: "Classification", splits: "Splits", phase: Phase
    ) -> Prepared:
        """Vectors from a file, and the log-ratios of naive Bayes from the rows."""
        with phase("vocabulary"):
            start = self.start_values(task)
        if not self.nb_prior.scale:
            return Prepared(task, splits, start)
        with phase("naive Bayes"):
            rows = splits.train
            encoded = (
                tfnlp.training.encode_rows(task, rows) if self.training.cache else None
            )
            ratios = task.log_ratios(rows, encoded=encoded)
        return Prepared(task, splits, start._replace(log_ratios=ratios), encoded)

    def start_values(
        self, task: "Classification", *, dry_run: bool = False
    ) -> StartValues:
        """Pretrained vectors; log-ratios of zero for a linear layer alone."""
        vectors = ratios = None
        if self.vectors is not None:
            options = {"at_most": 1} if dry_run else {}
            read = tfnlp.text.load_vectors(
                self.vectors, task.text.vocabulary, **options
            )
            vectors = read.matrix
        if self.encoder == "linear":
            import numpy as np  # not for --help

            ratios = np.zeros((len(task.text.vocabulary), len(task.labels)), "float32")
        return StartValues(vectors, ratios)

    def encode(
        self, task: "Classification", start: StartValues, hp: Any
    ) -> "keras.Model | None":
        """The encoder of the recipe; None where the linear layer stands alone.

        Args:
            hp: answers what `hidden_dim` is, with the recipe's as default.
        """
        if self.encoder == "linear":
            return None
        options: dict[str, Any] = {
            "word_dropout": self.word_dropout,
            "spatial_dropout": self.spatial_dropout,
        }
        hidden_dim = hp.Int(
            "hidden_dim", 32, 512, step=32, default=self.encoder_options.hidden_dim
        )
        if start.vectors is not None:
            options["vectors"] = start.vectors
            options["trainable_vectors"] = self.trainable_vectors
            hidden_dim = None if self.encoder == "bow" else hidden_dim  # the vectors'
        own = dataclasses.replace(self.encoder_options, hidden_dim=hidden_dim)
        return encode(self.encoder, len(task.text.vocabulary), own, **options)
