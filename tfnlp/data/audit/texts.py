"""What is wrong with rows, counted before anything is learnt from them.

An error stops training: there is nothing to learn from such rows. A warning does
not, but whoever reads the scores should know it. One pass over each set, in bounded
memory: repeated texts are looked for among the first `REMEMBERED` rows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tfnlp.data.audit import findings
from tfnlp.data.rows import CHUNK, column_batches, keep, without_autotune
from tfnlp.errors import DataError
from tfnlp.specs import Rows

REMEMBERED = 2_000_000
"""Rows whose texts are remembered as hashes, to find those that come again."""

PERCENTILES = (5, 25, 50, 75, 95, 99, 100)
_MEASURED = 1_000_000  # texts whose lengths are kept for the percentiles
_REPLACED = "\ufffd".encode()

Unit = Literal["words", "characters"]


@dataclass
class Audit:
    """Counts of what is wrong with rows, and what that means for training."""

    rows: int = 0
    others: dict[str, int] = field(default_factory=dict)
    """Rows of each other set, such as valid and test."""
    empty: int = 0
    """Rows where a text is empty or only spaces."""
    unlabelled: int = 0
    duplicates: int = 0
    """Rows whose text was seen before."""
    contradicting: int = 0
    """Texts that occur with different labels."""
    undecodable: int = 0
    """Characters U+FFFD: bytes that did not fit the encoding of the file."""
    classes: dict[str, int] = field(default_factory=dict)
    words: dict[int, int] = field(default_factory=dict)
    """Percentile → words of a text, between spaces."""
    characters: dict[int, int] = field(default_factory=dict)
    length: int | None = None
    unit: Unit = "words"
    cut: float = 0.0
    """Share of texts longer than `length`, which are truncated."""
    leaking: dict[str, int] = field(default_factory=dict)
    """Rows of each other set whose text is also a training row's."""
    unseen: dict[str, dict[str, int]] = field(default_factory=dict)
    """Labels of each other set that no training row has, and their rows."""
    elsewhere: dict[str, findings.Flaws] = field(default_factory=dict)
    """What is wrong with the rows of each other set."""
    partial: bool = False
    """Whether there were more rows than could be remembered."""
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def check(self) -> "Audit":
        """Returns the audit if the rows can be learnt from.

        Raises:
            DataError: there is an error; the message holds all of them.
        """
        if self.errors:
            raise DataError(" ".join(self.errors))
        return self

    def to_json(self) -> dict[str, Any]:
        """Everything as values that JSON can hold."""
        found = asdict(self)
        found["elsewhere"] = {k: v._asdict() for k, v in self.elsewhere.items()}
        for name in ("words", "characters"):
            found[name] = {f"p{key}": value for key, value in found[name].items()}
        return found

    def table(self) -> str:
        """A short table with warnings below; errors are raised by `check`."""
        width = max(len(name) for name, _ in self._lines())
        lines = [f"{name:<{width}}  {value}" for name, value in self._lines()]
        lines += [f"warning: {message}" for message in self.warnings]
        return "\n".join(lines)

    def _lines(self) -> list[tuple[str, str]]:
        sizes = {"train": self.rows} | self.others if self.others else {"": self.rows}
        lines = [("rows", ", ".join(f"{n} {c:,}".strip() for n, c in sizes.items()))]
        if self.classes:
            lines.append(
                (
                    f"classes ({len(self.classes):,})",
                    findings.class_counts(self.classes),
                )
            )
        for name, found in (("tokens", self.words), ("characters", self.characters)):
            spread = ", ".join(f"p{key} {value:,}" for key, value in found.items())
            lines.append((f"{name} per text", spread or "none"))
        if self.length:
            lines.append((f"truncated at {self.length} tokens", f"{self.cut:.1%}"))
        return lines


def audit(
    rows: Rows,
    *,
    text_fields: Sequence[str] = ("text",),
    key_fields: Sequence[str] = (),
    label_field: str | None = "label",
    label_separator: str | None = None,
    others: Mapping[str, Rows] | None = None,
    sequence_length: int | None = None,
    unit: Unit = "words",
) -> Audit:
    """Reads all rows once and counts what is wrong with them.

    Args:
        text_fields: fields of text; two for pairs.
        key_fields: further fields that distinguish rows of one text, such as the
            predicate of semantic roles.
        label_field: field of the label, or None if rows have none.
        label_separator: between several labels of a row; then no label at all is an
            answer too, and only rows that all lack one are an error.
        others: name → rows that training must not have seen, such as test.
        sequence_length: tokens that are kept of a text, to count those truncated.
        unit: what a token is, roughly.

    Raises:
        DataError: a record of a file cannot be read. What is wrong with rows that
            can be read raises nothing here; see `Audit.check`.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = [{"text": t, "label": l} for t, l in (("so", "a"), ("so", "b"))]
    >>> found = audit(from_list(rows))
    >>> found.duplicates, found.contradicting, found.errors
    (1, 1, [])
    """
    found = Audit(length=sequence_length, unit=unit)
    reader = _Reader(
        tuple(text_fields), tuple(key_fields), label_field, label_separator
    )
    seen = _count(found, reader, rows)
    for name, other in (others or {}).items():
        _compare(found, reader, name, other, seen)
    labelled = label_field is not None
    found.errors = list(
        findings.errors(found, labelled=labelled, separator=label_separator)
    )
    found.warnings = list(findings.warnings(found, separator=label_separator))
    return found


