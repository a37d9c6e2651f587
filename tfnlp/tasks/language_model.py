"""Language models: how probable a text is, and how another one goes on."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfnlp import decoding
from tfnlp.data.blocks import blocks
from tfnlp.data.text_streams import ended
from tfnlp.decoding.generation_request import StoppingCriterion
from tfnlp.errors import UsageError
from tfnlp.layers.cross_entropy import cross_entropy
from tfnlp.layers.validation import check_size
from tfnlp.networks import incremental_decoding
from tfnlp.networks.truncated_bptt import TruncatedBPTT
from tfnlp.saving import pack
from tfnlp.scores import corpus_statistics, diversity, generation_figures
from tfnlp.scores.figures import Highlights
from tfnlp.scores.intervals import Draw
from tfnlp.specs import PLACE, TEXT, Rows, Schema
from tfnlp.task import Arrays, Endpoint, Task, Tensors
from tfnlp.text.tokenizers.characters import CharacterTokenizer
from tfnlp.text.tokenizers.tokenizer import Tokenizer
from tfnlp.text.tokenizers.training import train_tokenizer

MOST_TOKENS = 1024
"""New tokens that a request may ask for."""
MOST_BEAMS = 8
_OPTIONS = {n: spec for n, spec in decoding.SPECS.items() if n != "coverage_penalty"}
"""Options of a request: there is no source that a text could cover."""
_CHUNK = {
    "chunk_tokens": tf.TensorSpec([None], tf.int32, "chunk_tokens"),
    "state_bytes": tf.TensorSpec([None], tf.string, "state_bytes"),
}
"""What a request to stream has besides."""


class LanguageModel(Task):
    """Language modelling: predicts the next token of a text.

    A row carries ``text``, and in ``before`` what stands before it: read, but not
    scored. An answer to it says how probable the text is: ``score`` (float32 [B], the
    natural logarithm), ``length`` (int32 [B], its tokens), and for each of them
    ``tokens`` (string [B, T]) and ``scores`` (float32 [B, T]). An artefact answers at
    ``score_text`` likewise, and at ``serving_default`` a ``prompt`` with ``text``
    (string [B], what follows it) and ``score``, how probable its tokens were among
    those that the request allowed (its logarithm); the options of a request are those
    of `tfnlp.decoding.GenerationConfig`, and ``stop``, a string that ends the text.

    A network sees ``sequence_length`` tokens at a time: of a longer prompt the last
    ones, of a longer text windows that overlap by half, so that every token is scored
    once, with at least half a window before it unless the text begins there.

    Args:
        tokenizer: text to ids and back.
        sequence_length: tokens that are read at a time.
        ends: whether texts are whole, so that their end is learnt and generation may
            end; False for a stream of text.
        slots: for `RecurrentDecoder`: parts of one long text that are read side by
            side, each from the state where its segment before ended; rows then carry
            ``slot`` and ``place`` (int32), see `tfnlp.data.blocks`. 0 for rows that
            stand alone.
    """

    targets: ClassVar[Schema] = {}

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        sequence_length: int = 256,
        ends: bool = False,
        slots: int = 0,
    ):
        super().__init__()
        check_size("sequence_length", sequence_length, least=2)
        check_size("slots", slots, least=0)
        self.tokenizer, self.sequence_length = tokenizer, sequence_length
        self.ends, self.slots = ends, slots
        self.ordered = slots > 0
        end = () if ends else (tokenizer.end,)
        self._never = (tokenizer.unknown, tokenizer.start, *end)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        sequence_length: int = 256,
        ends: bool = False,
        slots: int = 0,
        **options: Any,
    ) -> "LanguageModel":
        """Trains a tokenizer on texts.

        Args:
            rows: rows with ``text``.
            options: those of `train_tokenizer`: `tokenizer`, `vocabulary_size` …

        Raises:
            DataError: there is no text.
        """
        trained = train_tokenizer(rows, ["text"], **options)
        return cls(trained, sequence_length=sequence_length, ends=ends, slots=slots)

    @property
    def inputs(self) -> Schema:  # type: ignore[override]
        """``text`` and ``before``, and with slots ``slot`` and ``place``."""
        more = {"slot": PLACE, "place": PLACE} if self.slots else {}
        return {"text": TEXT, "before": TEXT, **more}

    def completed(self, rows: Rows) -> Rows:
        """Running text in blocks, each with what stands before it.

        Rows that say what stood before them stay as they are, and whole texts, of
        which the end is learnt, have nothing before them.
        """
        if "before" in rows.element_spec:
            return rows
        if self.ends:
            return rows.map(lambda row: {**row, "before": ""})
        letters = isinstance(self.tokenizer, CharacterTokenizer)
        return blocks(
            ended(rows),
            size=self.sequence_length,
            unit="characters" if letters else "words",
            context=self.sequence_length,
        )

    def alone(self) -> "LanguageModel":
        """The same task for rows that stand alone: what an artefact answers."""
        return LanguageModel(
            self.tokenizer, sequence_length=self.sequence_length, ends=self.ends
        )

    def endpoints(self) -> dict[str, Endpoint]:
        """Text generation whole and in chunks (streaming), and scoring of texts.

        ``serving_default`` continues a prompt, ``generate_chunk`` does so some tokens
        a call, ``score_text`` says how probable a text is.
        """
        config = decoding.GenerationConfig()
        defaults = {"stop": "", **{n: getattr(config, n) for n in _OPTIONS}}
        sampled = {n: spec for n, spec in _OPTIONS.items() if n != "num_beams"}
        return {
            "serving_default": Endpoint(
                self.generate, {"prompt": TEXT, "stop": TEXT, **_OPTIONS}, defaults
            ),
            "generate_chunk": Endpoint(
                self.generate_chunk,
                {"prompt": TEXT, "stop": TEXT, **sampled, **_CHUNK},
                {
                    **{n: defaults[n] for n in ("stop", *sampled)},
                    "chunk_tokens": 16,
                    "state_bytes": "",
                },
            ),
            "score_text": Endpoint(
                self.answer, {"text": TEXT, "before": TEXT}, {"before": ""}
            ),
        }

    @tf.autograph.experimental.do_not_convert
    def encode(self, inputs: Tensors) -> Tensors:
        """``token_ids`` int32 [B, T]: the token before each target."""
        return self._read(inputs)[0]

    @tf.autograph.experimental.do_not_convert
    def example(self, row: Tensors) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        """Features, the token behind each (int32 [B, T]), and 1 where it is scored."""
        return self._read(row)

    def network(self, decoder: keras.layers.Layer) -> keras.Model:
        """Features → logits [B, T, V] of the token behind each.

        Args:
            decoder: a `TransformerDecoder` or `RecurrentDecoder` of as many ids as
                the tokenizer has.

        Raises:
            UsageError: there are slots, and the decoder has no state to carry on; or
                it remembers fewer tokens than are read at a time.
        """
        incremental_decoding.check_sequence_length(decoder, self.sequence_length)
        features = {"token_ids": keras.Input([None], dtype="int32", name="token_ids")}
        if not self.slots:
            return keras.Model(features, decoder(features["token_ids"]), name="network")
        if not hasattr(decoder, "first_states"):
            raise UsageError(
                "Slots are for a decoder with a state. Received: "
                f"{type(decoder).__name__}. Pass slots=0."
            )
        for name in ("slot", "place"):
            features[name] = keras.Input([], dtype="int32", name=name)
        carried = TruncatedBPTT(decoder, slots=self.slots, name="carried")
        return keras.Model(features, carried(**features), name="network")

    def plain(self, network: keras.Model) -> keras.Model:
        """A network of the same weights for rows that stand alone; see `alone`."""
        if not self.slots:
            return network
        return self.alone().network(network.get_layer("carried").decoder)

    @tf.autograph.experimental.do_not_convert
    def loss(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """[B, T]: negative log-likelihood of each token, in nats."""
        return cross_entropy(y, outputs)

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: tf.Tensor, inputs: Tensors) -> Tensors:
        """Logits [B, T, V] → how probable the texts are."""
        _, y, weight = self._read(inputs)
        return self._told(-self.loss(y, outputs), y, weight)

    @tf.autograph.experimental.do_not_convert
    def answer(self, model: Any, inputs: Tensors) -> Tensors:
        """How probable texts are; longer ones are read in windows."""
        features, y, weight = self._read(inputs)
        if self.slots:
            return self._told(-self.loss(y, model(features)), y, weight)
        ids, gold = (
            _windows(each, self.sequence_length) for each in (features["token_ids"], y)
        )
        scores = -self.loss(gold, model({"token_ids": ids}))
        return self._told(_rows(scores, y, self.sequence_length), y, weight)

    @tf.autograph.experimental.do_not_convert
    def generate(self, model: Any, inputs: Tensors) -> Tensors:
        """What follows prompts: ``text`` and its log-probability, ``score``."""
        prompts = self._begun(inputs["prompt"])[:, -self.sequence_length :]
        rows = prompts.nrows(out_type=tf.int32)
        limits = {"max_tokens_limit": MOST_TOKENS, "num_beams_limit": MOST_BEAMS}
        config = decoding.checked(
            decoding.GenerationConfig.from_request(inputs, rows), **limits
        )
        stops = inputs.get("stop")
        if stops is not None:
            stops = tf.broadcast_to(stops, [rows])
        lengths = tf.cast(prompts.row_lengths(), tf.int32)
        ids = prompts.to_tensor()
        reading = incremental_decoding.prefill(
            model,
            ids,
            lengths,
            max_length=tf.shape(ids)[1] + config.highest("max_tokens"),
        )
        made = decoding.generate(
            reading.step,
            reading.logits,
            reading.cache,
            config,
            end_token_id=self.tokenizer.end if self.ends else None,
            **limits,
            suppress_tokens=self._never,
            prompt=ids,
            stopping_criterion=self._stopped(stops),
        )
        texts = self.tokenizer.decode(made.ids[:, 0])
        if stops is not None:
            texts = _parts(texts, stops)[0]
        return {"text": texts, "score": made.scores[:, 0]}

    @tf.autograph.experimental.do_not_convert
    def generate_chunk(self, model: Any, inputs: Tensors) -> Tensors:
        """Streams: up to ``chunk_tokens`` more tokens of the text after each prompt.

        The first call leaves ``state_bytes`` empty; each later one repeats the
        request with the ``state_bytes`` of the last answer, until ``finished``.
        ``text`` and ``score`` are those of the whole text so far, and at the end those
        of `generate` for the row alone, bit for bit. Until then a text may end in the
        beginning of its stop string, or of a character. Rows run one by one.

        Returns:
            ``text`` and ``state_bytes`` (string [B]), ``score`` (float32 [B]) and
            ``finished`` (bool [B]).
        """
        rows = tf.shape(inputs["prompt"])[0]
        columns = {n: tf.broadcast_to(each, [rows]) for n, each in inputs.items()}
        return tf.map_fn(
            lambda row: self._chunk(model, {n: each[None] for n, each in row.items()}),
            columns,
            fn_output_signature={
                "text": tf.TensorSpec([], tf.string),
                "score": tf.TensorSpec([], tf.float32),
                "finished": tf.TensorSpec([], tf.bool),
                "state_bytes": tf.TensorSpec([], tf.string),
            },
        )

    def _chunk(self, model: Any, row: Tensors) -> Tensors:
        """`generate_chunk` of one row: fields [1] to answers []."""
        prompt = self._begun(row["prompt"])[:, -self.sequence_length :]
        lengths = tf.cast(prompt.row_lengths(), tf.int32)
        ids = prompt.to_tensor()
        config = decoding.GenerationConfig.from_request(row, 1)
        length = tf.shape(ids)[1] + config.highest("max_tokens")
        chunk = decoding.generate_chunk(
            lambda: incremental_decoding.prefill(
                model, ids, lengths, max_length=length
            ),
            config,
            state=row["state_bytes"],
            tokens=row["chunk_tokens"],
            end_token_id=self.tokenizer.end if self.ends else None,
            prompt=ids,
            max_tokens_limit=MOST_TOKENS,
            suppress_tokens=self._never,
            stopping_criterion=self._stopped(row["stop"]),
        )
        text = _parts(self.tokenizer.decode(chunk.result.ids[:, 0]), row["stop"])[0]
        return {
            "text": text[0],
            "score": chunk.result.scores[0, 0],
            "finished": chunk.finished[0],
            "state_bytes": chunk.state[0],
        }

    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """Perplexity, nats per token and bits per character, over all tokens.

        The loss is that of the answers, too: of texts that are read in windows.
        """
        found = corpus_statistics.corpus_scores([self._statistics(rows, answers)])
        return found | {"loss": found["nats_per_token"]}

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Bootstrap: `score` of resampled rows; the logarithms are summed once."""
        return corpus_statistics.bootstrap([self._statistics(rows, answers)])

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """How perplexity falls with what stands before a token."""
        places = np.arange(answers["scores"].shape[1])
        weight = (places < answers["length"][:, None]).astype(float)
        return (generation_figures.perplexity_by_place(answers["scores"], weight),)

    def samples(
        self, model: Any, rows: Rows, *, shown: int = 5, temperature: float = 0.8
    ) -> Highlights:
        """For a report: how the network goes on after halves of the first texts.

        Args:
            model: a network for rows that stand alone; see `plain`.
            rows: rows with ``text``.
            shown: how many there are at most.
            temperature: of the sampling; the numbers of the rows are the seeds.
        """
        texts = next(iter(rows.batch(shown)))["text"].numpy()
        halves = [_half(text.decode("utf-8", "replace")) for text in texts]
        prompts = tf.constant([prompt for prompt, _ in halves])
        answer = self.generate(
            model,
            {
                "prompt": prompts,
                "temperature": tf.fill([len(halves)], temperature),
                "seed": tf.range(len(halves), dtype=tf.int64),
                "max_tokens": tf.fill(
                    [len(halves)], min(self.sequence_length, MOST_TOKENS)
                ),
            },
        )
        made = [text.decode("utf-8", "replace") for text in answer["text"].numpy()]
        return generation_figures.continued(halves, made, temperature=temperature)

    def _statistics(
        self, rows: Arrays, answers: Arrays
    ) -> corpus_statistics.Statistics:
        characters = np.array([len(text) for text in rows["text"]], np.int64)
        return diversity.perplexity(
            answers["score"], answers["length"], characters=characters
        )

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "tokenizer": pack(self.tokenizer),
            "sequence_length": self.sequence_length,
            "ends": self.ends,
            "slots": self.slots,
        }

    def _stopped(self, stops: tf.Tensor | None) -> StoppingCriterion | None:
        """Whether texts hold the stop string of their row: string [B]."""
        if stops is None:
            return None

        def stopped(ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
            made = tf.RaggedTensor.from_tensor(ids, lengths=lengths)
            wanted = tf.repeat(stops, tf.shape(ids)[0] // tf.shape(stops)[0])
            return tf.cond(
                tf.reduce_any(wanted != ""),
                lambda: _parts(self.tokenizer.decode(made), wanted)[1],
                lambda: tf.zeros_like(lengths, tf.bool),
            )

        return stopped

    def _begun(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Ids of what was there before; a text that begins has the start mark first."""
        ids = self.tokenizer.encode(texts)
        first = tf.fill([ids.nrows(), 1], self.tokenizer.start)
        begins = tf.cast((ids.row_lengths() == 0) | self.ends, tf.int64)
        return tf.concat([tf.RaggedTensor.from_tensor(first, lengths=begins), ids], 1)

    def _read(self, row: Tensors) -> tuple[Tensors, tf.Tensor, tf.Tensor]:
        """See `example`."""
        before = self._begun(row["before"])
        parts = [before, self.tokenizer.encode(row["text"])]
        if self.ends:
            parts.append(tf.fill([before.nrows(), 1], self.tokenizer.end))
        whole = tf.concat(parts, axis=1)
        lengths = tf.cast(whole.row_lengths(), tf.int32)
        ids = whole.to_tensor(shape=[None, None])
        ids = tf.pad(ids, [[0, 0], [0, 1]])  # a row of one token is one to read
        places = tf.range(1, tf.shape(ids)[1])
        known = tf.cast(before.row_lengths(), tf.int32)[:, None]
        scored = (places >= known) & (places < lengths[:, None])
        used = tf.maximum(tf.reduce_max(lengths) - 1, 1)
        # The last token of a row is a target only: the next block begins with it.
        read = tf.range(used) < lengths[:, None] - 1
        features = {"token_ids": tf.where(read, ids[:, :used], self.tokenizer.padding)}
        features |= {name: row[name] for name in ("slot", "place") if self.slots}
        return features, ids[:, 1 : used + 1], tf.cast(scored[:, :used], tf.float32)

    def _told(self, scores: tf.Tensor, y: tf.Tensor, weight: tf.Tensor) -> Tensors:
        """Answers of log-probabilities [B, T] where the weight is 1."""
        scored = weight > 0
        ids = tf.ragged.boolean_mask(y, scored)
        names = ids.with_flat_values(self.tokenizer.strings(ids.flat_values))
        return {
            "score": tf.reduce_sum(scores * weight, axis=1),
            "length": tf.cast(ids.row_lengths(), tf.int32),
            "tokens": names.to_tensor(),
            "scores": tf.ragged.boolean_mask(scores, scored).to_tensor(),
        }


def _parts(texts: tf.Tensor, marks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Texts [N] up to their marks, and whether they hold them; "" is none."""

    def part(pair: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        text, mark = pair
        found = tf.strings.split(text[None], mark, maxsplit=1).flat_values
        held = (tf.size(found) > 1) & (mark != "")
        return tf.where(held, tf.concat([found, [""]], 0)[0], text), held

    return tf.map_fn(part, (texts, marks), fn_output_signature=(tf.string, tf.bool))


def _half(text: str) -> tuple[str, str]:
    """The first half of a text, up to a blank if there is one, and the rest."""
    middle = text.rfind(" ", 1, len(text) // 2 + 1)
    middle = len(text) // 2 if middle < 0 else middle
    return text[:middle], text[middle:]


def _windows(ids: tf.Tensor, length: int) -> tf.Tensor:
    """Rows [B, T] in windows that overlap by half: [B · W, length] or shorter."""
    hop = length // 2
    more = tf.maximum(tf.shape(ids)[1] - length, 0)
    count = -(-more // hop) + 1
    size = tf.minimum(tf.shape(ids)[1], length)
    padded = tf.pad(ids, [[0, 0], [0, (count - 1) * hop + size - tf.shape(ids)[1]]])
    places = tf.range(count)[:, None] * hop + tf.range(size)
    return tf.reshape(tf.gather(padded, places, axis=1), [-1, size])


def _rows(scores: tf.Tensor, like: tf.Tensor, length: int) -> tf.Tensor:
    """Scores of windows [B · W, L] as those of rows [B, T]: each place counts once."""
    hop, size = length // 2, tf.shape(scores)[1]
    windows = tf.reshape(scores, [tf.shape(like)[0], -1, size])
    first = windows[:, 0]
    later = tf.reshape(windows[:, 1:, size - hop :], [tf.shape(like)[0], -1])
    return tf.concat([first, later], axis=1)[:, : tf.shape(like)[1]]
