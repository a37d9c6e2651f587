"""Several references of one row, all in its one field `target`.

Rows are flat, so references are one string: joined with `tfnlp.specs.REFERENCES`, a
control character that texts do not hold. Training takes the first, scores take all.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfnlp.data.rows import columns_of, without_autotune
from tfnlp.specs import REFERENCES, Rows


def first(targets: tf.Tensor) -> tf.Tensor:
    """The first reference of each target, in graph: string [B] → string [B].

    Example:
    >>> first(tf.constant(["a\\x1eb", "c"])).numpy().tolist()
    [b'a', b'c']
    """
    return tf.strings.regex_replace(targets, f"(?s){REFERENCES}.*", "")


def joined(rows: Rows, fields: Sequence[str], *, field: str = "target") -> Rows:
    """Makes one field of several; empty ones are no references.

    Args:
        fields: the fields that hold a reference each; they go.
        field: the field that all of them are put into.

    Raises:
        DataError: there is no row, or a broken one.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"a": "one", "b": "uno", "c": ""}])
    >>> next(joined(rows, ("a", "b", "c")).as_numpy_iterator())
    {'target': b'one\\x1euno'}
    """
    columns = columns_of(rows)
    texts = zip(*(columns.pop(name) for name in fields), strict=True)
    columns[field] = _column([_joined(row) for row in texts])
    return without_autotune(tf.data.Dataset.from_tensor_slices(columns))


def grouped(
    rows: Rows, *, by: Sequence[str] = ("source",), field: str = "target"
) -> Rows:
    """One row of all that have the same source, whose targets are its references.

    For rows to test on: a word that has two pronunciations is right with either.
    Other fields are those of the first row.

    Raises:
        DataError: there is no row, or a broken one.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = [{"source": "live", "target": t} for t in ("L IH V", "L AY V")]
    >>> next(grouped(from_list(rows)).as_numpy_iterator())["target"]
    b'L IH V\\x1eL AY V'
    """
    columns = columns_of(rows)
    targets: dict[tuple[bytes, ...], list[bytes]] = {}
    numbers: list[int] = []
    keys = zip(*(columns[name] for name in by), strict=True)
    for number, (key, target) in enumerate(zip(keys, columns[field], strict=True)):
        if key not in targets:
            numbers.append(number)
        targets.setdefault(key, []).append(target)
    kept = {name: column[numbers] for name, column in columns.items()}
    kept[field] = _column([_joined(each) for each in targets.values()])
    return without_autotune(tf.data.Dataset.from_tensor_slices(kept))


def _joined(texts: Sequence[bytes]) -> bytes:
    given = dict.fromkeys(text for text in texts if text.strip())
    return REFERENCES.encode().join(given)


def _column(texts: Sequence[bytes]) -> np.ndarray:
    return np.array([*texts, None], object)[:-1]  # never of NumPy's own bytes type
