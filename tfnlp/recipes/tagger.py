"""The flags of every script that tags words: sentences, words and the encoder.

What a script learns and what it puts on the encoder is its own; how it comes by
rows, by vectors of words and by an encoder of them is here.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import tfnlp
from tfnlp.errors import UsageError
from tfnlp.recipes.keywords import assignments
from tfnlp.recipes.reading import Reading

if TYPE_CHECKING:
    import keras
    import numpy as np

    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.networks.embedding_inputs import EmbeddingInputs
    from tfnlp.tasks.tagging import Tagging
    from tfnlp.text.words.word_features import WordFeatures


@dataclass(frozen=True, kw_only=True)
class Sentences(Reading):
    """Where tagged sentences lie: to train on, to choose by and to test on.

    Example:
    >>> Sentences(train="train.conll", tags="3").columns
    {'tokens': 'tokens', 'tags': '3'}
    """

    train: str  # file of tagged sentences: CoNLL, CoNLL-U, JSON, a folder of slots
    valid: str | None = None  # default: a tenth by hash
    test: str | None = None  # default: a tenth by hash
    split_seed: int = 0  # of the hash: another one cuts other tenths
    tokens: str = "tokens"  # column of the words
    tags: str = "tags"  # column of the tags: a name, or a number from 1

    @property
    def columns(self) -> dict[str, str]:
        """Field → column; a script whose rows have more fields adds to it."""
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

    def checked(
        self,
        splits: "Splits",
        *,
        key_fields: tuple[str, ...] = (),
        label_field: str | None = None,
    ) -> "Audit":
        """Counts what is wrong with the sentences and says it, on stderr.

        Args:
            key_fields: what tells rows of one sentence apart, if there are several.
            label_field: field of the label of a whole sentence, if there is one.

        Raises:
            DataError: it is too much to learn from.
        """
        audit = tfnlp.audit_sentences(
            splits.train,
            others={"valid": splits.valid, "test": splits.test},
            key_fields=key_fields,
            label_field=label_field,
        )
        for name in ("train", "valid", "test"):
            audit.warnings += self._misaligned(name)
        print(audit.table(), file=sys.stderr)
        return audit.check()

    def _misaligned(self, name: str) -> list[str]:
        """Which marked spans of a split's file do not end where words do."""
        from tfnlp.data.tagging import formats  # TensorFlow: not for --help

        source = getattr(self, name)
        if source is None:
            return []
        found = formats.misaligned(
            source, self.columns, format=self.format, encoding=self.encoding
        )
        prefix = "" if name == "train" else f"{name}: "
        return [prefix + message for message in found]

    def made_up(self, *more: Mapping[str, str]) -> Any:
        """Rows of one sentence, to build with before any file is read.

        Args:
            more: the further fields of each row; without them there is one row.

        Example:
        >>> rows = Sentences(train="").made_up({"intent": "book"}, {"intent": "play"})
        >>> [row["intent"] for row in rows.as_numpy_iterator()]
        [b'book', b'play']
        """
        from tfnlp.data.readers import from_list  # TensorFlow: not for --help

        sentence = {"tokens": "aa aa", "tags": "B-A O"}
        return from_list([{**sentence, **fields} for fields in more or ({},)])


