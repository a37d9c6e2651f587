"""Generation config: sampling, beam search and penalties, and their validation.

The names are those of Hugging Face's GenerationConfig where it has the option. An
option is a Python number, the same for all rows and known when the graph is
built, or a tensor [B], a number for each row of a request. Numbers cost nothing
where they switch something off: no op of it enters the graph.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError

SPECS = {
    "max_tokens": tf.TensorSpec([None], tf.int32, "max_tokens"),
    "min_tokens": tf.TensorSpec([None], tf.int32, "min_tokens"),
    "temperature": tf.TensorSpec([None], tf.float32, "temperature"),
    "top_k": tf.TensorSpec([None], tf.int32, "top_k"),
    "top_p": tf.TensorSpec([None], tf.float32, "top_p"),
    "min_p": tf.TensorSpec([None], tf.float32, "min_p"),
    "num_beams": tf.TensorSpec([None], tf.int32, "num_beams"),
    "length_penalty": tf.TensorSpec([None], tf.float32, "length_penalty"),
    "coverage_penalty": tf.TensorSpec([None], tf.float32, "coverage_penalty"),
    "repetition_penalty": tf.TensorSpec([None], tf.float32, "repetition_penalty"),
    "no_repeat_ngram_size": tf.TensorSpec([None], tf.int32, "no_repeat_ngram_size"),
    "seed": tf.TensorSpec([None], tf.int64, "seed"),
}
"""Name → shape and type of each option in a signature."""


@dataclasses.dataclass(frozen=True)
class GenerationConfig:
    """Options of text generation, each a Python number or a tensor [B].

    A row with one beam is sampled: penalties, then temperature, top_k, top_p and
    min_p, in this order, each applied to what the one before left. A row with several
    beams is decoded by beam search; sampling options do not apply to it.

    Attributes:
        max_tokens: new tokens at most, the end token included (Hugging Face:
            max_new_tokens).
        min_tokens: tokens before the end token may come (min_new_tokens).
        temperature: divides the logits; 0 takes the most probable token.
        top_k: keep the k most probable tokens; of equals those of lower id; 0 is off.
        top_p: keep the fewest tokens, most probable first, that together have this
            share (Holtzman 2020); 1 is off.
        min_p: keep tokens of at least this share of the highest probability (Nguyen
            2024); 0 is off.
        num_beams: beam size; 1 is sampling or greedy search.
        length_penalty: GNMT's: a log-probability is divided by ((5 + n) / 6) ** a, n
            being the number of tokens and a this option (Wu 2016, eq. 14). Hugging
            Face divides by n ** a instead. 0 is off, more favours long texts.
        coverage_penalty: weight of the source that got no attention (Wu 2016, eq.
            14) in beam search; 0 is off; the step must return attention.
        repetition_penalty: divides a positive logit of a token that occurred before,
            multiplies a negative one (Keskar 2019, CTRL); 1 is off.
        no_repeat_ngram_size: n-grams of this size occur once at most; 0 is off.
        seed: the random numbers of a row depend on it and on nothing else.

    Example:
    >>> GenerationConfig(temperature=0.8, top_p=0.9).top_k
    0
    """

    max_tokens: Any = 64
    min_tokens: Any = 0
    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0
    min_p: Any = 0.0
    num_beams: Any = 1
    length_penalty: Any = 0.0
    coverage_penalty: Any = 0.0
    repetition_penalty: Any = 1.0
    no_repeat_ngram_size: Any = 0
    seed: Any = 0

    @classmethod
    def from_request(
        cls, inputs: Mapping[str, tf.Tensor], rows: tf.Tensor, **own: Any
    ) -> "GenerationConfig":
        """The config of a request: its fields [1] or [B] broadcast to its B rows.

        Args:
            inputs: fields of the request; those that are no options are ignored.
            rows: B.
            own: defaults of options that the request does not carry.

        Example:
        >>> inputs = {"top_k": tf.constant([5])}
        >>> config = GenerationConfig.from_request(inputs, 2, num_beams=3)
        >>> config.top_k.numpy().tolist(), config.num_beams
        ([5, 5], 3)
        """
        given = {n: tf.broadcast_to(inputs[n], [rows]) for n in SPECS if n in inputs}
        return cls(**{**own, **given})

    def repeated(self, times: int | tf.Tensor) -> "GenerationConfig":
        """Repeats each row `times` times, for beams: [B] → [B·times]."""
        return dataclasses.replace(
            self,
            **{
                name: tf.repeat(value, times, axis=0)
                for name, value in vars(self).items()
                if tf.is_tensor(value)
            },
        )

    def any(self, name: str, predicate: Callable[[Any], Any]) -> bool | tf.Tensor:
        """Whether the predicate holds for some row: a Python bool where that is known.

        Example:
        >>> GenerationConfig(top_k=5).any("top_k", lambda k: k > 0)
        True
        """
        found = predicate(getattr(self, name))
        return tf.reduce_any(found) if tf.is_tensor(found) else bool(found)

    def column(self, name: str) -> tf.Tensor:
        """An option as a tensor [B, 1], or [1, 1] if it is one number for all."""
        value = tf.convert_to_tensor(getattr(self, name), dtype=SPECS[name].dtype)
        return tf.reshape(value, [-1, 1])

    def row(self, name: str) -> tf.Tensor:
        """An option as a tensor [B], or [1] if it is one number for all."""
        return self.column(name)[:, 0]

    def highest(self, name: str) -> int | tf.Tensor:
        """The maximum of an option over rows: an int where it is known."""
        value = getattr(self, name)
        return tf.reduce_max(value) if tf.is_tensor(value) else value


class _Rule(NamedTuple):
    """The range of an option, in words and as an interval."""

    description: str
    least: float
    most: float
    advice: str
    above: bool = False  # the least itself is not allowed

    def holds(self, value: Any) -> Any:
        """Whether numbers of Python, NumPy or TensorFlow are inside; NaN is not."""
        over = value > self.least if self.above else value >= self.least
        return over & (value <= self.most)


_LARGE = float(np.finfo(np.float32).max)
_WHOLE = 2**31 - 1


def _rules(max_tokens_limit: int, num_beams_limit: int) -> dict[str, _Rule]:
    """Option → its range; a seed has none."""
    count = "a whole number of at least 0"
    return {
        "max_tokens": _Rule(
            f"a whole number from 1 to {max_tokens_limit}",
            1,
            max_tokens_limit,
            str(max_tokens_limit),
        ),
        "min_tokens": _Rule(count, 0, _WHOLE, "0 for no minimum"),
        "temperature": _Rule(
            "a number of at least 0", 0, _LARGE, "0 for the most probable token"
        ),
        "top_k": _Rule(count, 0, _WHOLE, "0 to keep all tokens"),
        "top_p": _Rule(
            "above 0 and at most 1", 0, 1, "1 to keep all tokens", above=True
        ),
        "min_p": _Rule("from 0 to 1", 0, 1, "0 to keep all tokens"),
        "num_beams": _Rule(
            f"a whole number from 1 to {num_beams_limit}",
            1,
            num_beams_limit,
            "1 for no search",
        ),
        "length_penalty": _Rule(
            "a finite number", -_LARGE, _LARGE, "0 to leave scores as they are"
        ),
        "coverage_penalty": _Rule(
            "a number of at least 0", 0, _LARGE, "0 for no penalty"
        ),
        "repetition_penalty": _Rule(
            "a number above 0", 0, _LARGE, "1 for no penalty", above=True
        ),
        "no_repeat_ngram_size": _Rule(count, 0, _WHOLE, "0 to allow repetition"),
    }


def check(
    config: GenerationConfig, *, max_tokens_limit: int, num_beams_limit: int
) -> None:
    """Validates a generation config: every value that is known now is in its range.

    Raises:
        UsageError: a value is out of range; the message names the option and its range.

    Example:
    >>> check(GenerationConfig(top_p=0.0), max_tokens_limit=64, num_beams_limit=4)
    Traceback (most recent call last):
        ...
    tfnlp.errors.UsageError: Option top_p must be above 0 and at most 1. Received:
    0.0. Pass top_p=1 to keep all tokens.
    """
    for name, rule in _rules(max_tokens_limit, num_beams_limit).items():
        value = getattr(config, name)
        if tf.is_symbolic_tensor(value):
            continue
        numbers = np.asarray(value)
        whole = np.issubdtype(numbers.dtype, np.integer) or not _is_whole(name)
        if not whole or not np.all(rule.holds(numbers)):
            shown = value.numpy().tolist() if tf.is_tensor(value) else value
            raise UsageError(
                f"Option {name} must be {rule.description}. Received: {shown!r}. "
                f"Pass {name}={rule.advice}."
            )
    seed = config.seed
    if isinstance(seed, int | float) and not -(2**63) <= seed < 2**63:  # nor is NaN
        raise UsageError(
            f"Option seed must be a whole number of 64 bits. Received: {seed!r}. "
            "Pass seed=0, for example."
        )


def checked(
    config: GenerationConfig, *, max_tokens_limit: int, num_beams_limit: int
) -> GenerationConfig:
    """Validates a generation config, now and in graph, and casts it to `SPECS`.

    What is known now is checked now. The rest is checked whenever the graph runs,
    before it is used: a request with a value out of range ends as an
    InvalidArgumentError with the same message. XLA leaves such checks out.

    Raises:
        UsageError: a known value is wrong.
    """
    check(config, max_tokens_limit=max_tokens_limit, num_beams_limit=num_beams_limit)
    rules = _rules(max_tokens_limit, num_beams_limit)
    tensors = {
        name: tf.cast(value, SPECS[name].dtype)
        for name, value in vars(config).items()
        if np.ndim(value) or tf.is_tensor(value)
    }
    assertions = [
        tf.debugging.Assert(
            tf.reduce_all(rules[name].holds(value)),
            [
                f"Option {name} must be {rules[name].description}. Received:",
                value,
                f". Pass {name}={rules[name].advice}.",
            ],
            summarize=8,
        )
        for name, value in tensors.items()
        if name in rules and tf.is_symbolic_tensor(value)
    ]
    with tf.control_dependencies(assertions):
        tensors = {name: tf.identity(value) for name, value in tensors.items()}
    return dataclasses.replace(config, **tensors)


def _is_whole(name: str) -> bool:
    return bool(SPECS[name].dtype.is_integer)
