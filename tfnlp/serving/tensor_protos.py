"""Tensors as gRPC carries them, to arrays and back; nothing larger than was sent."""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tfnlp.serving.refusals import Refusal, invalid

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
MOST_REPEATED = 1 << 20
"""Elements that a tensor with a single value may stand for."""


def array(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """A field of a request as an array; strings as bytes.

    Raises:
        Refusal: its values do not fill its shape, or it says one value for a shape of
            more than a million: a short message must not fill the memory.

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
    if not proto.tensor_content and count > max(len(values), MOST_REPEATED):
        raise invalid(
            f"input {name} has {len(values)} values for a shape of {count}: {sizes}"
        )
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(f"input {name}: {str(error).splitlines()[0]}") from error


def proto(column: np.ndarray) -> tensor_pb2.TensorProto:
    """An output as a message, its values in the field of its type as in TF Serving.

    Raises:
        Refusal: TF Serving has no field for the type.

    Example:
    >>> list(proto(np.float32([0.5])).float_val)
    [0.5]
    """
    dtype = tf.string if column.dtype == object else tf.dtypes.as_dtype(column.dtype)
    if dtype not in _VALUES:
        raise Refusal("UNIMPLEMENTED", f"outputs of type {dtype.name} are not sent")
    message = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in column.shape:
        message.tensor_shape.dim.add(size=size)
    getattr(message, _VALUES[dtype]).extend(column.ravel().tolist())
    return message
