"""Tagging: the data flags, the word features and the encoder of its recipes."""

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import tfnlp
from tfnlp.errors import UsageError
from tfnlp.recipes.encoders import EncoderOptions, by_encoder, encode
from tfnlp.recipes.reading import Reading
from tfnlp.recipes.recipe import Recipe, StartValues
from tfnlp.recipes.settings import PREFIX

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.networks.embedding_inputs import EmbeddingInputs
    from tfnlp.specs import Rows
    from tfnlp.task import Task
    from tfnlp.tasks.tagging import Tagging as Tagger


@dataclass(frozen=True, kw_only=True)
class TaggedSentences(Reading):
    """Tagged sentences: training, validation and test data.

    Example:
    >>> TaggedSentences(train="train.conll", tags="3").columns
    {'tokens': 'tokens', 'tags': '3'}
    """

    KEY_FIELDS: ClassVar[tuple[str, ...]] = ()
    """Fields that tell rows of one sentence apart, if there are several."""
    LABEL_FIELD: ClassVar[str | None] = None
    """Field of the label of a whole sentence, if there is one."""

    train: str  # file of tagged sentences: CoNLL, CoNLL-U, JSON, a folder of slots
    valid: str | None = None  # default: a tenth by hash
    test: str | None = None  # default: a tenth by hash
    split_seed: int = 0  # of the hash: another one cuts other tenths
    tokens: str = "tokens"  # column of the words
    tags: str = "tags"  # column of the tags: a name, or a number from 1

    @property
    def columns(self) -> dict[str, str]:
        """Field → column; recipes whose rows have more fields add to it."""
        return {"tokens": self.tokens, "tags": self.tags}

    def read_splits(self) -> "Splits":
        """Reads the rows; see `tfnlp.read_splits`.

        Raises:
            DataError: a file cannot be read, or not be split.
            SchemaError: a column is missing.
        """
        return tfnlp.read_splits(
            self.train,
            self.columns,
            valid=self.valid,
            test=self.test,
            fields=("tokens",),
            seed=self.split_seed,
            **self.options(),
        )

    def audit(self, splits: "Splits") -> "Audit":
        """Audits the sentences and prints the table to standard error.

        Raises:
            DataError: there is nothing to learn from.
        """
        audit = tfnlp.data.audit_sentences(
            splits.train,
            others={"valid": splits.valid, "test": splits.test},
            key_fields=self.KEY_FIELDS,
            label_field=self.LABEL_FIELD,
        )
        for name in ("train", "valid", "test"):
            audit.warnings += self._misaligned(name)
        print(audit.table(), file=sys.stderr)
        return audit.check()

    def _misaligned(self, name: str) -> list[str]:
        """The annotated spans of a file that do not end where words do."""
        from tfnlp.data.tagging import formats  # TensorFlow: not for --help

        source = getattr(self, name)
        if source is None:
            return []
        found = formats.misaligned(
            source, self.columns, format=self.format, encoding=self.encoding
        )
        prefix = "" if name == "train" else f"{name}: "
        return [prefix + message for message in found]

    def example_rows(self) -> "Rows":
        """One sentence, to build with before any file is read.

        Example:
        >>> rows = TaggedSentences(train="").example_rows()
        >>> [row["tags"] for row in rows.as_numpy_iterator()]
        [b'B-A O']
        """
        return self._sentences([{}])

    def _sentences(self, rows: list[dict[str, Any]]) -> "Rows":
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        sentence = {"tokens": "aa aa", "tags": "B-A O"}
        return from_list([{**sentence, **fields} for fields in rows])


