"""Text columns of rows as batches of strings. Nothing here knows a vocabulary."""

from collections.abc import Iterable

import tensorflow as tf

from tfnlp.specs import TEXT, Rows, check_rows

_BATCH = 1024


def text_batches(rows: Rows, fields: Iterable[str]) -> tf.data.Dataset:
    """The text columns of rows as batches of string [B], those of a batch in turn.

    Args:
        rows: dataset of rows, not batched.
        fields: the text columns.

    Raises:
        SchemaError: the rows lack a field.

    Example:
    >>> rows = tf.data.Dataset.from_tensors({"first": "a film", "second": "a play"})
    >>> list(text_batches(rows, ["first", "second"]).as_numpy_iterator())
    [array([b'a film', b'a play'], dtype=object)]
    """
    fields = tuple(fields)
    options = tf.data.Options()
    options.autotune.enabled = False

    def joined(columns: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.concat([columns[field] for field in fields], axis=0)

    schema = dict.fromkeys(fields, TEXT)
    return check_rows(rows, schema).batch(_BATCH).map(joined).with_options(options)


def as_rows(texts: Iterable[str]) -> Rows:
    """Strings as rows with the one field ``text``.

    Example:
    >>> as_rows(["a film"]).element_spec
    {'text': TensorSpec(shape=(), dtype=tf.string, name=None)}
    """
    column = tf.constant(list(texts), tf.string)
    return tf.data.Dataset.from_tensor_slices({"text": column})
