"""Generation request: config, prompt and constraints of one call of `generate`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfnlp.decoding.generation_config import GenerationConfig

StoppingCriterion = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""``stopped(ids int32 [N, T], lengths int32 [N]) -> bool [N]``."""


@dataclasses.dataclass(frozen=True)
class GenerationRequest:
    """Config, prompt and constraints of N texts.

    Attributes:
        config: checked.
        size: T, the highest max_tokens of all rows.
        end_token_id: id of the end token, if there is one.
        suppress_tokens: ids that are never generated; always with 0, padding.
        forced_tokens: int32 [N or 1, F], the first tokens, 0 where one is free.
        stop_sequences: sequences of ids that end a text.
        stopping_criterion: which texts end for any other reason.
        prompt: int32 [N, S], padded on the left.
    """

    config: GenerationConfig
    size: int | tf.Tensor
    end_token_id: int | None = None
    suppress_tokens: tuple[int, ...] = (0,)
    forced_tokens: tf.Tensor | None = None
    stop_sequences: tuple[tuple[int, ...], ...] = ()
    stopping_criterion: StoppingCriterion | None = None
    prompt: tf.Tensor | None = None

    def repeated(self, times: int | tf.Tensor) -> "GenerationRequest":
        """Repeats each text `times` times, for its beams."""
        forced_tokens = self.forced_tokens
        if forced_tokens is not None and forced_tokens.shape[0] != 1:
            forced_tokens = tf.repeat(forced_tokens, times, axis=0)
        return dataclasses.replace(
            self,
            config=self.config.repeated(times),
            forced_tokens=forced_tokens,
            prompt=None
            if self.prompt is None
            else tf.repeat(self.prompt, times, axis=0),
        )

    def history(self, rows: int | tf.Tensor) -> tf.Tensor:
        """The prompt and zeros for the new tokens: int32 [N, S + T]."""
        free = tf.zeros([rows, self.size], tf.int32)
        return free if self.prompt is None else tf.concat([self.prompt, free], axis=1)

    @property
    def start(self) -> int | tf.Tensor:
        """S: the position of the first new token in a history."""
        return 0 if self.prompt is None else tf.shape(self.prompt)[1]

    def length_normalized(self, score: tf.Tensor, choices: tf.Tensor) -> tf.Tensor:
        """Log-probabilities [N, …] over GNMT's length penalty ((5 + n) / 6) ** a.

        Args:
            choices: n, the generated tokens with the end token, int32 [N] or [].
        """
        if self.config.any("length_penalty", lambda power: power != 0.0) is False:
            return score
        power = self.config.row("length_penalty")
        power = tf.reshape(power, [-1, *[1] * (score.shape.rank - 1)])
        return score / tf.pow((5.0 + tf.cast(choices, tf.float32)) / 6.0, power)


def with_tokens(history: tf.Tensor, place: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Writes ids [N] at one position of a history [N, L]."""
    here = tf.range(tf.shape(history)[1]) == place
    return tf.where(here, ids[:, None], history)


def cut(ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Ids [..., T] with 0 after the first `lengths` [...].

    Example:
    >>> cut(tf.constant([[4, 5, 6]]), tf.constant([1])).numpy().tolist()
    [[4, 0, 0]]
    """
    return tf.where(tf.range(tf.shape(ids)[-1]) < lengths[..., None], ids, 0)


def right_aligned(ids: tf.Tensor) -> tf.Tensor:
    """Left padding: moves the padding of ids [N, S] before the tokens.

    Example:
    >>> right_aligned(tf.constant([[7, 8, 0], [9, 0, 0]])).numpy().tolist()
    [[0, 7, 8], [0, 0, 9]]
    """
    ids = tf.cast(ids, tf.int32)
    size = tf.shape(ids)[1]
    lengths = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
    places = tf.range(size) - (size - lengths)[:, None]
    found = tf.gather(ids, tf.maximum(places, 0), axis=1, batch_dims=1)
    return tf.where(places >= 0, found, 0)


def when(
    flag: bool | tf.Tensor, do: Callable[[], Any], otherwise: Callable[[], Any]
) -> Any:
    """`tf.cond` that traces only one branch where the flag is a Python bool."""
    if tf.is_tensor(flag):
        return tf.cond(flag, do, otherwise)
    return do() if flag else otherwise()
