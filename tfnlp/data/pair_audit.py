"""What is wrong with pairs of texts, counted before anything is learnt from them.

An `Audit` of sources and targets as texts, and of the pairs besides: whether a side
is too long for the other, in a wrong script or the same as the other, and whether a
side of a row to test on is also in training. Knows no network and no task.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfnlp.data.audit import PERCENTILES, REMEMBERED, Audit, Unit, audit
from tfnlp.data.findings import have, share
from tfnlp.data.pair_rules import FLAWS, RATIO, PairRules, pairs
from tfnlp.data.rows import CHUNK, column_batches, keep, settled
from tfnlp.errors import UsageError, nearest
from tfnlp.specs import REFERENCES, Rows

SIDES = ("source", "target")
DROPPED = (*FLAWS, "duplicate")
"""What `clean_pairs` leaves out if nothing else is said; `leak` can be asked for."""

_KEPT = "kept, for the time being"
_TOLD = {
    "identical": "the same text on both sides",
    "length": "a side that is too long for the other",
    "script": "a side in another script than the others",
}


@dataclass
class PairAudit(Audit):
    """Counts of what is wrong with pairs."""

    usual: float = 1.0
    """The median ratio of lengths in training, source by target."""
    ratio: float = RATIO
    """How many times more or less than usual is too much."""
    scripts: dict[str, str] = field(default_factory=dict)
    """Side → the script of most of its texts, if there is one."""
    flaws: dict[str, dict[str, int]] = field(default_factory=dict)
    """Set → flaw, see `tfnlp.data.pair_rules.FLAWS` → rows."""
    repeated: dict[str, int] = field(default_factory=dict)
    """Side → training rows whose text on that side was seen before."""
    leaks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Other set → side → rows whose text on that side is also a training row's."""
    references: dict[str, int] = field(default_factory=dict)
    """Set → references of the row that has most, where that is more than one."""
    lengths: dict[str, dict[str, int]] = field(default_factory=dict)
    """Side → percentile → its length in training, in `unit`."""

    def _lines(self) -> list[tuple[str, str]]:
        lines = [line for line in super()._lines() if not line[0].endswith(" a text")]
        for side, found in self.lengths.items():
            spread = ", ".join(f"{name} {value:,}" for name, value in found.items())
            lines.append((f"{self.unit} a {side}", spread or "none"))
        again = [f"{side} {count:,}" for side, count in self.repeated.items()]
        lines.append(("seen before", ", ".join(again)))
        lines.append(("usual length", f"a source is {self.usual:.2g} targets long"))
        if any(self.scripts.values()):
            told = [f"{side} {name or 'mixed'}" for side, name in self.scripts.items()]
            lines.append(("scripts", ", ".join(told).lower()))
        if self.references:
            most = [f"{name} up to {count}" for name, count in self.references.items()]
            lines.append(("references", ", ".join(most)))
        return lines


def audit_pairs(
    rows: Rows,
    *,
    others: Mapping[str, Rows] | None = None,
    fields: tuple[str, str] = SIDES,
    ratio: float = RATIO,
    unit: Unit = "characters",
) -> PairAudit:
    """Reads all rows and counts what is wrong with pairs.

    Args:
        rows: with a source and a target, the rows to train on.
        others: name → rows that training must not have seen, such as test.
        fields: the fields of source and target.
        ratio: how many times more or less than usual a side may be as long as the
            other; what is usual, the rows say.
        unit: what lengths are counted in.

    Raises:
        DataError: a record of a file cannot be read. What is wrong with rows that
            can be read raises nothing here; see `Audit.check`.
        UsageError: the ratio is not above one.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> train = [{"source": "a dog", "target": "ein Hund"}]
    >>> test = [{"source": "a dog", "target": "a dog"}]
    >>> found = audit_pairs(from_list(train), others={"test": from_list(test)})
    >>> found.leaks["test"], found.flaws["test"]["identical"]
    ({'source': 1, 'target': 0}, 1)
    """
    texts = audit(rows, text_fields=fields, label_field=None, others=others, unit=unit)
    rules = PairRules.from_rows(rows, fields=fields, ratio=ratio, unit=unit)
    found = PairAudit(**vars(texts), usual=rules.usual, ratio=ratio)
    found.scripts = dict(zip(SIDES, rules.scripts, strict=True))
    seen = _count(found, "train", rules, rows, fields)
    for name, other in (others or {}).items():
        _count(found, name, rules, other, fields)
        found.leaks[name] = _leaks(other, fields, seen)
    found.warnings += list(_warnings(found))
    return found


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
        DataError: a record of a file cannot be read.
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
    mask = tf.data.Dataset.from_tensor_slices(np.array(kept, bool))
    numbered = tf.data.Dataset.zip(rows, mask).map(
        lambda row, kept: {**row, _KEPT: kept}, num_parallel_calls=2
    )
    left = keep(numbered, lambda row: row[_KEPT], sum(kept)).batch(CHUNK)
    plain = left.map(lambda row: {name: row[name] for name in rows.element_spec})
    plain = plain.unbatch().apply(tf.data.experimental.assert_cardinality(sum(kept)))
    return settled(plain)