def clean(
    rows: Rows, *, label_field: str = "label", label_separator: str | None = None
) -> Rows:
    """Leaves out the rows that have no label, which the audit warns of.

    With a `label_separator` all rows stay: there, no label is an answer.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": "a", "label": "x"}, {"text": "b", "label": " "}])
    >>> sum(1 for _ in clean(rows))
    1
    """
    if label_separator is not None:
        return rows

    @tf.autograph.experimental.do_not_convert
    def labelled(row: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.strings.length(tf.strings.strip(row[label_field])) > 0

    if rows.cardinality() < 0:  # a stream, which nobody has counted
        return keep(rows, labelled)
    chunks = without_autotune(rows.batch(CHUNK).map(labelled))
    count = sum(int(chunk.sum()) for chunk in chunks.as_numpy_iterator())
    return rows if count == rows.cardinality() else keep(rows, labelled, count)


@dataclass(frozen=True)
class _Reader:
    """Reads texts, keys and labels of rows."""

    text_fields: tuple[str, ...]
    key_fields: tuple[str, ...]
    label_field: str | None
    separator: str | None

    def __call__(self, rows: Rows) -> Iterator[tuple[tuple[bytes, ...], Any, bytes]]:
        """Texts, values of the key fields, and label of each row."""
        for batch in column_batches(rows):
            size = len(batch[self.text_fields[0]])
            none = np.full(size, b"", object)
            yield from zip(
                zip(*(batch[name] for name in self.text_fields), strict=True),
                zip(none, *(batch[name] for name in self.key_fields), strict=True),
                batch[self.label_field] if self.label_field else none,
                strict=True,
            )

    def labels(self, label: bytes) -> list[str]:
        text = label.decode("utf-8", "replace").strip()
        pieces = text.split(self.separator) if self.separator else [text]
        return [piece.strip() for piece in pieces if piece.strip()]


def _count(found: Audit, reader: _Reader, rows: Rows) -> dict[int, int]:
    """Counts training rows; returns hash of text → hash of its first label."""
    seen: dict[int, int] = {}
    contradicting: set[int] = set()
    labels: Counter[bytes] = Counter()
    words: list[int] = []
    characters: list[int] = []
    for texts, keys, label in reader(rows):
        found.rows += 1
        labels[label] += 1
        stripped = tuple(text.strip() for text in texts)
        found.empty += not all(stripped)
        found.undecodable += _replaced(texts)
        if len(words) < _MEASURED:
            decoded = [text.decode("utf-8", "replace") for text in stripped]
            words.extend(len(text.split()) for text in decoded)
            characters.extend(map(len, decoded))
        key, answer = hash((stripped, keys)), hash(label)
        if (first := seen.get(key)) is not None:
            found.duplicates += 1
            if first != answer:
                contradicting.add(key)
        elif len(seen) < REMEMBERED:
            seen[key] = answer
        else:
            found.partial = True
    found.contradicting = len(contradicting)
    _count_labels(found, reader, labels)
    _measure(found, words, characters)
    return seen


def _count_labels(found: Audit, reader: _Reader, labels: Counter[bytes]) -> None:
    if reader.label_field is None:
        return
    classes: Counter[str] = Counter()
    for label, count in labels.items():
        names = reader.labels(label)
        found.unlabelled += count * (not names)
        classes.update(dict.fromkeys(names, count))
    found.classes = dict(classes.most_common())


def _measure(found: Audit, words: list[int], characters: list[int]) -> None:
    if not words:
        return
    for counts, kept in ((words, found.words), (characters, found.characters)):
        values = np.percentile(counts, PERCENTILES, method="nearest")
        kept.update(zip(PERCENTILES, values.astype(int).tolist(), strict=True))
    if found.length:
        counts = words if found.unit == "words" else characters
        found.cut = float(np.mean(np.array(counts) > found.length))


def _compare(
    found: Audit, reader: _Reader, name: str, rows: Rows, seen: Mapping[int, int]
) -> None:
    count = leaking = empty = unlabelled = undecodable = 0
    labels: Counter[bytes] = Counter()
    for texts, keys, label in reader(rows):
        count += 1
        stripped = tuple(text.strip() for text in texts)
        empty += not all(stripped)
        undecodable += _replaced(texts)
        leaking += any(stripped) and hash((stripped, keys)) in seen
        labels[label] += 1
    unseen: Counter[str] = Counter()
    for label, number in labels.items():
        names = reader.labels(label)
        unlabelled += number * (reader.label_field is not None and not names)
        strange = [one for one in names if one not in found.classes]
        unseen.update(dict.fromkeys(strange, number))
    found.others[name] = count
    found.leaking[name] = leaking
    found.elsewhere[name] = findings.Flaws(empty, unlabelled, undecodable)
    if reader.label_field is not None:
        found.unseen[name] = dict(unseen.most_common())


def _replaced(texts: tuple[bytes, ...]) -> int:
    return sum(text.count(_REPLACED) for text in texts)
