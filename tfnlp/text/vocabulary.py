"""Tokens ↔ ids, for words, labels and tags alike.

The whole state is a tuple of strings, kept in the configuration as JSON: no asset
file, and a token may hold any character, line breaks included. Nothing here knows
where tokens come from.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfnlp.errors import DataError
from tfnlp.text import ops

PADDING, UNKNOWN = "", "[UNK]"
SPECIAL = (PADDING, UNKNOWN)
"""What vocabularies of words begin with: ids 0 and 1."""


class Vocabulary(tf.Module):
    """An immutable list of distinct tokens that works in graph.

    Args:
        tokens: distinct strings, without the special ones.
        special: nothing for labels; `SPECIAL` for words. They come first, and with
            two of them the second is the answer for unknown tokens.

    Raises:
        DataError: a token occurs twice.

    Example:
    >>> labels = Vocabulary(("neg", "pos"))
    >>> labels.ids(["pos", "what?"]).numpy()
    array([ 1, -1], dtype=int32)
    >>> labels.tokens([0]).numpy()
    array([b'neg'], dtype=object)
    >>> words = Vocabulary(("film",), special=SPECIAL)
    >>> len(words), words.ids(["film", "what?"]).numpy().tolist()
    (3, [2, 1])
    """

    # Else saving looks for variables in every token, several times over.
    _TF_MODULE_IGNORED_PROPERTIES = tf.Module._TF_MODULE_IGNORED_PROPERTIES | {
        "_own",
        "_entries",
    }

    def __init__(self, tokens: Sequence[str], *, special: Sequence[str] = ()):
        super().__init__()
        self._special = tuple(special)
        # Not by "self._own =": TensorFlow would look at every token of a tuple.
        object.__setattr__(self, "_own", tuple(tokens))
        object.__setattr__(self, "_entries", self._special + self._own)
        self._known = frozenset(self._entries)
        _check_distinct(self._entries, self._known)
        with tf.device("CPU:0"):
            self._table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(self._entries or ("",), tf.string),
                    tf.range(len(self._entries)) if self._entries else [-1],
                ),
                default_value=self.unknown,
            )

    @property
    def entries(self) -> tuple[str, ...]:
        """Every token by its id, special ones included."""
        return self._entries

    @property
    def unknown(self) -> int:
        """The id of tokens that are not in the vocabulary: -1 if it has none."""
        return 1 if len(self._special) > 1 else -1

    @ops.primitive("look_up")
    def ids(self, tokens: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """Looks up strings of any shape: int32 of the same shape."""
        if not isinstance(tokens, tf.RaggedTensor):
            tokens = tf.convert_to_tensor(tokens, tf.string)
        return self._table.lookup(tokens)

    def tokens(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """Looks up ids of any shape: string of the same shape.

        Ids must be in [0, len).
        """
        return tf.gather(tf.constant(self._entries, tf.string), ids)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {"tokens": self._own, "special": self._special}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, token: object) -> bool:
        return token in self._known


def _check_distinct(entries: tuple[str, ...], known: frozenset[str]) -> None:
    if len(known) == len(entries):
        return
    token, count = Counter(entries).most_common(1)[0]
    raise DataError(
        "Every token of a vocabulary has one id. "
        f"Received: {token!r} {count} times. Remove the repetitions; "
        "the special tokens are added by themselves."
    )
