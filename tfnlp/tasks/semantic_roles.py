"""Semantic roles: who did what to whom, for one predicate of a sentence at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.tagging import schemes
from tfnlp.data.tagging.schemes import OUTSIDE, Span
from tfnlp.errors import DataError
from tfnlp.layers.crf import FORBIDDEN
from tfnlp.scores import tagging as scores
from tfnlp.specs import PLACE, Schema
from tfnlp.task import Arrays, Tensors
from tfnlp.tasks.tagging import Tagging
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.words.word_features import WordFeatures
from tfnlp.text.words.word_offsets import Words

PREDICATE = "V"
"""The type of the span that is the predicate itself, as PropBank calls it."""
OWN = (PREDICATE, f"C-{PREDICATE}")
"""Spans that are no roles, and so are not scored, as in CoNLL-2005."""


class SemanticRoles(Tagging):
    """Tags the roles that the words of a sentence play for one of its predicates.

    A request carries besides its words where the predicate is, counted from 0 in
    what the request is made of: with ``tokens`` the position of a word, with
    ``text`` that of a character, any of the predicate's word. One sentence with
    three predicates is three requests. Where there is no word (beyond the end, at a
    space, below 0), no word has a role: all tags are O, and there is no span.

    An answer is that of `Tagging`, the predicate among its spans under the type V,
    and ``predicate_text`` (string [B], "" where there is none). Parts that go on
    (``C-ARG1``) and words that refer (``R-ARG0``) are types of their own. Scores
    leave out the predicate's own spans, which are given.

    Args:
        words: turns words into features.
        tags: the classes of words, O among them.
        options: of `Tagging`.

    Raises:
        DataError: O is none of the tags.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"tokens": "Ann left Rome", "tags": "B-ARG0 B-V B-ARG1"},
    ...                   {"tokens": "so it rained", "tags": "O O B-V"}])
    >>> task = SemanticRoles.from_rows(rows)
    >>> task.encode({"text": tf.constant(["Ann, he left."] * 2),
    ...              "predicate": tf.constant([8, 7])})["predicate_ids"].numpy()
    array([[1, 1, 1, 2, 1],
           [1, 1, 1, 1, 1]], dtype=int32)
    """

    def __init__(self, words: WordFeatures, tags: Vocabulary, **options: Any):
        super().__init__(words, tags, **options)
        if OUTSIDE not in tags.entries:
            raise DataError(
                f"Some words play no role: their tag is {OUTSIDE}. Received: "
                f"{', '.join(tags.entries[:9])} without it. "
                "Check that the column of the tags is the right one."
            )
        parsed = [schemes.parse(tag) for tag in tags.entries]
        own = np.array([type == PREDICATE for _, type in parsed])
        self._own = own if own.any() else ~own  # tags that the predicate may have
        self._begins = own & np.array([role in "BS" for role, _ in parsed])
        self._outside = np.array([tag == OUTSIDE for tag in tags.entries])

    @property
    def inputs(self) -> Schema:  # type: ignore[override]
        """``tokens`` or ``text``, and ``predicate``: where it is, int32 [B]."""
        return {**super().inputs, "predicate": PLACE}

    @property
    def features(self) -> tuple[str, ...]:
        """Those of words, and ``predicate_ids``."""
        return *super().features, "predicate_ids"

    @tf.autograph.experimental.do_not_convert
    def encode(self, inputs: Tensors) -> Tensors:
        """Features of words; ``predicate_ids`` int32 [B, T]: 2 predicate, 1 others."""
        words = self.read(inputs)
        features = self.words(words.tokens)
        mask = features["padding_mask"]
        here = _here(mask, _place(words, inputs))
        return {**features, "predicate_ids": mask + tf.cast(here, tf.int32)}

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: Any, inputs: Tensors) -> Tensors:
        """The best tags where the predicate's word is the predicate."""
        words = self.read(inputs)
        place = _place(words, inputs)
        if isinstance(outputs, Mapping):
            held = self._held(outputs["emissions"], place)
            answer = super().decode({**outputs, "emissions": held}, inputs)
        else:
            answer = super().decode(self._held(outputs, place), inputs)
        return {**answer, "predicate_text": _text(words, place)}

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """Those of `Tagging`; predicates stand between asterisks."""
        own = [f"{letter}-{PREDICATE}" for letter in "BIES"]
        tokens = answers["tokens"]
        shown = np.where(np.isin(answers["tags"], own), "*" + tokens + "*", tokens)
        return super().figures(rows, {**answers, "tokens": shown})

    @property
    def _spans(self) -> scores.Spans | None:
        return roles if self.scheme else None

    def _held(self, emissions: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        """Scores [B, T, C] with what cannot be, given the predicate, left out."""
        here = _here(emissions, place)
        allowed = tf.where(here[..., None], self._own, ~self._begins)  # [B, T, C]
        allowed = tf.where(place[:, None, None] < 0, self._outside, allowed)
        return tf.where(allowed, emissions, tf.cast(FORBIDDEN, emissions.dtype))


def roles(tags: Sequence[str]) -> list[Span]:
    """The spans that tags spell, without those of the predicate itself.

    Example:
    >>> roles(["B-ARG0", "B-V", "B-ARG1", "I-ARG1"])
    [Span(type='ARG0', start=0, end=1), Span(type='ARG1', start=2, end=4)]
    """
    return [span for span in schemes.spans(tags) if span.type not in OWN]


def _place(words: Words, inputs: Tensors) -> tf.Tensor:
    """The position of the predicate among the words, -1 if it is none: int32 [B]."""
    requested = tf.cast(inputs["predicate"], tf.int32)
    if "text" in inputs:
        starts, ends = words.starts.to_tensor(), words.ends.to_tensor()  # [B, T]
        holds = (starts <= requested[:, None]) & (requested[:, None] < ends)
        numbers = tf.range(1, tf.shape(starts)[1] + 1)
        return tf.reduce_sum(tf.where(holds, numbers, 0), axis=1) - 1
    lengths = tf.cast(words.tokens.row_lengths(), tf.int32)
    return tf.where((requested >= 0) & (requested < lengths), requested, -1)


def _here(rows: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Where the predicate is among the words of [B, T, …]: bool [B, T]."""
    return tf.range(tf.shape(rows)[1]) == place[:, None]


def _text(words: Words, place: tf.Tensor) -> tf.Tensor:
    """The word at a position, string [B]; "" at -1."""
    rows = tf.shape(place)[0]
    tokens = tf.concat([tf.fill([rows, 1], ""), words.tokens.to_tensor()], axis=1)
    return tf.gather(tokens, place + 1, batch_dims=1)