@dataclass(frozen=True, kw_only=True)
class Tagging(TaggedSentences, Recipe):
    """The word features, the encoder and the head of a tagger.

    Example:
    >>> recipe = Tagging(train="train.conll", encoder="cnn").resolved()
    >>> recipe.encoder_options.hidden_dim
    300
    """

    DEFAULTS: ClassVar = by_encoder(rnn=400, cnn=300, transformer=128)
    """Encoder → flag → its value where none is given."""

    scheme: Literal["IO", "BIO", "BIOES"] | None = "BIOES"  # learnt; answers: as read
    tokenizer: Literal["words", "whitespace", "characters"] = "words"  # of raw texts
    vocabulary_size: int = 100_000  # entries at most
    min_frequency: int = 1  # rarer words are unknown
    characters: bool | None = None  # of a word as features; default: if it has several
    casing: bool | None = None  # of a word as feature; default: the same
    bigrams: bool | None = None  # as features; default: if words are characters
    word_length: int = 24  # characters kept of a word
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    trainable_vectors: bool = False  # train them, instead of learnt ones beside them
    gazetteers: str | None = None  # folder of lists of phrases: city.txt, firm.txt

    encoder: Literal["rnn", "cnn", "transformer"] = "rnn"  # network of the words
    encoder_options: EncoderOptions = field(
        default_factory=EncoderOptions, metadata={PREFIX: "encoder"}
    )
    embedding_dim: int | None = None  # of a word's learnt vector; default: 100
    character_encoder: Literal["cnn", "rnn"] = "cnn"  # from characters to a vector
    character_dim: int = 30  # of a character's vector
    character_filters: int = 100  # of what the character encoder makes of a word
    dropout: float = 0.5  # before and after the encoder
    variational: bool = False  # dropout: one mask for all words of a row
    word_dropout: float = 0.25  # share of unknown words while training
    crf: bool = True  # a conditional random field scores the tags of a sentence
    constrained: bool = False  # with a CRF: no training on tags that cannot follow

    @property
    def architecture(self) -> str:
        """The encoder, whose `DEFAULTS` count."""
        return self.encoder

    def task_options(self, *, dry_run: bool = False) -> dict[str, Any]:
        """What `Tagging.from_rows` takes besides rows, words of `vectors` included.

        Args:
            dry_run: for made-up rows: no word is too rare, and no vectors are read.

        Raises:
            DataError: a list of phrases, or a file of vectors, cannot be read.
        """
        read, lists = self.vectors if not dry_run else None, self.gazetteers
        long = self.tokenizer != "characters"
        return {
            "scheme": self.scheme,
            "tokenizer": self.tokenizer,
            "constrained": self.constrained,
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": 1 if dry_run else self.min_frequency,
            "more": tfnlp.text.vector_words(read) if read else (),
            "characters": long if self.characters is None else self.characters,
            "casing": long if self.casing is None else self.casing,
            "bigrams": not long if self.bigrams is None else self.bigrams,
            "word_length": self.word_length,
            "gazetteers": tfnlp.text.load_gazetteers(lists) if lists else None,
        }

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Tagger":
        """Words, characters and tags."""
        return tfnlp.Tagging.from_rows(rows, **self.task_options(dry_run=dry_run))

    def start_values(self, task: "Task", *, dry_run: bool = False) -> StartValues:
        """Pretrained word vectors, if there is a file of them.

        Raises:
            DataError: the file is missing, or holds no vectors.
        """
        if self.vectors is None:
            return StartValues()
        options = {"at_most": 1} if dry_run else {}
        vocabulary = task.words.vocabulary
        read = tfnlp.text.load_vectors(self.vectors, vocabulary, **options)
        return StartValues(vectors=read.matrix)

    def served(
        self, task: "Task", network: "keras.Model"
    ) -> "tuple[Task, keras.Model]":
        """The task of requests: raw texts, and words at a second endpoint."""
        return task.for_texts(), network

    def inputs(self, task: "Tagger", start: StartValues) -> "EmbeddingInputs":
        """The word vectors that the encoder is built on.

        Raises:
            UsageError: --embedding_dim is given for vectors that are trained.
        """
        trained = start.vectors is not None and self.trainable_vectors
        if trained and self.embedding_dim is not None:
            raise UsageError(
                "embedding_dim is that of vectors learnt beside the pretrained ones; "
                "with trainable_vectors there are none. "
                f"Received: {self.embedding_dim}. Leave one of both out."
            )
        return tfnlp.networks.word_features.embedding_inputs(
            task.words.sizes,
            embedding_dim=self.embedding_dim,
            vectors=start.vectors,
            trainable_vectors=self.trainable_vectors,
            seen_size=task.words.seen_size,
            character_encoder=self.character_encoder,
            character_dim=self.character_dim,
            character_filters=self.character_filters,
            word_dropout=self.word_dropout,
        )

    def encode(
        self, inputs: "EmbeddingInputs", hp: Any, *, dropout: float
    ) -> "keras.Model":
        """The encoder on word vectors.

        Args:
            hp: answers what `hidden_dim` is, with the recipe's as default.
        """
        options = self.encoder_options
        hidden_dim = hp.Int("hidden_dim", 64, 800, step=8, default=options.hidden_dim)
        others: dict[str, Any] = {"dropout": dropout}
        if self.encoder == "rnn":
            others["variational"] = self.variational
        own = replace(options, hidden_dim=hidden_dim)
        return encode(self.encoder, inputs, own, **others)


