"""Request fields of an artefact's endpoints: texts, words, or further inputs.

Knows no task: an endpoint is a name and its fields, the default one comes first, and
the first that fits is taken. `row_streams` and `tfnlp.read` do the reading.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from tfnlp.data.tagging.sentences import LISTED
from tfnlp.errors import SchemaError, UsageError, nearest

Fields = Mapping[str, Any]
"""Field → what it holds, as a tensor's specification."""
Columns = dict[str, str]
Read = TypeVar("Read")


def with_fields(endpoints: Mapping[str, Fields], names: Collection[str]) -> Fields:
    """The fields of the first endpoint that has all the names, or of the default.

    Example:
    >>> with_fields({"a": {"text": 0}, "b": {"tokens": 0, "place": 0}}, ["tokens"])
    {'tokens': 0, 'place': 0}
    """
    return fitting(endpoints, names)[0]


def fitting(endpoints: Mapping[str, Fields], names: Collection[str]) -> list[Fields]:
    """The fields of every endpoint that has all the names; at least the default's."""
    found = [fields for fields in endpoints.values() if set(names) <= fields.keys()]
    return found or [next(iter(endpoints.values()))]


def select_endpoints(
    endpoints: Mapping[str, Fields], name: str | None
) -> Mapping[str, Fields]:
    """The endpoints that may answer: all, or the one that is named.

    Raises:
        UsageError: it does not exist.
    """
    if name is None:
        return endpoints
    if name not in endpoints:
        raise UsageError(
            f"--endpoint must be one of {', '.join(endpoints)}. Received: "
            f"{name!r}.{nearest(name, list(endpoints))}"
        )
    return {name: endpoints[name]}


def fields_named(words: Sequence[str]) -> list[str]:
    """The fields that ``--column FIELD=COLUMN`` names.

    Example:
    >>> fields_named(["text=title+body"])
    ['text']
    """
    return [word.partition("=")[0] for word in words]


def of_words(fields: Fields) -> bool:
    """Whether a request has tokenized words, not texts."""
    return bool(fields.keys() & set(LISTED))


def first_read(
    forms: Sequence[Fields],
    chosen: Sequence[str],
    read: Callable[[Columns], Read],
) -> tuple[Fields, Read]:
    """Reads a file by the first form of request whose columns it has.

    Args:
        forms: the fields of each.
        chosen: values of --column, as ``FIELD=COLUMN``.
        read: from columns to rows.

    Raises:
        SchemaError: it has none of them; the message is about the first.
    """
    error: SchemaError | None = None
    for fields in forms:
        try:
            return fields, read(columns(chosen, list(fields)))
        except SchemaError as caught:
            error = error or caught
    raise SchemaError(f"{error} Write it --column FIELD=COLUMN.") from error


def columns(words: Sequence[str], fields: Sequence[str]) -> Columns:
    """Field → column: its own name, or what ``--column`` says.

    Raises:
        UsageError: a word is not written FIELD=COLUMN, or names no field.

    Example:
    >>> columns(["second=3"], ["first", "second"])
    {'first': 'first', 'second': '3'}
    """
    found = {name: name for name in fields}
    for word in words:
        field, _, column = word.partition("=")
        if field not in found or not column:
            raise UsageError(
                f"--column is written FIELD=COLUMN, with one of {', '.join(fields)}. "
                f"Received: {word!r}.{nearest(field, fields)} "
                f"Example: --column {fields[0]}=review"
            )
        found[field] = column
    return found


def numbers(fields: Fields) -> dict[str, type]:
    """The fields that hold numbers, not text: float, or int where they are whole.

    Example:
    >>> import numpy as np
    >>> numbers({"place": np.zeros(1, np.int32)})
    {'place': <class 'int'>}
    """
    names = {name: spec.dtype.name for name, spec in fields.items() if spec is not None}
    return {
        name: int if "int" in dtype else float
        for name, dtype in names.items()
        if dtype != "string"
    }
