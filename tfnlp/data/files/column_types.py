"""Strings of files as the numbers that a task wants.

Readers make every value a string (`tfnlp.data.readers`); which of them are numbers,
the schema of a task says.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.rows import columns_of, without_autotune
from tfnlp.errors import DataError
from tfnlp.specs import Rows, Schema


def typed(rows: Rows, schema: Schema) -> Rows:
    """Turns strings into numbers in the fields for which the schema has numbers.

    All other fields, and those that hold numbers already, stay as they are. Where
    something is turned, all rows are held in memory.

    Raises:
        DataError: a string is no such number.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> from tfnlp.specs import NUMBER
    >>> rows = typed(from_list([{"text": "a", "stars": "4.5"}]), {"stars": NUMBER})
    >>> next(rows.as_numpy_iterator())["stars"].item()
    4.5
    """
    strings = [k for k, spec in rows.element_spec.items() if spec.dtype == tf.string]
    wanted = {
        name: spec.dtype
        for name, spec in schema.items()
        if name in strings and (spec.dtype.is_integer or spec.dtype.is_floating)
    }
    if not wanted:
        return rows
    columns = columns_of(rows)
    for name, dtype in wanted.items():
        columns[name] = np.array(
            [
                _number(value, dtype, name, k)
                for k, value in enumerate(columns[name], 1)
            ],
            dtype.as_numpy_dtype,
        )
    return without_autotune(tf.data.Dataset.from_tensor_slices(columns))


def _number(value: bytes, dtype: tf.DType, name: str, row: int) -> Any:
    try:
        number = int(value) if dtype.is_integer else float(value)
    except ValueError:
        number = math.nan
    if dtype.min <= number <= dtype.max:
        return number
    whole = "whole numbers" if dtype.is_integer else "numbers"
    raise DataError(
        f"The field {name!r} holds {whole}. Received in row {row}: "
        f"{value.decode('utf-8', 'replace')[:60]!r}. Correct that row."
    )
