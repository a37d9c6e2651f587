"""Requests as a signature takes them: values of Python in, one tensor a field out."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data import sentences
from tfnlp.errors import RequestError

Fields = dict[str, tf.TensorSpec]


def tensor(name: str, values: Sequence[Any], spec: tf.TensorSpec) -> tf.Tensor:
    """A column as the signature takes it; text is text, and a number is none.

    Args:
        name: the field; one of `sentences.LISTED` may hold lists of words.
        values: one a row.
        spec: of the field.

    Raises:
        RequestError: a value is of another type.

    Example:
    >>> tensor("tokens", [["Ann", "left"]], tf.TensorSpec([None], tf.string)).numpy()
    array([b'Ann left'], dtype=object)
    """
    if spec.dtype.is_integer and not all(_is_whole(v, spec.dtype) for v in values):
        raise _wrong_type(name, values, spec.dtype)  # TensorFlow wraps and rounds
    try:
        found = tf.constant(_encoded(name, values), dtype=spec.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong_type(name, values, spec.dtype) from error
    if not spec.shape.is_compatible_with(found.shape):
        raise _wrong_type(name, values, spec.dtype)
    return found


def short(value: Any) -> str:
    """A value as Python writes it, cut to what fits into a message.

    Example:
    >>> len(short("x" * 100))
    60
    """
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wrong_type(name: str, values: Sequence[Any], dtype: tf.DType) -> RequestError:
    if dtype == tf.string:
        wanted = "text or a list of words" if name in sentences.LISTED else "text"
        odd = [value for value in values if not isinstance(value, str | bytes)]
    elif dtype.is_integer:
        wanted = "whole numbers"
        odd = [value for value in values if not _is_whole(value, dtype)]
    else:
        wanted = "numbers"
        odd = [value for value in values if not isinstance(value, int | float)]
    received = short(odd[0] if odd else values)
    return RequestError(f"The field {name!r} holds {wanted}. Received: {received}.")


def _is_whole(value: Any, dtype: tf.DType) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and dtype.min <= value <= dtype.max


def _encoded(name: str, values: Iterable[Any]) -> list[Any]:
    """Text as UTF-8; a lone surrogate becomes a question mark."""
    if name in sentences.LISTED:
        values = map(_joined, values)
    return [
        value.encode("utf-8", "replace") if isinstance(value, str) else value
        for value in values
    ]


def _joined(value: Any) -> Any:
    """Words as rows carry them; anything else as it is."""
    listed = isinstance(value, list | tuple | np.ndarray)
    whole = listed and all(isinstance(word, str) for word in value)
    return sentences.join(value) if whole else value
