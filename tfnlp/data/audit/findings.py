"""What the counts of an audit mean: which stop training, and which to know of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol


class Flaws(NamedTuple):
    """What is wrong with the rows of one set."""

    empty: int
    unlabelled: int
    undecodable: int


class Counts(Protocol):
    """What is read of an `tfnlp.data.audit.texts.Audit`."""

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
    elsewhere: dict[str, Flaws]
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


def errors(found: Counts, *, labelled: bool, separator: str | None) -> Iterator[str]:
    """Says why nothing can be learnt from the rows, or tested on them."""
    if not found.rows:
        count = sum(found.others.values())
        if count and count == sum(flaws.empty for flaws in found.elsewhere.values()):
            yield all_empty(count)
        else:
            yield "Training needs rows. Received: none. Check the file and the split."
        return
    if found.empty == found.rows:
        yield all_empty(found.rows)
    if not labelled:
        return
    if found.unlabelled == found.rows:
        yield (
            f"Training needs labels. Received: {plural(found.rows)} without one. "
            "Check which column holds the label."
        )
    elif len(found.classes) == 1:
        only = next(iter(found.classes))
        yield (
            "Training needs at least two classes. Received: one class only, "
            f"{only!r}. Check which column holds the label."
        )
    if separator is None:  # else no label is an answer
        yield from _unlabelled_sides(found)


def all_empty(count: int) -> str:
    """Says that no row has a text.

    Example:
    >>> all_empty(2)[:67]
    'Training needs texts. Received: 2 rows whose texts are all empty. C'
    """
    return (
        f"Training needs texts. Received: {plural(count)} whose texts are all "
        "empty. Check which column holds the text."
    )


def warnings(found: Counts, *, separator: str | None) -> Iterator[str]:
    """Says what whoever reads the scores should know."""
    empty = found.empty if found.empty < found.rows else 0  # else it is an error
    train = Flaws(empty, found.unlabelled, found.undecodable)
    yield from _flaws(train, found.rows, separator)
    if found.duplicates:
        repeated = share(found.duplicates, found.rows)
        yield f"{repeated} {_verb(found.duplicates, 'repeat')} the text of another."
    if found.contradicting:
        occur = _verb(found.contradicting, "occur")
        yield f"{plural(found.contradicting, 'text')} {occur} with different labels."
    rare = [name for name, count in found.classes.items() if count == 1]
    if rare and len(found.classes) > 1:
        yield f"{plural(len(rare), 'class', 'classes')} with one row: {few(rare)}."
    for name in found.others:
        yield from (
            f"{name}: {message}" for message in _of_side(found, name, separator)
        )
    if found.partial:
        yield "Repeated texts were looked for among the first rows only."


def plural(count: int, name: str = "row", names: str | None = None) -> str:
    """A number with its noun.

    Example:
    >>> plural(1), plural(2_000), plural(2, "class", "classes")
    ('1 row', '2,000 rows', '2 classes')
    """
    return f"{count:,} {name if count == 1 else names or name + 's'}"


def _unlabelled_sides(found: Counts) -> Iterator[str]:
    for name, flaws in found.elsewhere.items():
        count = found.others[name]
        if flaws.unlabelled == count:
            received = f"{plural(count)} without one" if count else "no rows"
            yield (
                f"The {name} split needs rows with a label. Received: {received}. "
                "Check which column holds the label, or give more rows."
            )


def _of_side(found: Counts, name: str, separator: str | None) -> Iterator[str]:
    """What is wrong with the rows of a split that is not trained on."""
    rows = found.others[name]
    yield from _flaws(found.elsewhere[name], rows, separator)
    if count := found.leaking[name]:
        yield f"{share(count, rows)} {have(count)} a text that is also in train."
    if labels := found.unseen.get(name):
        yield f"labels that train lacks: {few(list(labels))}."


def _flaws(flaws: Flaws, rows: int, separator: str | None) -> Iterator[str]:
    if flaws.empty:
        yield f"{share(flaws.empty, rows)} {have(flaws.empty)} an empty text."
    if 0 < flaws.unlabelled < rows:
        found = f"{share(flaws.unlabelled, rows)} {have(flaws.unlabelled)} no label"
        yield f"{found}; {_fate(flaws.unlabelled, separator)}."
    if flaws.undecodable:
        yield (
            f"{plural(flaws.undecodable, 'character')} could not be decoded "
            "(U+FFFD); give the encoding of the file."
        )


def _fate(count: int, separator: str | None) -> str:
    """What happens to rows without a label."""
    if separator is None:
        return "it is left out" if count == 1 else "they are left out"
    return (
        "it stays, as a row of no class"
        if count == 1
        else ("they stay, as rows of no class")
    )


def have(count: int) -> str:
    """The verb behind a number of rows.

    Example:
    >>> have(1), have(2)
    ('has', 'have')
    """
    return "has" if count == 1 else "have"


def _verb(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb


def share(count: int, rows: int) -> str:
    """A number of rows, and how many of all that is.

    Example:
    >>> share(2, 40)
    '2 rows (5.0%)'
    """
    return f"{plural(count)} ({count / max(rows, 1):.1%})"


def few(names: Sequence[str]) -> str:
    """Names for a message, the first of them.

    Example:
    >>> few(["pos", "neg"])
    "'pos', 'neg'"
    """
    rest = len(names) - _SHOWN
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (f" and {rest:,} more" if rest > 0 else "")