@dataclass(frozen=True, kw_only=True)
class Tagger(Sentences):
    """What a tagger sees of words, and the network that reads them.

    Example:
    >>> Tagger(train="train.conll", encoder="cnn").own_width
    300
    """

    WIDTHS: ClassVar[Mapping[str, int]] = {"rnn": 400, "cnn": 300, "transformer": 128}
    """The width of each encoder if none is given."""

    scheme: Literal["IO", "BIO", "BIOES"] | None = "BIOES"  # learnt; answers: as read
    tokenizer: Literal["words", "whitespace", "characters"] = "words"  # of raw texts
    vocabulary_size: int = 100_000  # entries of the vocabulary
    min_frequency: int = 1  # rarer words are unknown
    characters: bool | None = None  # read those of a word; default: if it has several
    casing: bool | None = None  # tell how a word is cased; default: the same
    bigrams: bool | None = None  # of neighbours; default: if words are characters
    word_length: int = 24  # characters kept of a word
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    trainable_vectors: bool = False  # change them, in the place of others beside them
    gazetteers: str | None = None  # folder of lists of phrases: city.txt, firm.txt

    encoder: Literal["rnn", "cnn", "transformer"] = "rnn"
    width: int | None = None  # of the encoder's vectors; default: by the encoder
    word_dim: int | None = None  # of a learnt vector of a word; default: 100
    character_encoder: Literal["cnn", "rnn"] = "cnn"  # what reads those of a word
    character_dim: int = 30  # of a character's vector
    character_filters: int = 100  # width of what is made of the characters
    dropout: float = 0.5  # before and behind the encoder
    variational: bool = False  # whether all words of a row lose the same numbers
    word_dropout: float = 0.25  # share of unknown words while training
    network: tuple[str, ...] = ()  # more of the encoder: cell=gru num_layers=2
    crf: bool = True  # whether tags of a sentence are scored together
    constrained: bool = False  # with a CRF: leave out what cannot be while training

    @property
    def own_width(self) -> int:
        """The width of the encoder's vectors, given or the encoder's own."""
        return self.width or self.WIDTHS[self.encoder]

    def learning(self, *, tiny: bool = False) -> dict[str, Any]:
        """What `Tagging.from_rows` takes besides rows, words of `vectors` included.

        Args:
            tiny: for made-up rows: no word is too rare, and no vectors are read.

        Raises:
            DataError: a list of phrases, or a file of vectors, cannot be read.
        """
        read, lists = self.vectors if not tiny else None, self.gazetteers
        long = self.tokenizer != "characters"
        return {
            "scheme": self.scheme,
            "tokenizer": self.tokenizer,
            "constrained": self.constrained,
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": 1 if tiny else self.min_frequency,
            "more": tfnlp.vector_words(read) if read else (),
            "characters": long if self.characters is None else self.characters,
            "casing": long if self.casing is None else self.casing,
            "bigrams": not long if self.bigrams is None else self.bigrams,
            "word_length": self.word_length,
            "gazetteers": tfnlp.load_gazetteers(lists) if lists else None,
        }

    def pretrained(self, task: "Tagging", **options: Any) -> "np.ndarray | None":
        """The matrix that the vectors of words start from, if there is a file.

        Args:
            options: of `tfnlp.load_vectors`.

        Raises:
            DataError: the file is missing, or holds no vectors.
        """
        if self.vectors is None:
            return None
        return tfnlp.load_vectors(self.vectors, task.words.vocabulary, **options).matrix

    def embedding_inputs(
        self, words: "WordFeatures", vectors: "np.ndarray | None"
    ) -> "EmbeddingInputs":
        """The vectors of words, on which an encoder is stacked.

        Args:
            words: what is seen of a word.
            vectors: what `pretrained` gave.

        Raises:
            UsageError: --word_dim is given for vectors that are tuned.
        """
        if vectors is not None and self.trainable_vectors and self.word_dim is not None:
            raise UsageError(
                "--word_dim is that of a vector learnt beside --vectors; with "
                f"--trainable_vectors there is none. Received: {self.word_dim}. "
                "Leave one of both out."
            )
        return tfnlp.word_features.embedding_inputs(
            words.sizes,
            embedding_dim=self.word_dim,
            vectors=vectors,
            trainable_vectors=self.trainable_vectors,
            seen_size=words.seen_size,
            character_encoder=self.character_encoder,
            character_dim=self.character_dim,
            character_filters=self.character_filters,
            word_dropout=self.word_dropout,
        )

    def encoder_on(
        self, start: "EmbeddingInputs", *, hidden_dim: int, dropout: float
    ) -> "keras.Model":
        """The encoder on vectors of words; the options of --network come last.

        Raises:
            UsageError: --network names no option of the encoder.
        """
        encoder_of = getattr(tfnlp, self.encoder).encoder
        options: dict[str, Any] = {"hidden_dim": hidden_dim, "dropout": dropout}
        if self.encoder == "rnn":
            options["variational"] = self.variational
        options |= assignments(self.network, encoder_of)
        return encoder_of(start, **options)
