"""What is wrong with pairs of texts, counted before anything is learnt from them.

An `Audit` of sources and targets as texts, and of the pairs besides: whether a side
is too long for the other, in a wrong script or the same as the other, and whether a
side of a row to test on is also in training. Knows no network and no task.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tfnlp.data.audit.findings import have, share
from tfnlp.data.audit.pair_rules import FLAWS, RATIO, SIDES, PairRules, pairs
from tfnlp.data.audit.texts import PERCENTILES, REMEMBERED, Audit, Unit, audit
from tfnlp.data.rows import column_batches, held
from tfnlp.specs import REFERENCES, Rows

_MESSAGES = {
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
    """Set → flaw, see `tfnlp.data.audit.pair_rules.FLAWS` → rows."""
    repeated: dict[str, int] = field(default_factory=dict)
    """Side → training rows whose text on that side was seen before."""
    leaks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Other set → side → rows whose text on that side is also a training row's."""
    references: dict[str, int] = field(default_factory=dict)
    """Set → references of the row that has most, where that is more than one."""
    lengths: dict[str, dict[str, int]] = field(default_factory=dict)
    """Side → percentile → its length in training, in `unit`."""

    def _lines(self) -> list[tuple[str, str]]:
        lines = [line for line in super()._lines() if not line[0].endswith(" per text")]
        for side, found in self.lengths.items():
            spread = ", ".join(f"{name} {value:,}" for name, value in found.items())
            lines.append((f"{self.unit} per {side}", spread or "none"))
        again = [f"{side} {count:,}" for side, count in self.repeated.items()]
        lines.append(("seen before", ", ".join(again)))
        lines.append(("usual length", f"{self.usual:.2g} of a source to 1 of a target"))
        if any(self.scripts.values()):
            named = [f"{side} {name or 'mixed'}" for side, name in self.scripts.items()]
            lines.append(("scripts", ", ".join(named).lower()))
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
    rows, others = _held(rows), {name: _held(o) for name, o in (others or {}).items()}
    texts = audit(rows, text_fields=fields, label_field=None, others=others, unit=unit)
    rules = PairRules.from_rows(rows, fields=fields, ratio=ratio, unit=unit)
    found = PairAudit(**vars(texts), usual=rules.usual, ratio=ratio)
    found.scripts = dict(zip(SIDES, rules.scripts, strict=True))
    seen = _count(found, "train", rules, rows, fields)
    for name, other in others.items():
        _count(found, name, rules, other, fields)
        found.leaks[name] = _leaks(other, fields, seen)
    found.warnings += list(_warnings(found))
    return found


def _held(rows: Rows) -> Rows:
    """Rows in memory, if they are few; without any row the audit reports the error."""
    return held(rows) if rows.cardinality() > 0 else rows


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
        for flaw, message in _MESSAGES.items():
            if count := flaws[flaw]:
                yield f"{prefix}{share(count, rows)} {have(count)} {message}."
        for side, count in found.leaks.get(name, {}).items():
            if count:
                rows_with = f"{share(count, rows)} {have(count)}"
                yield f"{prefix}{rows_with} a {side} that is also in train."
