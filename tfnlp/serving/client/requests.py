"""Converts Python values to the input tensors of a signature, one per field."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.tagging import sentences
from tfnlp.errors import RequestError

Fields = dict[str, tf.TensorSpec]
_KINDS = {tf.string: "text", tf.bool: "true or false"}


def tensor(name: str, values: Sequence[Any], spec: tf.TensorSpec) -> tf.Tensor:
    """Converts one column to the tensor of a field; types are checked, not coerced.

    Args:
        name: the field; one of `sentences.LISTED` may hold lists of words.
        values: one per row; lists, if the field has more than one dimension.
        spec: of the field.

    Raises:
        RequestError: a value has the wrong type or shape.

    Example:
    >>> tensor("tokens", [["Ann", "left"]], tf.TensorSpec([None], tf.string)).numpy()
    array([b'Ann left'], dtype=object)
    >>> tensor("sizes", [[1, 2]], tf.TensorSpec([None, 2], tf.int32)).numpy()
    array([[1, 2]], dtype=int32)
    """
    if holds_lists(spec):
        values = [_listed(value) for value in values]
    elif name in sentences.LISTED:
        values = [_joined(value) for value in values]
    if spec.dtype.is_integer and not all(_fits(v, spec) for v in values):
        raise _wrong_type(name, values, spec)  # TensorFlow wraps and rounds
    try:
        found = tf.constant([_encoded(value) for value in values], dtype=spec.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong_type(name, values, spec) from error
    if not spec.shape.is_compatible_with(found.shape):
        raise _wrong_type(name, values, spec)
    return found


def holds_lists(spec: tf.TensorSpec) -> bool:
    """Whether a field holds a list per row, not one value.

    Example:
    >>> holds_lists(tf.TensorSpec([None, 2], tf.int32))
    True
    """
    return (spec.shape.rank or 0) > 1


def shape_of(value: Any) -> tuple[int, ...]:
    """Shape of nested lists, taken from the first element of each.

    Example:
    >>> shape_of([[1, 2, 3], [4, 5, 6]]), shape_of("text")
    ((2, 3), ())
    """
    sizes: list[int] = []
    while isinstance(value, list | tuple):
        sizes.append(len(value))
        value = value[0] if value else None
    return (*sizes, *np.shape(value)) if isinstance(value, np.ndarray) else (*sizes,)


def short(value: Any) -> str:
    """The repr of a value, truncated to fit into a message.

    Example:
    >>> len(short("x" * 100))
    60
    """
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wrong_type(name: str, values: Sequence[Any], spec: tf.TensorSpec) -> RequestError:
    whole = "whole numbers" if spec.dtype.is_integer else "numbers"
    wanted = _KINDS.get(spec.dtype, whole)
    if holds_lists(spec):
        sizes = ", ".join("any" if n is None else str(n) for n in spec.shape[1:])
        wanted = f"lists of {wanted}, of the shape [{sizes}] in a row"
    elif name in sentences.LISTED:
        wanted = f"{wanted} or a list of words"
    odd = [value for value in values if not _fits(value, spec)]
    received = short(odd[0] if odd else values)
    return RequestError(f"The field {name!r} holds {wanted}. Received: {received}.")


def _fits(value: Any, spec: tf.TensorSpec) -> bool:
    """Whether a value has the type and shape of the field."""
    if holds_lists(spec):
        shape = shape_of(value)
        whole = spec.shape[1:].is_compatible_with(shape) and _is_even(value, shape)
        return whole and all(_is_of(leaf, spec.dtype) for leaf in _leaves(value))
    return _is_of(value, spec.dtype)


def _is_of(value: Any, dtype: tf.DType) -> bool:
    if dtype == tf.string:
        return isinstance(value, str | bytes)
    if dtype == tf.bool:
        return isinstance(value, bool | np.bool_)
    if dtype.is_integer:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        return whole and dtype.min <= value <= dtype.max
    return isinstance(value, int | float)


def _is_even(value: Any, shape: Sequence[int]) -> bool:
    """Whether nested lists are rectangular."""
    if not shape:
        return not isinstance(value, list)
    listed = isinstance(value, list) and len(value) == shape[0]
    return listed and all(_is_even(each, shape[1:]) for each in value)


def _leaves(value: Any) -> Iterator[Any]:
    """The values of nested lists."""
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _listed(value: Any) -> Any:
    """Tuples and arrays as nested lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value


def _encoded(value: Any) -> Any:
    """Text as UTF-8, also in lists; a lone surrogate becomes "?"."""
    if isinstance(value, list):
        return [_encoded(each) for each in value]
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def _joined(value: Any) -> Any:
    """A list of words joined with spaces; anything else unchanged."""
    listed = isinstance(value, list | tuple | np.ndarray)
    whole = listed and all(isinstance(word, str) for word in value)
    return sentences.join(value) if whole else value
