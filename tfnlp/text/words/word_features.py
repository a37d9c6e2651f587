"""Features of words for taggers: id, characters, casing, bigrams and gazetteers.

In graph, so that an artefact reads words as training did. Nothing here knows
where words come from (`tfnlp.text.words.word_offsets`) or what is made of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.saving import pack
from tfnlp.specs import TEXT, Rows, check_rows
from tfnlp.text import ops, splitters
from tfnlp.text.normalize import lower
from tfnlp.text.vectorizer.term_counts import most_common
from tfnlp.text.vocabulary import SPECIAL, Vocabulary
from tfnlp.text.words.bigrams import word_pairs
from tfnlp.text.words.gazetteers import Gazetteers
from tfnlp.text.words.word_offsets import spaced

CASES = (
    ("", r""),  # padding
    ("other", r"(?s).*"),
    ("upper first", r"(?s)\p{Lu}.*"),
    ("lower first", r"(?s)\p{Ll}.*"),
    ("with a digit", r"(?s).*\pN.*"),
    ("lower", r"\p{Ll}+"),
    ("upper", r"\p{Lu}+"),
    ("title", r"\p{Lu}\p{Ll}+"),
    ("number", r"[\pN.,:/-]*\pN[\pN.,:/-]*"),
    ("signs", r"[\pP\pS]+"),
)
"""Name and RE2 pattern of each casing; of several that fit, the last counts."""


class WordFeatures(tf.Module):
    """Turns words into numbers: int32 features of a network.

    A word that is not in the vocabulary has the id of its lower-cased form, and if
    that is not there either, the id 1 of unknown words.

    Args:
        vocabulary: words, without the special ones.
        characters: the vocabulary of characters; none for no such feature.
        casing: whether there is a feature of how words are cased.
        word_length: characters kept of a word; of longer ones, both ends.
        gazetteers: lists of phrases, if they are a feature.
        bigrams: the vocabulary of pairs of neighbours, see `word_pairs`; none
            for no such feature.
        seen: how many of the vocabulary, from its start, occur where it was learnt:
            the others are known by a vector only. None for all.

    Raises:
        DataError: the vocabulary is empty, or names a word twice.
        UsageError: word_length is below 2.

    Example:
    >>> words = WordFeatures(("film", "NATO"), characters=("f", "i"), word_length=4)
    >>> features = words(tf.ragged.constant([["Film", "nato"]]))
    >>> features["token_ids"].numpy(), features["casing_ids"].numpy()
    (array([[2, 1]], dtype=int32), array([[7, 5]], dtype=int32))
    >>> features["character_ids"].numpy().tolist()
    [[[1, 3, 1, 1], [1, 1, 1, 1]]]
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        characters: Sequence[str] = (),
        casing: bool = True,
        word_length: int = 24,
        gazetteers: Gazetteers | None = None,
        bigrams: Sequence[str] = (),
        seen: int | None = None,
    ):
        super().__init__()
        if len(vocabulary) == 0:
            raise DataError(
                "A vocabulary needs at least one word. Received: none. "
                "Check that the sentences are not all empty, or lower min_frequency."
            )
        if word_length < 2:
            raise UsageError(
                "word_length is how many characters are kept of a word, 2 or more. "
                f"Received: {word_length}. 24 is usual."
            )
        self.vocabulary = Vocabulary(vocabulary, special=SPECIAL)
        self.characters = Vocabulary(characters, special=SPECIAL)
        self.casing, self.word_length = casing, word_length
        self.gazetteers = gazetteers
        self.bigrams = Vocabulary(bigrams, special=SPECIAL)
        self.seen = len(vocabulary) if seen is None else min(seen, len(vocabulary))

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        field: str = "tokens",
        vocabulary_size: int = 100_000,
        min_frequency: int = 1,
        more: Iterable[str] = (),
        characters: bool = True,
        casing: bool = True,
        word_length: int = 24,
        gazetteers: Gazetteers | None = None,
        bigrams: bool = False,
    ) -> Self:
        """Learns words, characters and bigrams.

        Args:
            rows: rows with words joined with single spaces.
            field: which field has the words.
            vocabulary_size: entries of the vocabulary at most, special ones included.
            min_frequency: words seen less often are left out.
            more: words to know besides, such as those that have a vector.
            characters: whether characters are a feature; those that occur twice.
            casing: whether casing is a feature.
            word_length: characters kept of a word.
            gazetteers: lists of phrases; see `load_gazetteers`.
            bigrams: whether pairs of neighbours are a feature; those that occur twice,
                `vocabulary_size` of them at most.

        Raises:
            DataError: there is no word to learn.
            SchemaError: the rows lack the field.

        Example:
        >>> rows = tf.data.Dataset.from_tensors({"tokens": "so good so"})
        >>> words = WordFeatures.from_rows(rows, more=["film", "so"])
        >>> words.vocabulary.entries, words.characters.entries[2:]
        (('', '[UNK]', 'so', 'good', 'film'), ('o', 's'))
        """
        columns = check_rows(rows, {field: TEXT}).batch(1024)
        joined = columns.map(lambda row: row[field])
        found = most_common(
            joined, spaced, size=vocabulary_size, min_frequency=min_frequency
        )
        found = [word for word in found if word not in SPECIAL]
        words = [word for word in dict.fromkeys([*found, *more]) if word not in SPECIAL]
        letters: list[str] = []
        if characters:
            letters = most_common(joined, _characters, size=5_000, min_frequency=2)
        neighbours: list[str] = []
        if bigrams:
            neighbours = most_common(
                joined, _bigrams, size=vocabulary_size, min_frequency=2
            )
        return cls(
            words[: vocabulary_size - len(SPECIAL)],
            characters=[letter for letter in letters if letter not in SPECIAL],
            casing=casing,
            word_length=word_length,
            gazetteers=gazetteers,
            bigrams=neighbours,
            seen=len(found),
        )

    @property
    def seen_size(self) -> int:
        """Number of ids of words that were seen, special ones included.

        Example:
        >>> words = WordFeatures(("film", "NATO"), seen=1)
        >>> words.seen_size, words.sizes["token_ids"]
        (3, 4)
        """
        return self.seen + len(SPECIAL)

    @property
    def sizes(self) -> dict[str, int]:
        """How many ids each feature has, by name.

        Example:
        >>> WordFeatures(("film",)).sizes
        {'token_ids': 3, 'casing_ids': 10}
        """
        sizes = {"token_ids": len(self.vocabulary)}
        if len(self.characters) > len(SPECIAL):
            sizes["character_ids"] = len(self.characters)
        if self.casing:
            sizes["casing_ids"] = len(CASES)
        if self.gazetteers is not None:
            sizes["gazetteer_ids"] = self.gazetteers.size
        if len(self.bigrams) > len(SPECIAL):
            sizes["pair_ids"] = len(self.bigrams)
        return sizes

    @tf.autograph.experimental.do_not_convert
    def __call__(self, words: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        """Encodes words, string [B, (T)]; a row without words has one unknown word.

        Returns:
            token_ids and padding_mask int32 [B, T], T at least 1; with characters
            character_ids int32 [B, T, L]; with casing casing_ids int32 [B, T]; with
            gazetteers gazetteer_ids int32 [B, T, G], see `Gazetteers`; with bigrams
            pair_ids int32 [B, T, 2].
        """
        lengths = tf.maximum(words.row_lengths(), 1)
        length = tf.maximum(tf.reduce_max(lengths), 1)
        mask = tf.sequence_mask(lengths, length)
        shape = tf.stack([-1, length])
        ids = words.with_flat_values(self._ids(words.flat_values)).to_tensor(
            shape=shape
        )
        unknown = self.vocabulary.unknown
        features = {
            "token_ids": tf.where(mask & (ids == 0), unknown, ids),
            "padding_mask": tf.cast(mask, tf.int32),
        }
        if "character_ids" in self.sizes:
            features["character_ids"] = self._character_ids(words, length)
        if self.casing:
            cases = words.with_flat_values(casing_ids(words.flat_values))
            features["casing_ids"] = cases.to_tensor(shape=shape)
        if self.gazetteers is not None:
            features["gazetteer_ids"] = self.gazetteers(words, length)
        if "pair_ids" in self.sizes:
            pairs = words.with_flat_values(self.bigrams.ids(word_pairs(words)))
            features["pair_ids"] = pairs.to_tensor(shape=tf.stack([-1, length, 2]))
        return features

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as JSON values."""
        return {
            "vocabulary": self.vocabulary.entries[2:],
            "characters": self.characters.entries[2:],
            "casing": self.casing,
            "word_length": self.word_length,
            "gazetteers": pack(self.gazetteers)
            if self.gazetteers is not None
            else None,
            "bigrams": self.bigrams.entries[2:],
            "seen": self.seen,
        }

    def _ids(self, words: tf.Tensor) -> tf.Tensor:
        """Ids of words [N], by their lower-cased form if they are unknown."""
        ids = self.vocabulary.ids(words)
        known = ids != self.vocabulary.unknown
        return tf.where(known, ids, self.vocabulary.ids(lower(words)))

    def _character_ids(self, words: tf.RaggedTensor, length: tf.Tensor) -> tf.Tensor:
        letters = splitters.characters(words.flat_values)  # [N, (L)]
        sizes = tf.gather(letters.row_lengths(), letters.value_rowids())
        places = tf.ragged.range(letters.row_lengths()).flat_values
        end = self.word_length // 2
        kept = (places < self.word_length - end) | (places >= sizes - end)
        letters = tf.ragged.boolean_mask(letters, letters.with_flat_values(kept))
        ids = letters.with_flat_values(self.characters.ids(letters.flat_values))
        size = tf.maximum(tf.reduce_max(ids.row_lengths()), 1)
        dense = ids.to_tensor(shape=tf.stack([-1, size]))  # [N, L]
        return words.with_flat_values(dense).to_tensor(
            shape=tf.stack([-1, length, size])
        )


@ops.primitive("casing_ids")
def casing_ids(words: tf.Tensor) -> tf.Tensor:
    """How words [N] are cased: the place in `CASES`, int32 [N].

    Example:
    >>> found = casing_ids(["EU", "John", "1996-08-22", "n't", "."])
    >>> [CASES[case][0] for case in found.numpy()]
    ['upper', 'title', 'number', 'lower first', 'signs']
    """
    words = tf.convert_to_tensor(words, tf.string)
    found = tf.ones(tf.shape(words), tf.int32)
    for place, (_, pattern) in enumerate(CASES[2:], start=2):
        found = tf.where(tf.strings.regex_full_match(words, pattern), place, found)
    return found


def _characters(joined: tf.Tensor) -> tf.RaggedTensor:
    """The characters of words joined with spaces, string [B, (N)]."""
    valid = tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8")
    return tf.strings.unicode_split(tf.strings.regex_replace(valid, " ", ""), "UTF-8")


def _bigrams(joined: tf.Tensor) -> tf.RaggedTensor:
    """The pairs of words joined with spaces, string [B, (N)]; each is there once."""
    words = spaced(joined)
    behind = words.with_flat_values(word_pairs(words)[:, 1])
    return behind[:, :-1]
