"""Intent and slots: what a request wants, and the tagged words that say of what.

One network with two heads, as in Liu and Lane (2016): slots are tags of words, read
by the head of `Tagging`; the intent is one label of the whole sentence, read from
the same vectors pooled.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfnlp.data.rows import column_batches
from tfnlp.errors import DataError, UsageError
from tfnlp.layers.pooling import Pooling
from tfnlp.networks.embedding_inputs import dropped
from tfnlp.saving import pack
from tfnlp.scores import classification_figures, label_encoding
from tfnlp.scores import tagging as scores
from tfnlp.scores.intervals import Draw
from tfnlp.specs import TEXT, Rows, Schema, check_rows
from tfnlp.task import Arrays, Tensors
from tfnlp.tasks.tagging import Tagging
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.words.word_features import WordFeatures


class IntentAndSlots(Tagging):
    """Gives every word of a request a slot, and the request an intent.

    A row carries ``intent`` besides what a row of `Tagging` has: one label, whatever
    it is made of; ``flight#airfare`` is a third intent beside ``flight`` and
    ``airfare``, as the slot-gated model counts (Goo et al. 2018). An answer carries
    ``intent`` (string [B]) and ``intent_score`` (float32 [B], its probability)
    besides what an answer of `Tagging` has.

    The loss is a mean over decisions: that on each word's tag, and that on each
    row's intent, which counts as much as `intent_weight` words. A row so weighs its
    words plus `intent_weight`. Where its tags or its intent are not known, it weighs
    less by what they would, and only the other part is learnt from.

    Args:
        words: turns words into features.
        tags: the classes of words.
        intents: the classes of rows.
        intent_weight: how many words an intent weighs in the loss.
        options: more of `Tagging`: `scheme`, `answer_scheme`, `tokenizer`,
            `constrained`.

    Raises:
        UsageError: the weight is no number of 0 or more.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"tokens": "play jazz", "tags": "O B-kind", "intent": "play"},
    ...                   {"tokens": "rain today", "tags": "O B-day", "intent": "ask"}])
    >>> task = IntentAndSlots.from_rows(rows)
    >>> task.tags.entries, task.intents.entries
    (('B-day', 'B-kind', 'O'), ('ask', 'play'))
    """

    targets: ClassVar[Schema] = {"tags": TEXT, "intent": TEXT}

    def __init__(
        self,
        words: WordFeatures,
        tags: Vocabulary,
        intents: Vocabulary,
        *,
        intent_weight: float = 1.0,
        **options: Any,
    ):
        super().__init__(words, tags, **options)
        if not 0.0 <= intent_weight < float("inf"):
            raise UsageError(
                "intent_weight must be a number, 0 or more. "
                f"Received: {intent_weight}. 1 weighs an intent as one word."
            )
        self.intents, self.intent_weight = intents, float(intent_weight)
        self.monitor = "val_sentence_accuracy"

    @classmethod
    def from_rows(
        cls, rows: Rows, *, intent_weight: float = 1.0, **options: Any
    ) -> "IntentAndSlots":
        """Learns words, characters, tags and intents.

        Args:
            rows: rows with ``tokens``, ``tags`` and ``intent``.
            intent_weight: how many words an intent weighs in the loss.
            options: of `Tagging.from_rows`.

        Raises:
            DataError: there are fewer than two intents; or what `Tagging` raises.
            SchemaError: rows have no intent.
        """
        intents = sorted(_intents(rows))
        if len(intents) < 2:
            raise DataError(
                "Rows need at least two intents. "
                f"Received: {intents[0] if intents else 'no intent at all'!r}. "
                "Check that the column is the right one; for slots alone, use Tagging."
            )
        slots = Tagging.from_rows(rows, **options)
        return cls(
            **slots.arguments(),
            intents=Vocabulary(intents),
            intent_weight=intent_weight,
        )

    @tf.autograph.experimental.do_not_convert
    def encode_targets(self, row: Tensors) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """y: tag numbers, the weight of them, intent int32 [B]; weight [B].

        An intent is -1 where the task does not know it.
        """
        tags, words = super().encode_targets(row)
        intent = self.intents.ids(tf.strings.strip(row["intent"]))
        y = {"tags": tags, "words": words, "intent": intent}
        return y, words + self._weight_of(intent)

    def network(
        self,
        encoder: keras.Model,
        *,
        crf: bool = True,
        dropout: float = 0.5,
        variational: bool = False,
        pooling: Sequence[str] = ("mean", "max"),
    ) -> keras.Model:
        """Adds both heads to an encoder: features → ``tags`` and ``intent``.

        Outputs are by name: what the network of `Tagging` gives, and logits [B, I].

        Args:
            encoder: features of words → [B, T, D].
            crf: whether the tags of a row are scored together; see `CRF`.
            dropout: share of the numbers dropped before each head.
            variational: whether all words of a row lose the same numbers.
            pooling: how the vectors of a row become one for the intent; several
                kinds of `Pooling` are put behind one another.
        """
        features, vectors = self._encoded(encoder)
        mask = features["padding_mask"]
        pooled = [Pooling(kind, name=kind)(vectors, mask) for kind in pooling]
        joined = pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=-1)
        intent = keras.layers.Dense(len(self.intents), dtype="float32", name="intent")
        words = dropped(vectors, dropout, variational=variational)
        outputs = {
            "tags": self._head(words, mask, crf=crf),
            "intent": intent(dropped(joined, dropout)),
        }
        return keras.Model(features, outputs, name="intent_and_slots")

    @tf.autograph.experimental.do_not_convert
    def loss(self, y: Any, outputs: Any) -> tf.Tensor:
        """[B]: the mean over a row's words and its intent."""
        slots = super().loss(y["tags"], outputs["tags"])
        intent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(y["intent"], 0), outputs["intent"]
        )
        words, weight = y["words"], self._weight_of(y["intent"])
        total = words * slots + weight * intent
        return tf.math.divide_no_nan(total, words + weight)

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: Any, inputs: Tensors) -> Tensors:
        """The answer of `Tagging`, and the likeliest intent."""
        logits = outputs["intent"]
        return {
            **super().decode(outputs["tags"], inputs),
            "intent": self.intents.tokens(tf.argmax(logits, axis=-1)),
            "intent_score": tf.reduce_max(tf.nn.softmax(logits), axis=-1),
        }

    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """Every score of slots; accuracy of intents, and of whole sentences.

        A sentence is right if its intent and all its slots are.
        """
        every = np.arange(len(rows["tags"]))
        return super().score(rows, answers) | self._frames(rows, answers)(every)

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Bootstrap: `headline` of resampled rows; shared work is done once."""
        slots, frames = super().bootstrap(rows, answers), self._frames(rows, answers)
        return lambda numbers: slots(numbers) | frames(numbers)

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """Those of `Tagging`; confusion of intents, and what is found of each."""
        found = label_encoding.codes(
            _stripped(rows["intent"]), answers["intent"], self.intents.entries
        )
        matrix = classification_figures.confusion(found)
        table = classification_figures.per_class(found.counts())
        return (
            *super().figures(rows, answers),
            replace(matrix, title=f"Intents: {matrix.title.lower()}"),
            replace(table, title="Intents", columns=("intent", *table.columns[1:])),
        )

    def _weight_of(self, intent: tf.Tensor) -> tf.Tensor:
        """What intents weigh, nothing where they are not known: float32 [B]."""
        return tf.where(intent >= 0, self.intent_weight, 0.0)

    def _frames(self, rows: Arrays, answers: Arrays) -> Draw:
        """From row numbers to the scores that look at intents."""
        right = _stripped(rows["intent"]) == answers["intent"]
        whole = right & scores.compare(*self._compared(rows, answers)).whole
        return lambda numbers: {
            "intent_accuracy": float(np.mean(right[numbers])),
            "sentence_accuracy": float(np.mean(whole[numbers])),
        }

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"intents": pack(self.intents), "intent_weight": self.intent_weight}
        return {**super().config(), **own}

    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments as objects."""
        own = {"intents": self.intents, "intent_weight": self.intent_weight}
        return {**super().arguments(), **own}


def _intents(rows: Rows) -> set[str]:
    """Every intent of the rows, without those that are empty."""
    found: set[bytes] = set()
    for batch in column_batches(check_rows(rows, {"intent": TEXT})):
        found.update(batch["intent"].tolist())
    return {name.decode("utf-8", "replace").strip() for name in found} - {""}


def _stripped(intents: np.ndarray) -> np.ndarray:
    """Intents without the spaces around them: str [N]."""
    return np.array([intent.strip() for intent in intents.tolist()], object)
