"""A long text as rows of equal length: what a language model is trained on.

Blocks follow one another without gap or overlap, so each character is predicted once,
and all blocks joined are the text again.
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from tfnlp.data.rows import column_batches, without_autotune
from tfnlp.errors import DataError, UsageError
from tfnlp.specs import Rows

Unit = Literal["characters", "words"]

_WORD = re.compile(r"[^\S\n]*(?:\n|\S+)|[^\S\n]+\Z")
"""A word with the blanks before it, or a line feed."""


def blocks(
    rows: Rows,
    *,
    size: int,
    unit: Unit = "characters",
    context: int = 1,
    slots: int = 0,
    fresh: int = 0,
    field: str = "text",
) -> Rows:
    """Cuts the text that rows are together into blocks.

    Args:
        rows: rows of `field`, in order.
        size: units of a block at most.
        unit: `characters`, or `words`: what stands between blanks, and line feeds.
        context: units before a block that ``before`` has; fewer where the text begins.
        slots: parts of the text that are read side by side: rows then come as the
            first block of each part, the second of each, and so on, with ``slot`` and
            ``place`` (int32), and all parts have as many blocks. A text of fewer
            units has fewer parts; what comes first in each has nothing before it. 0
            for one text.
        fresh: one block in this many has nothing before it either, and in a slot the
            ``place`` 0, so that beginnings are learnt, too: a network that has seen
            a few of them only may do anything after one. 0 for the first only.
        field: the text.

    Returns:
        Rows of ``text`` and ``before``.

    Raises:
        DataError: there is no text.
        UsageError: a number is too small, or there is no such unit.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"text": "to be or\\n"}, {"text": "not to\\n"}])
    >>> for row in blocks(rows, size=3, unit="words").as_numpy_iterator():
    ...     print(row["before"], row["text"])
    b'' b'to be'
    b' be' b' or\\n'
    b'\\n' b'not to\\n'
    """
    _check(size, unit, context, slots)
    text = "".join(
        raw.decode("utf-8", "replace")
        for batch in column_batches(rows)
        for raw in batch[field].tolist()
    )
    units = text if unit == "characters" else _WORD.findall(text)
    if not units:
        raise DataError(
            "A language is learnt from text. Received: none. "
            "Check the file, and the shares of the split."
        )
    parts = min(max(slots, 1), len(units))
    count = -(-len(units) // (parts * size))  # blocks of each part
    edges = np.linspace(0, len(units), parts * count + 1).astype(int)
    order = np.arange(parts * count).reshape(parts, count).T.ravel()
    slot, place = order // count, order % count
    alone = place == 0 if slots else order == 0
    if fresh:  # by turns, as all slots at once would make a batch of beginnings
        alone |= (slot + place) % fresh == 0
    before = np.where(alone, edges[order], np.maximum(edges[order] - context, 0))
    columns = {
        "text": [_joined(units, edges[n], edges[n + 1]) for n in order],
        "before": [
            _joined(units, start, edges[n])
            for n, start in zip(order, before, strict=True)
        ],
    }
    made = {name: tf.constant(values, tf.string) for name, values in columns.items()}
    if slots:
        made["slot"] = tf.constant(slot, tf.int32)
        made["place"] = tf.constant(np.where(alone, 0, place), tf.int32)
    return without_autotune(tf.data.Dataset.from_tensor_slices(made))


def _joined(units: Sequence[str], start: int, end: int) -> bytes:
    return "".join(units[start:end]).encode("utf-8", "replace")


def _check(size: int, unit: str, context: int, slots: int) -> None:
    if unit not in ("characters", "words"):
        raise UsageError(f"unit must be characters or words. Received: {unit!r}.")
    for name, value, least in (("size", size, 1), ("context", context, 0)):
        if value < least:
            raise UsageError(f"{name} must be {least} or more. Received: {value}.")
    if slots < 0:
        raise UsageError(f"slots must be 0 or more. Received: {slots}.")
