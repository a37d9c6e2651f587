"""Translation: a text out of a text; also summaries, spellings and pronunciations."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfnlp import decoding
from tfnlp.data import references
from tfnlp.errors import UsageError
from tfnlp.layers.cross_entropy import cross_entropy
from tfnlp.layers.decoder_block import Memory
from tfnlp.layers.scheduled_sampling import ScheduledSampling
from tfnlp.layers.validation import check_rate, check_size
from tfnlp.networks import incremental_decoding
from tfnlp.saving import pack
from tfnlp.scores import corpus_statistics, generation_figures
from tfnlp.scores import generation as scores
from tfnlp.scores.figures import Heat
from tfnlp.scores.intervals import Draw
from tfnlp.specs import TEXT, Rows, Schema
from tfnlp.task import Arrays, Endpoint, Task, Tensors
from tfnlp.text.tokenizers.tokenizer import Tokenizer
from tfnlp.text.tokenizers.training import train_tokenizer

MOST_BEAMS = 16
_ALIGNED = ("source_tokens", "target_tokens", "weights")


class Translation(Task):
    """Writes a text for a text: its translation, its summary, how it is spoken.

    A row carries ``source`` and ``target``; a target of several references joins them
    with `tfnlp.specs.REFERENCES`, and the first is learnt from. An answer carries
    ``text`` (string [B]) and ``score`` (float32 [B], its log-probability over the
    length penalty). An artefact answers at ``n_best`` with ``texts`` and ``scores``
    [B, K], best first, and at ``align`` a source and a ``target`` with where each
    token of the target looks: ``weights`` float32 [B, T, S], ``target_tokens`` and
    ``source_tokens``. A request may carry any option of
    `tfnlp.decoding.GenerationConfig`.

    Args:
        source_tokenizer: text to ids.
        target_tokenizer: ids to text, and back.
        source_length: tokens of a source that are read; the rest is cut off.
        target_length: tokens of a target that are learnt, and written at most.
        num_beams: how many texts are followed side by side, unless a request says.
        length_penalty: likewise, see `tfnlp.decoding.GenerationConfig`.
        no_repeat_ngram_size: likewise.
        label_smoothing: share of the target spread over all tokens (Szegedy et al.
            2016).
        n_best: K.
        metrics: what is scored, names of `tfnlp.scores.generation.NAMES`.

    Raises:
        UsageError: an option has a value that it cannot have.
    """

    targets: ClassVar[Schema] = {"target": TEXT}

    def __init__(
        self,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        source_length: int = 128,
        target_length: int = 128,
        num_beams: int = 5,
        length_penalty: float = 1.0,
        no_repeat_ngram_size: int = 0,
        label_smoothing: float = 0.1,
        n_best: int = 5,
        metrics: Iterable[str] = ("bleu", "chrf"),
    ):
        super().__init__()
        check_size("source_length", source_length)
        check_size("target_length", target_length)
        check_size("n_best", n_best)
        check_rate("label_smoothing", label_smoothing)
        if not 1 <= num_beams <= MOST_BEAMS:
            raise UsageError(
                f"num_beams is a whole number from 1 to {MOST_BEAMS}. "
                f"Received: {num_beams!r}."
            )
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.source_length, self.target_length = source_length, target_length
        self.num_beams, self.length_penalty = num_beams, length_penalty
        self.no_repeat_ngram_size = no_repeat_ngram_size
        self.label_smoothing, self.n_best = label_smoothing, n_best
        self.metric_names = tuple(metrics)
        scores.statistics([], [], self.metric_names)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        shared: bool = False,
        tokenizer_options: Mapping[str, Any],
        **options: Any,
    ) -> "Translation":
        """Trains the tokenizers of both sides.

        Args:
            rows: rows with ``source`` and ``target``.
            shared: whether both sides have the same tokenizer.
            tokenizer_options: those of `train_tokenizer`.
            options: of `Translation`.

        Raises:
            DataError: a side has no text.
        """
        if shared:
            source = target = train_tokenizer(
                rows, ["source", "target"], **tokenizer_options
            )
        else:
            source = train_tokenizer(rows, ["source"], **tokenizer_options)
            target = train_tokenizer(rows, ["target"], **tokenizer_options)
        return cls(source, target, **options)

    @property
    def inputs(self) -> Schema:  # type: ignore[override]
        """``source``."""
        return {"source": TEXT}

    def endpoints(self) -> dict[str, Endpoint]:
        """``serving_default``, ``n_best`` and ``align``."""
        defaults = vars(decoding.GenerationConfig(**self._own))
        request = {"source": TEXT, **decoding.SPECS}
        return {
            "serving_default": Endpoint(self.answer, request, defaults),
            "n_best": Endpoint(self.several, request, defaults),
            "align": Endpoint(self.align, {"source": TEXT, "target": TEXT}),
        }

    @tf.autograph.experimental.do_not_convert
    def encode(self, inputs: Tensors) -> Tensors:
        """``token_ids`` and ``padding_mask``, int32 [B, S], of sources."""
        ids = self.source_tokenizer.encode(inputs["source"])[:, : self.source_length]
        ended = tf.concat(
            [ids, tf.fill([ids.nrows(), 1], self.source_tokenizer.end)], axis=1
        )
        return {
            "token_ids": ended.to_tensor(),
            "padding_mask": tf.sequence_mask(ended.row_lengths(), dtype=tf.int32),
        }

    @tf.autograph.experimental.do_not_convert
    def example(self, row: Tensors) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        """Features with ``target_ids``; y int32 [B, T], and 1 where there is one."""
        before, after = self._target(row["target"])
        weight = tf.sequence_mask(after.row_lengths(), dtype=tf.float32)
        features = {**self.encode(row), "target_ids": before.to_tensor()}
        return features, after.to_tensor(), weight

    def network(
        self,
        encoder: keras.Model,
        decoder: keras.layers.Layer,
        *,
        scheduled_sampling: float = 0.0,
    ) -> keras.Model:
        """Features → logits [B, T, V] of the target's tokens.

        Args:
            encoder: ``token_ids`` and ``padding_mask`` [B, S] → [B, S, E].
            decoder: a `TransformerDecoder` with ``cross_attention=True``, or a
                `RecurrentDecoder` with ``attention``, of as many ids as
                `target_tokenizer` has.
            scheduled_sampling: share of the tokens read while training that are the
                decoder's own, see `ScheduledSampling`; 0 is teacher forcing.

        Raises:
            UsageError: that is no share, or the decoder remembers fewer tokens than a
                target has.
        """
        check_rate("scheduled_sampling", scheduled_sampling)
        incremental_decoding.check_sequence_length(decoder, self.target_length + 1)
        names = ("token_ids", "padding_mask", "target_ids")
        features = {n: keras.Input([None], dtype="int32", name=n) for n in names}
        mask = features["padding_mask"]
        memory = encoder({"token_ids": features["token_ids"], "padding_mask": mask})
        read = features["target_ids"]
        if scheduled_sampling:
            read = ScheduledSampling(scheduled_sampling)(
                read, decoder(read, memory, mask)
            )
        logits = decoder(read, memory, mask)
        return keras.Model(features, logits, name="network")

    @tf.autograph.experimental.do_not_convert
    def loss(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """[B, T]: cross-entropy of each token, smoothed."""
        return cross_entropy(y, outputs, smoothing=self.label_smoothing)

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: decoding.GenerationResult, inputs: Tensors) -> Tensors:
        """What was generated → ``text`` and ``score``."""
        return {
            "text": self.target_tokenizer.decode(outputs.ids[:, 0]),
            "score": outputs.scores[:, 0],
        }

    @tf.autograph.experimental.do_not_convert
    def answer(self, model: Any, inputs: Tensors) -> Tensors:
        """The best text for each source."""
        return self.decode(self._generated(model, inputs, n_best=1), inputs)

    @tf.autograph.experimental.do_not_convert
    def several(self, model: Any, inputs: Tensors) -> Tensors:
        """The best texts for each source, by falling score; "" where there is none."""
        made = self._generated(model, inputs, n_best=self.n_best)
        shape = tf.shape(made.scores)
        flat = tf.reshape(made.ids, [shape[0] * shape[1], -1])
        return {
            "texts": tf.reshape(self.target_tokenizer.decode(flat), shape),
            "scores": made.scores,
        }

    @tf.autograph.experimental.do_not_convert
    def align(self, model: Any, inputs: Tensors) -> Tensors:
        """Where the tokens of given targets look.

        Raises:
            UsageError: the network has no decoder to look into.
        """
        features = self.encode(inputs)
        before, after = self._target(inputs["target"])
        decoder = incremental_decoding.find_decoder(model)
        if decoder is None:
            raise UsageError(
                "Only a network with a decoder has cross-attention weights. "
                f"Received: {type(model).__name__}."
            )
        memory = _memory(model, features)
        real = tf.sequence_mask(after.row_lengths(), dtype=tf.float32)[..., None]
        ids = tf.RaggedTensor.from_tensor(
            features["token_ids"],
            lengths=tf.reduce_sum(features["padding_mask"], axis=1),
        )
        return {
            "weights": decoder.alignment(before.to_tensor(), memory) * real,
            "target_tokens": _named(self.target_tokenizer, after),
            "source_tokens": _named(self.source_tokenizer, ids),
        }

    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """The task's metrics of the answered texts."""
        return corpus_statistics.corpus_scores(self._statistics(rows, answers))

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Bootstrap: `score` of resampled rows; each row is counted once."""
        return corpus_statistics.bootstrap(self._statistics(rows, answers))

    def gold_answers(self, rows: Arrays, answers: Arrays) -> Arrays:
        """Answers with the targets as texts."""
        return {**answers, "text": rows["target"]}

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """Lengths, and the worst, typical and best answers beside references."""
        signatures = corpus_statistics.signatures(self._statistics(rows, answers))
        drawn = generation_figures.figures(
            rows["source"], rows["target"], answers["text"]
        )
        return (*drawn, signatures) if signatures.rows else drawn

    def attention(self, model: Any, rows: Rows, *, shown: int = 3) -> tuple[Heat, ...]:
        """For a report: where the answers to the first rows looked.

        Args:
            model: the network.
            rows: rows with ``source``.
            shown: how many there are at most.
        """
        sources = next(iter(rows.batch(shown)))["source"]
        texts = self.answer(model, {"source": sources})["text"]
        found = self.align(model, {"source": sources, "target": texts})
        aligned = zip(*(found[name].numpy() for name in _ALIGNED), strict=True)
        return tuple(
            generation_figures.attention(
                _words(source), _words(target), weights, title=f"Attention, row {row}"
            )
            for row, (source, target, weights) in enumerate(aligned, start=1)
        )

    def _statistics(
        self, rows: Arrays, answers: Arrays
    ) -> tuple[corpus_statistics.Statistics, ...]:
        return scores.statistics(rows["target"], answers["text"], self.metric_names)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "source_tokenizer": pack(self.source_tokenizer),
            "target_tokenizer": pack(self.target_tokenizer),
            "source_length": self.source_length,
            "target_length": self.target_length,
            "num_beams": self.num_beams,
            "length_penalty": self.length_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "label_smoothing": self.label_smoothing,
            "n_best": self.n_best,
            "metrics": list(self.metric_names),
        }

    @property
    def _own(self) -> dict[str, Any]:
        """The options of a request that does not say."""
        return {
            "temperature": 0.0,  # one beam takes the likeliest token
            "num_beams": self.num_beams,
            "length_penalty": self.length_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "max_tokens": self.target_length,
        }

    def _target(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """What is read before each token of first references, and these tokens."""
        ids = self.target_tokenizer.encode(references.first(texts))[
            :, : self.target_length
        ]
        start = tf.fill([ids.nrows(), 1], self.target_tokenizer.start)
        end = tf.fill([ids.nrows(), 1], self.target_tokenizer.end)
        return tf.concat([start, ids], axis=1), tf.concat([ids, end], axis=1)

    def _generated(
        self, model: Any, inputs: Tensors, *, n_best: int
    ) -> decoding.GenerationResult:
        features = self.encode(inputs)
        rows = tf.shape(features["token_ids"])[0]
        reading = incremental_decoding.prefill(
            model,
            tf.fill([rows, 1], self.target_tokenizer.start),
            tf.ones([rows], tf.int32),
            max_length=self.target_length + 1,
            memory=_memory(model, features),
            features=features,
            name="target_ids",
        )
        return decoding.generate(
            reading.step,
            reading.logits,
            reading.cache,
            decoding.GenerationConfig.from_request(inputs, rows, **self._own),
            end_token_id=self.target_tokenizer.end,
            max_tokens_limit=self.target_length,
            num_beams_limit=MOST_BEAMS,
            n_best=n_best,
            suppress_tokens=(
                self.target_tokenizer.unknown,
                self.target_tokenizer.start,
            ),
            shared=reading.shared,
        )


def _memory(model: Any, features: Tensors) -> Memory | None:
    """What the encoder of a network makes of sources; None where there is none."""
    layers = getattr(model, "layers", ())
    encoder = next((each for each in layers if isinstance(each, keras.Model)), None)
    if encoder is None:
        return None
    return Memory(encoder(features), features["padding_mask"])


def _words(tokens: np.ndarray) -> list[str]:
    """The tokens of a row, without what is behind the last."""
    return [token.decode("utf-8", "replace") for token in tokens if token]


def _named(tokenizer: Tokenizer, ids: tf.RaggedTensor) -> tf.Tensor:
    """The tokens of ids as strings [B, T], "" behind the last."""
    return ids.with_flat_values(tokenizer.strings(ids.flat_values)).to_tensor()