def _count(
    found: PairAudit, name: str, rules: PairRules, rows: Rows, fields: tuple[str, str]
) -> tuple[set[int], set[int]]:
    """Counts the flaws of one set, train first; returns the hashes of its sides."""
    flaws: dict[str, int] = dict.fromkeys(FLAWS, 0)
    repeated = [0, 0]
    sizes: tuple[list[int], list[int]] = ([], [])
    seen: tuple[set[int], set[int]] = (set(), set())
    for pair in pairs(rows, fields):
        for flaw in rules.flaws(*pair):
            flaws[flaw] += 1
        for side, text in enumerate(pair):
            sizes[side].append(_size(text, rules.unit))
            repeated[side] += hash(text) in seen[side]
            if len(seen[side]) < REMEMBERED:
                seen[side].add(hash(text))
    found.flaws[name] = flaws
    if (most := _references(rows, fields[1])) > 1:
        found.references[name] = most
    if name == "train":
        found.repeated = dict(zip(SIDES, repeated, strict=True))
        found.lengths = {
            side: _spread(sizes[place]) for place, side in enumerate(SIDES)
        }
    return seen


def _seen(rows: Rows, fields: tuple[str, str]) -> tuple[set[int], set[int]]:
    both = [*pairs(rows, fields)]
    return {hash(pair[0]) for pair in both}, {hash(pair[1]) for pair in both}


def _leaks(
    rows: Rows, fields: tuple[str, str], seen: tuple[set[int], set[int]]
) -> dict[str, int]:
    counts = dict.fromkeys(SIDES, 0)
    for pair in pairs(rows, fields):
        for side, text, known in zip(SIDES, pair, seen, strict=True):
            counts[side] += bool(text) and hash(text) in known
    return counts


def _references(rows: Rows, target: str) -> int:
    mark = REFERENCES.encode()
    return max(
        (
            1 + text.count(mark)
            for batch in column_batches(rows)
            for text in batch[target]
        ),
        default=0,
    )


def _size(text: str, unit: Unit) -> int:
    return len(text.split()) if unit == "words" else len(text)


def _spread(sizes: list[int]) -> dict[str, int]:
    if not sizes:
        return {}
    values = np.percentile(sizes, PERCENTILES, method="nearest").astype(int).tolist()
    return {f"p{key}": value for key, value in zip(PERCENTILES, values, strict=True)}


def _warnings(found: PairAudit) -> Iterator[str]:
    for name, flaws in found.flaws.items():
        rows = found.rows if name == "train" else found.others[name]
        prefix = "" if name == "train" else f"{name}: "
        for flaw, told in _TOLD.items():
            if count := flaws[flaw]:
                yield f"{prefix}{share(count, rows)} {have(count)} {told}."
        for side, count in found.leaks.get(name, {}).items():
            if count:
                told = f"{share(count, rows)} {have(count)}"
                yield f"{prefix}{told} a {side} that is also in train."
