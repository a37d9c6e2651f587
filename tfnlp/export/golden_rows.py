"""Golden rows: inputs that every export must answer like the SavedModel.

Odd texts that break tokenizers, and texts sampled from the vocabularies of the task, so
that every part of a network is exercised. Knows no task.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.specs import Schema
from tfnlp.task import Task, Tensors

ODD = (
    "",
    "   ",
    "!!!",
    "qwxyzzy zzxqj",
    "a\x00b",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1ec\U0001f1e7",
    "電影很好看。",
    "e\u0301cole E\u0301COLE a\u0302\u0301",
    "مرحبا بالعالم שלום",
    "ΟΔΥΣΣΕΥΣ. İstanbul",
    "\uff26\uff55ll \ufb01ne \u1112\u1161\u11ab \u2460",
    "“Don\u2019t” \u2014 it\u00a0is <br />3.5 10/10 :-) ...",
    "line\nline\r\nline\ttab\x0b\x0c\x1f\u3000end",
    "so\u00adlid \ufeffhttp://example.org @me",
    "word " * 600,
)
TOLERANCE = 1e-4
"""Allowed difference of numbers, absolute and relative."""
_SAMPLED = 17
_LISTS = ("entries", "tokens", "vocabulary", "words")


def golden(
    task: Task, *, inputs: Schema | None = None, targets: bool = False
) -> Tensors:
    """A batch of about thirty rows; number fields are 0.

    Args:
        inputs: the fields of an endpoint; by default the task's own.
        targets: whether to add the fields of `task.targets`.
    """
    schema = {**(inputs or task.inputs), **(task.targets if targets else {})}
    texts = [*ODD, *_texts(_words(task.config()))]
    return {
        name: tf.constant(_rotated(texts, place), spec.dtype)
        if spec.dtype == tf.string
        else tf.zeros([len(texts)], spec.dtype)
        for place, (name, spec) in enumerate(schema.items())
    }


def max_difference(
    expected: Mapping[str, Any],
    received: Mapping[str, Any],
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """Largest difference of two answers; strings and integers must be equal.

    Of an output whose name ends in ``_bytes`` (an opaque state with floats in it) the
    shape is compared only.

    Raises:
        ExportError: it exceeds the tolerance.
    """
    largest = 0.0
    for name, tensor in expected.items():
        ours, theirs = np.asarray(tensor), np.asarray(received[name])
        if name.endswith("_bytes"):
            largest = max(largest, 0.0 if ours.shape == theirs.shape else np.inf)
        elif ours.dtype.kind != "f":
            largest = max(largest, 0.0 if np.array_equal(ours, theirs) else np.inf)
        elif ours.shape != theirs.shape:
            largest = np.inf
        elif ours.size:
            largest = max(largest, _relative_difference(ours, theirs))
        if not largest <= tolerance:
            raise ExportError(
                "A written file must answer like the SavedModel. "
                f"Received another {name!r} for one of {len(ours)} rows, max diff "
                f"{largest:.2g}. Serve the SavedModel, and report this with the task."
            )
    return largest


def _relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference, relative above 1; infinite for NaN."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(ours - theirs) / np.maximum(np.abs(ours), 1.0)
    difference = np.where(ours == theirs, 0.0, difference)
    return float(np.max(np.nan_to_num(difference, nan=np.inf)))


def check_single_rows(
    answer: Callable[[Tensors], Mapping[str, Any]], inputs: Tensors
) -> None:
    """Checks that a single row has the same answer as in a batch of longer ones.

    Raises:
        ExportError: it has another.
    """
    together = answer(inputs)
    for row in range(0, len(next(iter(inputs.values()))), 5):
        one = answer({name: each[row : row + 1] for name, each in inputs.items()})
        check_single_row(together, one, row)


def check_single_row(
    together: Mapping[str, Any], one: Mapping[str, Any], row: int
) -> None:
    """Checks that the answer to a single row equals that of the row in a batch.

    Raises:
        ExportError: it does not.
    """
    same = {name: _cut(together[name][row : row + 1], one[name]) for name in one}
    max_difference(one, same)


def _cut(longer: Any, shorter: Any) -> np.ndarray:
    """A row of a batch without padding."""
    return np.asarray(longer)[tuple(map(slice, np.shape(shorter)))]


def _words(config: Any) -> Iterator[str]:
    """Every string of the vocabularies in a configuration."""
    if isinstance(config, Mapping):
        for name, value in config.items():
            if name in _LISTS and isinstance(value, list | tuple):
                yield from (word for word in value if isinstance(word, str))
            else:
                yield from _words(value)


def _texts(words: Iterator[str]) -> list[str]:
    known = list(dict.fromkeys(words)) or ["word"]
    random = np.random.default_rng(0)
    common = known[:2000]  # frequent words come first
    sizes = random.integers(1, 60, size=_SAMPLED)
    return [" ".join(random.choice(common, size=size)) for size in sizes]


def _rotated(texts: list[str], places: int) -> list[str]:
    """Another order for each field, so that a text pair has two different texts."""
    return texts[places:] + texts[:places]
