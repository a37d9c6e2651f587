"""Tagging: a tag for every word, and the spans that the tags spell."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from tfnlp.data.rows import column_batches
from tfnlp.data.tagging import scheme_tensors, schemes, tagged_rows
from tfnlp.data.tagging.sentences import split as split_joined
from tfnlp.errors import DataError
from tfnlp.layers.crf import CRF, Chain
from tfnlp.layers.crf_paths import viterbi
from tfnlp.layers.crf_sums import log_likelihood, marginals
from tfnlp.networks.embedding_inputs import dropped
from tfnlp.networks.word_features import feature
from tfnlp.saving import pack
from tfnlp.scores import tagging as scores
from tfnlp.scores import tagging_figures
from tfnlp.scores.intervals import Draw
from tfnlp.specs import TEXT, Rows, Schema
from tfnlp.task import Arrays, Endpoint, Task, Tensors
from tfnlp.text.splitters import splitter
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.words import word_offsets
from tfnlp.text.words.word_features import WordFeatures
from tfnlp.text.words.word_offsets import Words, spaced


class Tagging(Task):
    """Gives every word of a text a tag: names, chunks, slots, parts of speech.

    A row carries ``tokens``, words joined with single spaces, and ``tags``, joined
    likewise; a request carries ``tokens`` too, or ``text``, which is split into
    words first: see `for_texts`. An answer carries for every word ``tokens`` and
    ``tags`` (string [B, T]), ``starts`` and ``ends`` (int32 [B, T], characters of
    the request, so that `text[start:end]` is the word) and ``scores`` (float32
    [B, T], the probability of the tag); and for every span that the tags spell
    ``span_texts`` and ``span_types`` (string [B, S]), ``span_starts`` and
    ``span_ends`` (int32 [B, S], characters too). Rows with fewer words or spans
    end in "" and 0.

    Args:
        words: turns words into features.
        tags: the classes of words, in `scheme`.
        scheme: of those tags, one of `schemes.SCHEMES`; only what it allows is
            answered. None for plain tags such as parts of speech, which have no
            spans. Gold tags may be of any scheme.
        answer_scheme: of the tags that are answered; by default `scheme`.
        tokenizer: cuts a text into words; one of `tfnlp.text.splitters.SPLITTERS`.
        constrained: with a CRF, whether training leaves out too what the scheme
            does not allow.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"tokens": "Ann left New York", "tags": "B-P O B-L I-L"}])
    >>> task = Tagging.from_rows(rows, scheme="BIOES")
    >>> task.tags.entries, task.answer_scheme
    (('B-L', 'E-L', 'O', 'S-P'), 'BIO')
    >>> task.encode({"text": tf.constant(["Ann left!"])})["token_ids"].numpy()
    array([[2, 5, 1]], dtype=int32)
    """

    targets: ClassVar[Schema] = {"tags": TEXT}
    request: str = "tokens"
    """The field of a request; `for_texts` gives the same task with another one."""

    def __init__(
        self,
        words: WordFeatures,
        tags: Vocabulary,
        *,
        scheme: str | None = None,
        answer_scheme: str | None = None,
        tokenizer: str = "words",
        constrained: bool = False,
    ):
        super().__init__()
        splitter(tokenizer)
        self.words, self.tags, self.tokenizer = words, tags, tokenizer
        self.constrained = constrained
        self.scheme = None if scheme is None else schemes.known(scheme)
        self.answer_scheme = self.scheme
        if self.scheme and answer_scheme:
            self.answer_scheme = schemes.known(answer_scheme)
        self.monitor = "val_f1" if self.scheme else "val_token_accuracy"
        self._allowed = schemes.constraints(tags.entries, self.scheme)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        scheme: str | None = None,
        tokenizer: str = "words",
        constrained: bool = False,
        **words: Any,
    ) -> "Tagging":
        """Learns words, characters and tags.

        Args:
            rows: rows with ``tokens`` and ``tags``.
            scheme: in which tags are learnt, by default that of the rows; BIOES
                says more of a span than BIO. Answers are in that of the rows.
            tokenizer: cuts a text into words.
            constrained: whether training leaves out what the scheme does not allow.
            words: options of `WordFeatures.from_rows`.

        Raises:
            DataError: a sentence has not as many tags as words, the tags are of two
                schemes, or there is no tag.
            UsageError: there is no such scheme.
        """
        wanted = None if scheme is None else schemes.known(scheme)
        found = tagged_rows.survey(rows)
        own = found.scheme and (wanted or found.scheme)
        tags = _tags_in(rows, own) if own else set(found.tags)
        if not tags:
            raise DataError(
                "Tagging needs rows with tags. Received: no tag at all. "
                "Check that the column of the tags is the right one."
            )
        return cls(
            WordFeatures.from_rows(rows, **words),
            Vocabulary(sorted(tags)),
            scheme=own,
            answer_scheme=found.scheme,
            tokenizer=tokenizer,
            constrained=constrained,
        )

    @property
    def inputs(self) -> Schema:  # type: ignore[override]
        """``tokens``, or ``text`` in a task made by `for_texts`."""
        return {self.request: TEXT}

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what `encode` makes, but for the mask: the network's inputs."""
        return tuple(self.words.sizes)

    def for_texts(self) -> Self:
        """The same task with raw texts as requests: what an artefact should answer.

        Only what a request is differs: `config` is the same, so the task that is
        loaded with an artefact takes ``tokens``, as rows for an evaluation have them.
        """
        twin = type(self)(**self.arguments())
        twin.request = "text"
        return twin

    def endpoints(self) -> dict[str, Endpoint]:
        """``serving_default`` takes `request`; the other form has its own name."""
        other = "text" if self.request == "tokens" else "tokens"
        more = {k: spec for k, spec in self.inputs.items() if k != self.request}
        return {
            "serving_default": Endpoint(self.answer, self.inputs),
            f"from_{other}": Endpoint(self.answer, {other: TEXT, **more}),
        }

    def read(self, inputs: Tensors) -> Words:
        """The words of requests of either form, and where they stand."""
        if "text" in inputs:
            return word_offsets.of_texts(inputs["text"], self.tokenizer)
        return word_offsets.of_tokens(inputs["tokens"])

    @tf.autograph.experimental.do_not_convert
    def encode(self, inputs: Tensors) -> Tensors:
        """Features of words: int32, see `WordFeatures`."""
        return self.words(self.read(inputs).tokens)

    @tf.autograph.experimental.do_not_convert
    def encode_targets(self, row: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
        """y: tag numbers int32 [B, T], -1 where there is none; weight [B].

        A row weighs as much as it has words, and nothing if it has not as many tags,
        or a tag that the task does not know: it is scored, but not learnt from.
        """
        lengths = self.read(row).tokens.row_lengths()
        tags = spaced(row["tags"])
        if self.scheme:
            tags = scheme_tensors.rewritten(tags, self.scheme)
        ids = tags.with_flat_values(self.tags.ids(tags.flat_values))
        length = tf.maximum(tf.reduce_max(lengths), 1)
        y = ids.to_tensor(default_value=-1, shape=tf.stack([-1, length]))
        known = tf.reduce_sum(tf.cast(y >= 0, lengths.dtype), axis=1)
        whole = (known == lengths) & (tags.row_lengths() == lengths)
        return y, tf.where(whole, tf.cast(known, tf.float32), 0.0)

    def network(
        self,
        encoder: keras.Model,
        *,
        crf: bool = True,
        dropout: float = 0.5,
        variational: bool = False,
    ) -> keras.Model:
        """Adds a head to an encoder: features → logits [B, T, C], or a CRF's scores.

        Args:
            encoder: features of words, or just ``token_ids`` and ``padding_mask``,
                → [B, T, D].
            crf: whether the tags of a row are scored together; see `CRF`.
            dropout: share of the encoder's numbers dropped.
            variational: whether all words of a row lose the same numbers.
        """
        features, vectors = self._encoded(encoder)
        vectors = dropped(vectors, dropout, variational=variational)
        outputs = self._head(vectors, features["padding_mask"], crf=crf)
        return keras.Model(features, outputs, name="tagging")

    def _encoded(self, encoder: keras.Model) -> tuple[dict, keras.KerasTensor]:
        """Fresh inputs by name, and what an encoder makes of them: [B, T, D]."""
        features = {name: feature(name) for name in (*self.features, "padding_mask")}
        return features, encoder({name: features[name] for name in encoder.input})

    def _head(
        self, vectors: keras.KerasTensor, padding_mask: keras.KerasTensor, *, crf: bool
    ) -> Any:
        """Logits [B, T, C] of the tags, or a CRF's scores."""
        logits = keras.layers.Dense(len(self.tags), dtype="float32", name="logits")
        if not crf:
            return logits(vectors)
        return CRF(name="crf")(logits(vectors), padding_mask)

    @tf.autograph.experimental.do_not_convert
    def loss(self, y: tf.Tensor, outputs: Any) -> tf.Tensor:
        """[B]: negative log-likelihood of a row's tags by word."""
        tags = tf.maximum(y, 0)
        real = tf.cast(y >= 0, tf.float32)
        if isinstance(outputs, Mapping):
            chain = Chain.of(outputs)
            chain = self._only_allowed(chain) if self.constrained else chain
            item = -log_likelihood(chain, tags)
        else:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(tags, outputs)
            item = tf.reduce_sum(each * real, axis=1)
        return item / tf.maximum(tf.reduce_sum(real, axis=1), 1.0)

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: Any, inputs: Tensors) -> Tensors:
        """The best tags that the scheme allows, and their spans."""
        words = self.read(inputs)
        lengths = words.tokens.row_lengths()
        ids, probabilities = self._best(outputs, lengths)
        numbers, entries = self._answered(tf.RaggedTensor.from_tensor(ids, lengths))
        tags = tf.gather(tf.constant(entries), numbers.flat_values)
        answer = {
            "tokens": words.tokens,
            "tags": numbers.with_flat_values(tags),
            "starts": words.starts,
            "ends": words.ends,
            "scores": tf.RaggedTensor.from_tensor(probabilities, lengths=lengths),
        }
        if self.scheme:
            answer |= _spans(words, numbers, entries)
        return {name: column.to_tensor() for name, column in answer.items()}

    def _answered(
        self, ids: tf.RaggedTensor
    ) -> tuple[tf.RaggedTensor, tuple[str, ...]]:
        """Tags [B, (T)] by number in the scheme of answers, and what they stand for."""
        if not self.answer_scheme:
            return ids, self.tags.entries
        return scheme_tensors.rewritten_numbers(
            ids, self.tags.entries, self.answer_scheme
        )

    def _best(self, outputs: Any, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Tag numbers int32 [B, T] and their probabilities float32 [B, T]."""
        if isinstance(outputs, Mapping):
            chain = Chain.of(outputs)
        elif self.scheme is None:
            ids = tf.argmax(outputs, axis=-1, output_type=tf.int32)
            return ids, tf.reduce_max(tf.nn.softmax(outputs), axis=-1)
        else:
            mask = tf.sequence_mask(tf.maximum(lengths, 1), tf.shape(outputs)[1])
            none = tf.zeros([len(self.tags)])
            pairs = tf.zeros([len(self.tags)] * 2)
            chain = Chain(outputs, tf.cast(mask, tf.int32), pairs, none, none)
        chain = self._only_allowed(chain)
        ids, _ = viterbi(chain)
        return ids, tf.gather(marginals(chain), ids, batch_dims=2)

    def _only_allowed(self, chain: Chain) -> Chain:
        rules = self._allowed
        return chain.constrained(rules.allowed, start=rules.start, end=rules.end)

    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """Precision, recall and F1 of spans, accuracy of words and of sentences."""
        return scores.score(*self._compared(rows, answers), spans=self._spans)

    def headline(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """The scores that carry an interval."""
        return self.bootstrap(rows, answers)(np.arange(len(rows["tags"])))

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Bootstrap: `headline` of resampled rows; spans are read once."""
        return scores.headline(*self._compared(rows, answers), spans=self._spans)

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """Confusion of types, partial matches, the worst sentences."""
        return tagging_figures.figures(
            _joined(answers["tokens"]),
            *self._compared(rows, answers),
            spans=self._spans,
            gap="" if self.tokenizer == "characters" else " ",
        )

    def gold_answers(self, rows: Arrays, answers: Arrays) -> Arrays:
        """Answers with the gold tags, padded with ""."""
        gold, _ = self._compared(rows, answers)
        tags = [text.split(" ") for text in gold]
        table = np.full((len(tags), max(map(len, tags), default=0)), "", object)
        for row, own in enumerate(tags):
            table[row, : len(own)] = own
        return {**(super().gold_answers(rows, answers) or answers), "tags": table}

    @property
    def _spans(self) -> scores.Spans | None:
        return schemes.spans if self.scheme else None

    def _compared(self, rows: Arrays, answers: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """Gold tags and answered ones of each row, joined, of one scheme: str [N]."""
        gold = rows["tags"]
        if self.answer_scheme:
            name = self.answer_scheme
            written = [schemes.convert(split_joined(tags), name) for tags in gold]
            gold = _column([" ".join(tags) for tags in written])
        return gold, _joined(answers["tags"])

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "words": pack(self.words),
            "tags": pack(self.tags),
            "scheme": self.scheme,
            "answer_scheme": self.answer_scheme,
            "tokenizer": self.tokenizer,
            "constrained": self.constrained,
        }

    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments as objects, to make a twin or another form."""
        return {**self.config(), "words": self.words, "tags": self.tags}


def _spans(
    words: Words, numbers: tf.RaggedTensor, tags: Sequence[str]
) -> dict[str, tf.RaggedTensor]:
    """The spans that tags spell, by characters of the requests."""
    found = scheme_tensors.spans_of_numbers(numbers, tags, words.starts, words.ends)
    texts = word_offsets.cut(words.texts, found.starts, found.ends)
    return {
        "span_texts": found.starts.with_flat_values(texts),
        "span_types": found.types,
        "span_starts": found.starts,
        "span_ends": found.ends,
    }


def _tags_in(rows: Rows, scheme: str) -> set[str]:
    """Every tag that the rows have when they are written in a scheme."""
    return {
        tag
        for batch in column_batches(tagged_rows.in_scheme(rows, scheme))
        for joined in set(batch["tags"].tolist())
        for tag in split_joined(joined.decode("utf-8", "replace"))
    }


def _joined(column: np.ndarray) -> np.ndarray:
    """Words or tags [N, T] as one string a row, without the padding: str [N]."""
    return _column([" ".join(filter(None, row)) for row in column.tolist()])


def _column(texts: list[str]) -> np.ndarray:
    column = np.empty(len(texts), object)
    column[:] = texts
    return column
