"""Tensors as gRPC carries them, to arrays and back; nothing larger than was sent."""

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
MOST_REPEATED = 8 << 20
"""Bytes that a tensor with a single value may stand for."""


def array(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """A field of a request as an array; strings as bytes.

    Raises:
        Refusal: its values do not fill its shape, or it says one value for a shape
            that would take `MOST_REPEATED`: a short message must not fill the memory.

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
    if not proto.tensor_content and _repeated(values, count) > MOST_REPEATED:
        raise invalid(
            f"input {name} has {len(values)} values for a shape of {count}: {sizes}"
        )
    try:
        return tf.make_ndarray(proto)
    except (LookupError, TypeError, ValueError) as error:
        raise invalid(f"input {name}: {str(error).splitlines()[0]}") from error


def proto(column: np.ndarray) -> tensor_pb2.TensorProto:
    """An output as a message, its values in the field of its type as in TF Serving.

    Types that are rare, such as float16, come as bytes; every client reads both.

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
    """Bytes of what is filled up, with the last value or with zeros."""
    last = values[-1] if values else 0
    size = max(8, len(last) if isinstance(last, bytes) else 0)
    return max(0, count - len(values)) * size
