"""Schemas: the fields of rows, requests and signatures, written once.

The same dictionary is the check on rows, the signature of a SavedModel and the
contract that a client reads. Nothing here knows a task.

Shapes in this package are written with one letter a dimension: B rows of a
batch, T tokens, D width of a vector, C classes, V entries of a vocabulary,
H attention heads.
"""

from collections.abc import Iterable
from typing import TypeAlias

import tensorflow as tf

from tfnlp.errors import SchemaError, nearest

Schema = dict[str, tf.TensorSpec]
Rows: TypeAlias = tf.data.Dataset
"""A dataset whose elements are rows: flat dictionaries of scalars, not batched."""

TEXT = tf.TensorSpec([None], tf.string)
NUMBER = tf.TensorSpec([None], tf.float32)
PLACE = tf.TensorSpec([None], tf.int32)
"""A position in a text or among its words, counted from 0."""
IMAGE = tf.TensorSpec([None], tf.string)
"""Encoded bytes of a picture (PNG, JPEG), one scalar a row."""
REFERENCES = "\x1e"
"""Joins the references of a row that has several, as ASCII's record separator."""


def check_rows(rows: Rows, schema: Schema) -> Rows:
    """Selects the fields of a schema, and checks that rows have them.

    Args:
        rows: dataset of rows, not batched.
        schema: the fields that are needed, batch dimension included.

    Raises:
        SchemaError: a field is missing or has another type.

    Example:
    >>> rows = tf.data.Dataset.from_tensors({"text": "a film", "id": 7})
    >>> list(check_rows(rows, {"text": TEXT}).element_spec)
    ['text']
    """
    check_fields(rows, schema)
    for name, wanted in schema.items():
        _check_type(name, wanted, rows.element_spec[name])
    return rows.map(lambda row: {name: row[name] for name in schema})


def check_fields(rows: Rows, names: Iterable[str]) -> None:
    """Checks that rows have the fields.

    Raises:
        SchemaError: a field is missing.

    Example:
    >>> check_fields(tf.data.Dataset.from_tensors({"text": "a film"}), ["text"])
    """
    spec = rows.element_spec
    if not isinstance(spec, dict):
        raise SchemaError(
            f"Rows are dictionaries of scalars. Received: elements of type {spec}. "
            "Map each element to a dictionary, for example {'text': element}."
        )
    for name in names:
        if name not in spec:
            raise SchemaError(
                f"Row has no field {name!r}. Received columns: {', '.join(spec)}."
                f"{nearest(name, spec)} "
                f"Rename one with columns={{{name!r}: '{next(iter(spec), 'column')}'}}."
            )


def text_fields(schema: Schema) -> tuple[str, ...]:
    """The fields that hold strings; rows are bucketed by their lengths.

    Example:
    >>> text_fields({"first": TEXT, "similarity": NUMBER})
    ('first',)
    """
    return tuple(name for name, spec in schema.items() if spec.dtype == tf.string)


def _check_type(name: str, wanted: tf.TensorSpec, received: tf.TensorSpec) -> None:
    if received.dtype != wanted.dtype or received.shape.rank != wanted.shape.rank - 1:
        raise SchemaError(
            f"Field {name!r} of a row must be a scalar of type {wanted.dtype.name}. "
            f"Received: {received}. Convert it with rows.map(...)."
        )
