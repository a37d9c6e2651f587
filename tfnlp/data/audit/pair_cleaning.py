"""Pairs that training is better off without, left out.

What is wrong with a pair says `tfnlp.data.audit.pair_rules`; an audit counts it. Rows
to test on should stay as they are.
"""

from collections.abc import Collection, Mapping

import numpy as np
import tensorflow as tf

from tfnlp.data.audit.findings import plural
from tfnlp.data.audit.pair_rules import FLAWS, SIDES, PairRules, pairs
from tfnlp.data.audit.texts import REMEMBERED
from tfnlp.data.rows import HELD, columns_of, keep, without_autotune
from tfnlp.errors import DataError, UsageError, nearest
from tfnlp.specs import Rows

DROPPED = (*FLAWS, "duplicate")
"""What `clean_pairs` leaves out by default; `leak` is optional."""

_KEPT = "kept, for the time being"


def clean_pairs(
    rows: Rows,
    *,
    rules: PairRules | None = None,
    drop: Collection[str] = DROPPED,
    others: Mapping[str, Rows] | None = None,
    fields: tuple[str, str] = SIDES,
) -> Rows:
    """Leaves out the pairs that training is better off without.

    Args:
        rows: the rows to train on; those to test on should stay as they are.
        rules: what a pair should be like; learnt from the rows if not given.
        drop: what makes a pair go: `empty`, `identical`, `length`, `script`,
            `duplicate`; `leak`, too: a side that is also in `others`.
        others: name → rows that training must not have seen.
        fields: the fields of source and target.

    Raises:
        DataError: a record of a file cannot be read, or no pair would be left.
        UsageError: `drop` has another name.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> pairs = [{"source": "a dog", "target": t} for t in ("ein Hund", "", "a dog")]
    >>> [row["target"] for row in clean_pairs(from_list(pairs)).as_numpy_iterator()]
    [b'ein Hund']
    """
    _check_names(drop)
    rules = rules or PairRules.from_rows(rows, fields=fields)
    apart = [_seen(other, fields) for other in (others or {}).values()]
    seen: set[int] = set()
    kept: list[bool] = []
    for pair in pairs(rows, fields):
        found: set[str] = {*rules.flaws(*pair)}
        key = hash(pair)
        if key in seen:
            found.add("duplicate")
        elif len(seen) < REMEMBERED:
            seen.add(key)
        if any(hash(t) in one for s in apart for t, one in zip(pair, s, strict=True)):
            found.add("leak")
        kept.append(found.isdisjoint(drop))
    return _kept(rows, kept)


def _check_names(drop: Collection[str]) -> None:
    known = (*DROPPED, "leak")
    for name in drop:
        if name not in known:
            raise UsageError(
                f"What makes a pair go is of {', '.join(known)}. Received: {name!r}."
                f"{nearest(name, known)} Choose among them."
            )


def _kept(rows: Rows, kept: list[bool]) -> Rows:
    """The rows at whose place there is True."""
    if kept and not any(kept):
        raise DataError(
            "Some pairs must be left to learn from. Received: "
            f"{plural(len(kept))}, all left out. Look at the audit, and leave less out."
        )
    mask = np.array(kept, bool)
    if 0 < rows.cardinality() <= HELD:
        columns = {name: values[mask] for name, values in columns_of(rows).items()}
        return without_autotune(tf.data.Dataset.from_tensor_slices(columns))
    numbered = tf.data.Dataset.zip(rows, tf.data.Dataset.from_tensor_slices(mask)).map(
        lambda row, kept: {**row, _KEPT: kept}, num_parallel_calls=2
    )
    left = keep(numbered, lambda row: row[_KEPT])
    return without_autotune(
        left.map(lambda row: {name: row[name] for name in rows.element_spec})
    )


def _seen(rows: Rows, fields: tuple[str, str]) -> tuple[set[int], set[int]]:
    both = [*pairs(rows, fields)]
    return {hash(pair[0]) for pair in both}, {hash(pair[1]) for pair in both}
