"""What the counts of an audit mean: which stop training, and which to know of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class Counts(Protocol):
    """What is read of an `tfnlp.data.audit.Audit`."""

    rows: int
    others: dict[str, int]
    empty: int
    unlabelled: int
    duplicates: int
    contradicting: int
    undecodable: int
    classes: dict[str, int]
    leaking: dict[str, int]
    unseen: dict[str, dict[str, int]]
    partial: bool


_SHOWN = 8  # names in one message


def class_counts(classes: Mapping[str, int]) -> str:
    """Writes the largest classes with their shares.

    Example:
    >>> class_counts({"pos": 3, "neg": 1})
    'pos 3 (75%), neg 1 (25%)'
    """
    total = sum(classes.values())
    largest = list(classes.items())[:_SHOWN]
    shown = [f"{name} {count:,} ({count / total:.0%})" for name, count in largest]
    rest = len(classes) - _SHOWN
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def errors(found: Counts, *, labelled: bool) -> Iterator[str]:
    """Says why nothing can be learnt from the rows."""
    if not found.rows:
        yield "Training needs rows. Received: none. Check the file and the split."
        return
    if found.empty == found.rows:
        yield (
            f"Training needs texts. Received: {found.rows:,} rows whose texts are all "
            "empty. Check which column holds the text."
        )
    if not labelled:
        return
    if found.unlabelled == found.rows:
        yield (
            f"Training needs labels. Received: {found.rows:,} rows without one. "
            "Check which column holds the label."
        )
    elif len(found.classes) == 1:
        only = next(iter(found.classes))
        yield (
            "Training needs at least two classes. Received: one class only, "
            f"{only!r}. Check which column holds the label."
        )


def warnings(found: Counts, *, separator: str | None) -> Iterator[str]:
    """Says what whoever reads the scores should know."""
    kept = "they stay, as rows of no class" if separator else "they are left out"
    if found.empty and found.empty < found.rows:
        yield f"{_share(found.empty, found.rows)} have an empty text."
    if found.unlabelled and found.unlabelled < found.rows:
        yield f"{_share(found.unlabelled, found.rows)} have no label; {kept}."
    if found.duplicates:
        yield f"{_share(found.duplicates, found.rows)} repeat the text of another."
    if found.contradicting:
        yield f"{_plural(found.contradicting, 'text')} occur with different labels."
    if found.undecodable:
        yield (
            f"{_plural(found.undecodable, 'character')} could not be decoded "
            "(U+FFFD); give the encoding of the file."
        )
    rare = [name for name, count in found.classes.items() if count == 1]
    if rare and len(found.classes) > 1:
        yield f"{_plural(len(rare), 'class', 'classes')} with one row: {_few(rare)}."
    for name, count in found.leaking.items():
        if count:
            rows = _share(count, found.others[name])
            yield f"{name}: {rows} have a text that is also in train."
    for name, labels in found.unseen.items():
        if labels:
            yield f"{name}: labels that train lacks: {_few(list(labels))}."
    if found.partial:
        yield "Repeated texts were looked for among the first rows only."


def _share(count: int, rows: int) -> str:
    return f"{_plural(count, 'row')} ({count / max(rows, 1):.1%})"


def _plural(count: int, name: str, names: str | None = None) -> str:
    return f"{count:,} {name if count == 1 else names or name + 's'}"


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (f" and {rest:,} more" if rest > 0 else "")
