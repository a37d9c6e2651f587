"""Converts TensorProto messages to arrays and back, within a memory limit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tfnlp.serving.protocol.status import invalid

_VALUES = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}
MAX_REPEATED = 8 << 20
"""Maximum bytes that a TensorProto may expand to by repeating a value."""


def array(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Converts a TensorProto to an array; strings as bytes.

    Raises:
        StatusError: its values do not fill its shape, or it repeats a value to more
            than `MAX_REPEATED` bytes: a short message must not fill the memory.

    Example:
    >>> array("text", tf.make_tensor_proto(["fine"]))
    array([b'fine'], dtype=object)
    """
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
        values = getattr(proto, _VALUES.get(dtype, "tensor_content"))
    except (TypeError, AttributeError) as error:
        raise invalid(f"input {name} has the unknown type {proto.dtype}") from error
    sizes = [each.size for each in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        raise invalid(f"input {name} has no whole shape: {sizes}")
    count = int(np.prod(sizes, dtype=object))
    if not proto.tensor_content and _repeated(values, count) > MAX_REPEATED:
        raise invalid(
            f"input {name} has {len(values)} values for a shape of {count}: {sizes}"
        )
    try:
        return tf.make_ndarray(proto)
    except (LookupError, TypeError, ValueError) as error:
        raise invalid(f"input {name}: {str(error).splitlines()[0]}") from error


def proto(column: np.ndarray) -> tensor_pb2.TensorProto:
    """Converts an output to a TensorProto with typed values, as TF Serving does.

    Rare types such as float16 use `tensor_content`; every client reads both.

    Example:
    >>> list(proto(np.float32([0.5])).float_val)
    [0.5]
    """
    dtype = tf.string if column.dtype == object else tf.dtypes.as_dtype(column.dtype)
    if dtype not in _VALUES:
        return tf.make_tensor_proto(column)
    message = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in column.shape:
        message.tensor_shape.dim.add(size=size)
    getattr(message, _VALUES[dtype]).extend(column.ravel().tolist())
    return message


def _repeated(values: Sequence[Any], count: int) -> int:
    """Bytes that repeating the last value, or zero, would add."""
    last = values[-1] if values else 0
    size = max(8, len(last) if isinstance(last, bytes) else 0)
    return max(0, count - len(values)) * size