@dataclass(frozen=True, kw_only=True)
class IntentAndSlots(Tagging):
    """What the intent of a sentence adds to a tagger."""

    DEFAULTS: ClassVar = by_encoder(rnn=256, cnn=300, transformer=128)
    LABEL_FIELD: ClassVar = "intent"

    word_dropout: float = 0.05  # share of unknown words while training
    character_filters: int = 50  # of what the character encoder makes of a word
    intent: str = "intent"  # column of the intent
    intent_weight: float = 3.0  # how many words an intent weighs in the loss
    pooling: tuple[str, ...] = ("mean", "max")  # of words, for the intent: attention …

    @property
    def columns(self) -> dict[str, str]:
        """Field → column."""
        return {**super().columns, "intent": self.intent}

    def filter_rows(self, splits: "Splits") -> "Splits":
        """Leaves out the rows without an intent; see `tfnlp.clean`."""
        return splits.map(lambda rows: tfnlp.clean(rows, label_field="intent"))

    def example_rows(self) -> "Rows":
        """Two sentences of two intents, to build with before any file is read."""
        return self._sentences([{"intent": "book"}, {"intent": "play"}])

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Tagger":
        """Words, characters, tags and intents."""
        return tfnlp.IntentAndSlots.from_rows(
            rows,
            intent_weight=self.intent_weight,
            **self.task_options(dry_run=dry_run),
        )


@dataclass(frozen=True, kw_only=True)
class SemanticRoles(Tagging):
    """What the predicate of a row adds to a tagger."""

    DEFAULTS: ClassVar = {
        name: {**options, "encoder.num_layers": 2}
        for name, options in by_encoder(rnn=300, cnn=300, transformer=128).items()
    }
    KEY_FIELDS: ClassVar = ("predicate",)

    predicate: str = "predicate"  # column of the predicate, a word's number from 0
    scheme: Literal["IO", "BIO", "BIOES"] | None = "BIO"  # learnt; answers: as read
    trainable_vectors: bool = True  # train them, instead of learnt ones beside them
    dropout: float = 0.3  # before and after the encoder
    word_dropout: float = 0.05  # share of unknown words while training
    character_filters: int = 50  # of what the character encoder makes of a word
    distance_dim: int = 50  # of the embedding of a distance from the predicate
    predicate_dim: int = 100  # of what each word receives from the predicate
    max_distance: int = 30  # words from the predicate; larger ones count as this

    @property
    def columns(self) -> dict[str, str]:
        """Field → column."""
        return {**super().columns, "predicate": self.predicate}

    def read_splits(self) -> "Splits":
        """Reads the rows, a row for each predicate."""
        return super().read_splits().map(tfnlp.data.parse_predicates)

    def example_rows(self) -> "Rows":
        """One sentence and its predicate, to build with before any file is read."""
        return tfnlp.data.parse_predicates(self._sentences([{"predicate": "0"}]))

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Tagger":
        """Words, characters and roles."""
        return tfnlp.SemanticRoles.from_rows(rows, **self.task_options(dry_run=dry_run))
