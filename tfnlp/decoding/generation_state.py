"""All that one call of generation goes by, and the tokens that came so far."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfnlp.decoding.generation_config import Options

Stopped = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""``stopped(ids int32 [N, T], lengths int32 [N]) -> bool [N]``."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """What N texts are continued by.

    Attributes:
        options: checked.
        size: T, the most tokens that any row asks for.
        end: id of the end mark, if there is one.
        banned: ids that never come; 0, padding, is always one of them.
        forced: int32 [N or 1, F], the first tokens, 0 where one is free.
        stops: sequences of ids that end a text.
        stopped: says which texts have come to an end otherwise.
        prompt: int32 [N, S], what was read before, padded on its left.
    """

    options: Options
    size: int | tf.Tensor
    end: int | None = None
    banned: tuple[int, ...] = (0,)
    forced: tf.Tensor | None = None
    stops: tuple[tuple[int, ...], ...] = ()
    stopped: Stopped | None = None
    prompt: tf.Tensor | None = None

    def repeated(self, times: int | tf.Tensor) -> "Rules":
        """The rules of `times` neighbours for each text."""
        forced = self.forced
        if forced is not None and forced.shape[0] != 1:
            forced = tf.repeat(forced, times, axis=0)
        return dataclasses.replace(
            self,
            options=self.options.repeated(times),
            forced=forced,
            prompt=None
            if self.prompt is None
            else tf.repeat(self.prompt, times, axis=0),
        )

    def history(self, rows: int | tf.Tensor) -> tf.Tensor:
        """The prompt and free places for what will come: int32 [N, S + T]."""
        free = tf.zeros([rows, self.size], tf.int32)
        return free if self.prompt is None else tf.concat([self.prompt, free], axis=1)

    @property
    def start(self) -> int | tf.Tensor:
        """S: the place of the first new token in a history."""
        return 0 if self.prompt is None else tf.shape(self.prompt)[1]

    def normalised(self, score: tf.Tensor, choices: tf.Tensor) -> tf.Tensor:
        """Log-probabilities [N, …] over the length penalty of so many choices."""
        if self.options.any("length_penalty", lambda power: power != 0.0) is False:
            return score
        power = self.options.row("length_penalty")
        power = tf.reshape(power, [-1, *[1] * (score.shape.rank - 1)])
        return score / tf.pow((5.0 + tf.cast(choices, tf.float32)) / 6.0, power)


def written(history: tf.Tensor, place: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """A history [N, L] with ids [N] at one place."""
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
    """Moves the padding of ids [N, S] to the left, so that what follows touches them.

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
    """`tf.cond` that leaves out the other branch where the flag is known."""
    if tf.is_tensor(flag):
        return tf.cond(flag, do, otherwise)
    return do() if flag else otherwise()
