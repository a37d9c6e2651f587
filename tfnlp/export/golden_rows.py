"""Rows that an export in another format must answer as the SavedModel does.

Odd texts that trip encoders up, and texts made of the task's own vocabularies, so
that every part of a network has something to do. Knows no task.
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
"""How far numbers of answers may be apart, absolutely and relatively."""
_DRAWN = 17
_LISTS = ("entries", "tokens", "vocabulary", "words")


def golden(
    task: Task, *, inputs: Schema | None = None, targets: bool = False
) -> Tensors:
    """A request of some thirty rows; fields of numbers are 0.

    Args:
        inputs: the fields of an endpoint; by default the task's own.
        targets: whether rows have the fields of `task.targets`, too.
    """
    schema = {**(inputs or task.inputs), **(task.targets if targets else {})}
    texts = [*ODD, *_texts(_words(task.config()))]
    return {
        name: tf.constant(_turned(texts, place), spec.dtype)
        if spec.dtype == tf.string
        else tf.zeros([len(texts)], spec.dtype)
        for place, (name, spec) in enumerate(schema.items())
    }


def worst_difference(
    expected: Mapping[str, Any],
    received: Mapping[str, Any],
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """How far two answers are apart; strings and whole numbers must be equal.

    Raises:
        ExportError: they are further apart than the tolerance.
    """
    worst = 0.0
    for name, tensor in expected.items():
        ours, theirs = np.asarray(tensor), np.asarray(received[name])
        if ours.dtype.kind != "f":
            worst = max(worst, 0.0 if np.array_equal(ours, theirs) else np.inf)
        elif ours.shape != theirs.shape:
            worst = np.inf
        elif ours.size:
            worst = max(worst, _apart(ours, theirs))
        if not worst <= tolerance:
            raise ExportError(
                "A written file must answer like the SavedModel. "
                f"Received another {name!r} for one of {len(ours)} rows, apart by "
                f"{worst:.2g}. Serve the SavedModel, and report this with the task."
            )
    return worst


def _apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How far numbers are apart at most; NaN is as far from any as can be."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(ours - theirs) / np.maximum(np.abs(ours), 1.0)
    apart = np.where(ours == theirs, 0.0, apart)
    return float(np.max(np.nan_to_num(apart, nan=np.inf)))


def alone(answer: Callable[[Tensors], Mapping[str, Any]], inputs: Tensors) -> None:
    """Makes sure that a row alone is answered as among longer ones.

    Raises:
        ExportError: it is not.
    """
    together = answer(inputs)
    for row in range(0, len(next(iter(inputs.values()))), 5):
        one = answer({name: each[row : row + 1] for name, each in inputs.items()})
        check_alone(together, one, row)


def check_alone(together: Mapping[str, Any], one: Mapping[str, Any], row: int) -> None:
    """Makes sure that the answer to one row is that of the row in a batch.

    Raises:
        ExportError: it is not.
    """
    same = {name: _cut(together[name][row : row + 1], one[name]) for name in one}
    worst_difference(one, same)


def _cut(longer: Any, shorter: Any) -> np.ndarray:
    """A row of a batch without what fills it up."""
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
    sizes = random.integers(1, 60, size=_DRAWN)
    return [" ".join(random.choice(common, size=size)) for size in sizes]


def _turned(texts: list[str], places: int) -> list[str]:
    """Another order for each field, so that a pair is not twice the same text."""
    return texts[places:] + texts[:places]
