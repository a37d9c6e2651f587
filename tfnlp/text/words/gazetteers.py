"""Lists of phrases by type, found in sentences: cities, firms, first names.

In graph, so that an artefact finds what training found. Sentence and phrase are
compared piece by piece: runs of letters and digits, every other sign and every
character of alphabets without spaces by itself. So it does not matter whether a
corpus writes `St. John 's` or a splitter `St . John's`. Files of phrases are read
by `tfnlp.text.words.gazetteer_files`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.text import joining, ops
from tfnlp.text.normalize import standardizer, whitespace
from tfnlp.text.splitters import UNSPACED
from tfnlp.text.vocabulary import Vocabulary

POSITIONS = ("begin", "inside", "end", "single")
"""Where a word can stand in a phrase, in the order of ids."""

# What is compared, for other runtimes as well.
STANDARD = ("typography", "nfkc", "invisible")
"""How words are standardised; they are lower-cased besides if that does not matter."""
PIECES = rf"{UNSPACED}|[^\pL\pM\pN\s]"
"""RE2 pattern of signs and characters that are compared by themselves."""

_BEGIN, _INSIDE, _END, _SINGLE = range(1, 5)


class Gazetteers(tf.Module):
    """Says of every word and type whether it is in a phrase, and where.

    A word that is in several phrases of a type counts for the longest, and of equally
    long ones for the leftmost.

    Args:
        types: distinct names of the lists.
        phrases: the phrases of each type, in the order of the types.
        cased: whether upper and lower case differ.
        longest: words of a sentence that one phrase can be found in.

    Raises:
        DataError: there is no type, a type occurs twice or has no phrase.
        UsageError: longest is not positive, or there are not as many lists as types.

    Example:
    >>> lists = Gazetteers(("city", "state"), (("New York", "York"), ("new york",)))
    >>> lists(tf.ragged.constant([["in", "New", "York"], ["York", "!"]])).numpy()
    array([[[0, 0],
            [1, 5],
            [3, 7]],
    <BLANKLINE>
           [[4, 0],
            [0, 0],
            [0, 0]]], dtype=int32)
    """

    # Else saving looks for variables in every phrase, several times over.
    _TF_MODULE_IGNORED_PROPERTIES = tf.Module._TF_MODULE_IGNORED_PROPERTIES | {
        "_phrases"
    }

    def __init__(
        self,
        types: Sequence[str],
        phrases: Sequence[Sequence[str]],
        *,
        cased: bool = False,
        longest: int = 8,
    ):
        super().__init__()
        if longest < 1 or len(types) != len(phrases):
            raise UsageError(
                "Gazetteers have a list of phrases for each type, and phrases have "
                f"1 word or more. Received: {len(types)} types, {len(phrases)} lists, "
                f"longest={longest}. Read them with load_gazetteers, for example."
            )
        self.types, self.cased, self.longest = tuple(types), cased, longest
        self._phrases = tuple(tuple(some) for some in phrases)
        _check_types(self.types)
        found: dict[str, set[int]] = {}
        for number, name in enumerate(self.types):
            for key in self._keys_of(name, self._phrases[number]):
                found.setdefault(key, set()).add(number)
        self._known = Vocabulary(tuple(found))
        self._members = _members(list(found.values()), len(self.types))
        pieces = max(key.count(" ") + 1 for key in found)
        self._most = min(longest, pieces)

    @property
    def size(self) -> int:
        """How many ids there are: 0, and one for each type and position.

        Example:
        >>> Gazetteers(("city", "state"), (("Rome",), ("Utah",))).size
        9
        """
        return 1 + len(POSITIONS) * len(self.types)

    @tf.autograph.experimental.do_not_convert
    def __call__(
        self, words: tf.RaggedTensor, length: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Looks for the phrases in words, string [B, (T)].

        Args:
            length: T of what is returned; by default that of the longest row.

        Returns:
            int32 [B, T, G], G types: 0 for a word in no phrase of the type and for
            padding, else `1 + 4 · type + place in POSITIONS`.
        """
        shape = None if length is None else tf.stack([-1, length])
        keys = words.with_flat_values(self._keys(words.flat_values))
        pieces = keys.to_tensor(shape=shape)  # [B, T], "" at the padding
        ids = tf.zeros([*tf.unstack(tf.shape(pieces)), len(self.types)], tf.int32)
        run = pieces
        for size in range(1, self._most + 1):
            if size > 1:  # With padding a run ends in a space, as no phrase does.
                run = joining.beside(run, _ahead(pieces, size - 1))
            begins = tf.gather(self._members, self._known.ids(run) + 1)  # [B, T, G]
            places = _places(begins, size)
            ids = tf.where(places > 0, places, ids)
        offsets = len(POSITIONS) * tf.range(len(self.types))
        return tf.where(ids > 0, ids + offsets, 0)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "types": self.types,
            "phrases": self._phrases,
            "cased": self.cased,
            "longest": self.longest,
        }

    @ops.primitive("gazetteer_keys")
    def _keys(self, texts: tf.Tensor) -> tf.Tensor:
        """What is compared of string [N]: pieces parted by single spaces."""
        names = STANDARD if self.cased else (*STANDARD, "lower")
        plain = standardizer(names)(texts)
        return whitespace(tf.strings.regex_replace(plain, PIECES, r" \0 "))

    def _keys_of(self, name: str, phrases: Sequence[str]) -> list[str]:
        keys = self._keys(tf.constant(phrases, tf.string, shape=[len(phrases)]))
        found = [key.decode() for key in keys.numpy() if key]
        if not found:
            raise DataError(
                f"Every type of a gazetteer has a phrase. Received: {name!r} with "
                "none that can be seen. Remove the type, or fill its list."
            )
        return found


def _check_types(types: tuple[str, ...]) -> None:
    if not types or len(set(types)) < len(types):
        raise DataError(
            "Gazetteers have one list or more, each of a type of its own. "
            f"Received types: {', '.join(types) or 'none'}. Give every list a name."
        )


def _members(sets: list[set[int]], types: int) -> np.ndarray:
    """Int32 [K + 1, G]: of which types a phrase is; the first row is for no phrase."""
    members = np.zeros([len(sets) + 1, types], np.int32)
    for row, numbers in enumerate(sets, start=1):
        members[row, list(numbers)] = 1
    return members


def _ahead(pieces: tf.Tensor, steps: int) -> tf.Tensor:
    """What stands some words further on in string [B, T]; "" behind the end."""
    filled = tf.fill([tf.shape(pieces)[0], steps], "")
    return tf.concat([pieces, filled], axis=1)[:, steps:]


def _places(begins: tf.Tensor, size: int) -> tf.Tensor:
    """Positions of words in phrases of `size` words that begin at 1 in [B, T, G]."""
    if size == 1:
        return begins * _SINGLE
    ends = _behind(begins, size - 1)
    running = tf.cumsum(begins, axis=1, exclusive=True)
    inside = running - _behind(running, size - 2)
    places = tf.where(inside > 0, _INSIDE, begins * _BEGIN)
    return tf.where(ends > 0, _END, places)  # the end of the one that began first


def _behind(numbers: tf.Tensor, steps: int) -> tf.Tensor:
    """What stands some words before in [B, T, G]; 0 before the beginning."""
    return tf.pad(numbers, [[0, 0], [steps, 0], [0, 0]])[:, : tf.shape(numbers)[1]]
