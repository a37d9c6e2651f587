"""Rows into batches, before they are encoded: shuffled, and alike in length.

A batch is as long as its longest text, so texts of similar length belong together.
Length is that of the raw string in bytes: known before encoding, and close enough
to the number of tokens to save most of the padding. Only a field whose words are
joined already, see `tfnlp.data.tagging.sentences`, has its length in words.
"""

from collections.abc import Sequence

import tensorflow as tf

from tfnlp.data.rows import without_autotune
from tfnlp.data.tagging.sentences import LISTED
from tfnlp.specs import Rows

SHUFFLE = 50_000
"""Rows that are shuffled together: all rows of most sets."""

WINDOW = 50
"""Batches whose rows are sorted by length together."""


def batches(
    rows: Rows,
    *,
    batch_size: int,
    fields: Sequence[str],
    shuffle: int | None = SHUFFLE,
    seed: int = 0,
    bucket: bool = True,
) -> tf.data.Dataset:
    """Groups rows into batches that carry little padding, without losing one.

    Rows are reshuffled every epoch. Then the rows of every `WINDOW` batches are
    sorted by length and cut into batches, which come in random order: a row meets
    other rows of its length every epoch, and the order of lengths is random.

    Args:
        fields: the text fields whose lengths count, or a field that is a length.
        shuffle: rows to shuffle together, or None to keep the order of rows.
        seed: the same one gives the same batches.
        bucket: whether texts of similar length come together. Without it, and with
            `shuffle=None`, batches keep the order of rows, as evaluation needs.

    Returns:
        Dataset of dictionaries, each field of shape [batch_size], the last or one
        other batch smaller.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": "a" * length} for length in (1, 9, 2, 8, 1)])
    >>> found = batches(rows, batch_size=2, fields=["text"], shuffle=None)
    >>> sorted(tuple(batch["text"].numpy()) for batch in found)
    [(b'a', b'a'), (b'aa', b'aaaaaaaa'), (b'aaaaaaaaa',)]
    """
    count = _batches_of(rows, batch_size)
    if shuffle:
        rows = rows.shuffle(shuffle, seed=seed, reshuffle_each_iteration=True)
    if bucket:
        rows = _bucketed(rows, batch_size, fields, seed)
    else:
        rows = rows.batch(batch_size)
    if count is not None:
        rows = rows.apply(tf.data.experimental.assert_cardinality(count))
    return without_autotune(rows.prefetch(4))


def numbered(
    rows: Rows, *, batch_size: int, fields: Sequence[str], bucket: bool = True
) -> tf.data.Dataset:
    """Batches of one pass that carry little padding, with the places of their rows.

    Args:
        fields: the text fields whose lengths count, or a field that is a length.
        bucket: whether the rows of every `WINDOW` batches are sorted by length before
            they are cut into batches. Without it they stay in order.

    Returns:
        Dataset of places int64 [batch_size], counted from 0, and dictionaries as of
        `batches`.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": "a" * length} for length in (9, 1, 8, 2)])
    >>> found = numbered(rows, batch_size=2, fields=["text"])
    >>> [places.tolist() for places, _ in found.as_numpy_iterator()]
    [[1, 3], [2, 0]]
    """
    size = batch_size * WINDOW if bucket else batch_size

    @tf.autograph.experimental.do_not_convert
    def cut(number: tf.Tensor, window: dict[str, tf.Tensor]) -> tf.data.Dataset:
        order = tf.argsort(_sizes(window, fields if bucket else ()), stable=True)
        found = {name: tf.gather(column, order) for name, column in window.items()}
        places = number * size + tf.cast(order, tf.int64)
        return tf.data.Dataset.from_tensor_slices((places, found)).batch(batch_size)

    return without_autotune(rows.batch(size).enumerate().flat_map(cut).prefetch(2))


def _batches_of(rows: Rows, batch_size: int) -> int | None:
    """How many batches there will be, where the number of rows is known."""
    count = int(rows.cardinality())
    return None if count < 0 else -(-count // batch_size)


def _bucketed(
    rows: Rows, batch_size: int, fields: Sequence[str], seed: int
) -> tf.data.Dataset:
    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    windows = tf.data.Dataset.zip(rows.batch(batch_size * WINDOW), numbers)

    @tf.autograph.experimental.do_not_convert
    def cut(window: dict[str, tf.Tensor], number: tf.Tensor) -> tf.data.Dataset:
        ordered = tf.argsort(_sizes(window, fields), stable=True)
        count = (tf.size(ordered) + batch_size - 1) // batch_size
        places = tf.random.experimental.stateless_shuffle(
            tf.range(count), seed=tf.stack([number, seed])
        )

        def batch(place: tf.Tensor) -> dict[str, tf.Tensor]:
            chosen = ordered[place * batch_size : (place + 1) * batch_size]
            return {name: tf.gather(window[name], chosen) for name in window}

        return tf.data.Dataset.from_tensor_slices(places).map(batch)

    return windows.flat_map(cut)


def _sizes(rows: dict[str, tf.Tensor], fields: Sequence[str]) -> tf.Tensor:
    """How long rows are over some of their fields, of any rank: int32 [N]."""
    count = tf.shape(next(iter(rows.values())))[0]
    total = tf.zeros([count], tf.int32)
    for name in fields:
        lengths = tf.reshape(_lengths(name, rows[name]), [count, -1])
        total += tf.reduce_sum(tf.cast(lengths, tf.int32), axis=1)
    return total


def _lengths(field: str, texts: tf.Tensor) -> tf.Tensor:
    """How long texts are, in bytes; those of words, in words: int32 of their shape.

    A number is the length itself.
    """
    if texts.dtype != tf.string:
        return texts
    if field in LISTED:
        texts = tf.strings.regex_replace(texts, "[^ ]+", "")
    return tf.strings.length(texts)
