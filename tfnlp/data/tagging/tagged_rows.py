"""Rows of tagged sentences: put into one scheme, repaired, and looked over.

Works on the rows of any source (see `tfnlp.data.tagging.sentences` for their form).
Gold tags are written by people, so all rows are held in memory while they change.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfnlp.data.audit.findings import plural
from tfnlp.data.rows import columns_of, without_autotune
from tfnlp.data.tagging import scheme_detection, schemes
from tfnlp.data.tagging.sentences import split
from tfnlp.errors import DataError
from tfnlp.specs import TEXT, Rows, check_rows

SHOWN = 10
"""Repairs that a survey shows, and words of a sentence in a message."""
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
"""Characters that cannot be seen; joiners among them belong to some scripts."""

_NEARLY = re.compile("[bi][-_].+|[BI]_.+|.+[-_][BI]", re.DOTALL)
_DELETED = dict.fromkeys(map(ord, ZERO_WIDTH))


@dataclass(frozen=True)
class Survey:
    """What was found in the tags and words of rows.

    Args:
        rows: how many sentences there are.
        tokens: how many words they have.
        empty: how many sentences have none.
        scheme: of the tags; None if they are plain.
        tags: tag → how often it occurs, the commonest first.
        repairs: `I-PER → B-PER` → how often a tag would be changed so.
        examples: the first repairs: row number, word, tag, tag written instead.
        zero_width: how many words hold a character of zero width.
        invisible: how many words hold nothing else.
    """

    rows: int
    tokens: int
    empty: int
    scheme: str | None
    tags: dict[str, int]
    repairs: dict[str, int]
    examples: tuple[tuple[int, str, str, str], ...]
    zero_width: int
    invisible: int

    @property
    def types(self) -> tuple[str, ...]:
        """The types of span that occur, sorted; none where tags are plain."""
        if self.scheme is None:
            return ()
        kinds = {schemes.parse(tag) for tag in self.tags}
        return tuple(sorted({type for role, type in kinds if role != "O"}))

    def messages(self) -> Iterator[str]:
        """What whoever trains on the rows should know, a sentence each."""
        if self.empty:
            yield f"{self.empty:,} of {self.rows:,} sentences have no words."
        if self.repairs:
            total = sum(self.repairs.values())
            shown = [f"{n:,} × {change}" for change, n in self.repairs.items()][:SHOWN]
            fit = "tag does not fit" if total == 1 else "tags do not fit"
            yield (
                f"{total:,} {fit} {self.scheme}: {', '.join(shown)}; "
                f"{self._first_repair()}."
            )
        if self.scheme is None and (odd := self._nearly_of_a_scheme()):
            yield (
                f"tags look like a scheme but spell no spans, such as {odd!r}: a span "
                "is written B-PER, I-PER and O, the type behind a hyphen."
            )
        if self.rows > 2 and self.tokens == self.rows and not self.empty:
            yield (
                "every sentence has one word. A table or JSON has a whole sentence a "
                "row; files with a word a line have empty lines between sentences."
            )
        if self.zero_width:
            yield (
                f"{self.zero_width:,} words hold characters of zero width, "
                f"{self.invisible:,} of them nothing else."
            )

    def _first_repair(self) -> str:
        row, word, was, _ = self.examples[0]
        return f"the first is {was} of {word!r} in sentence {row:,}"

    def _nearly_of_a_scheme(self) -> str | None:
        """The first of the tags, if most are written almost like those of spans."""
        every = [tag for tag in self.tags if tag.upper() != schemes.OUTSIDE]
        odd = [tag for tag in every if _NEARLY.fullmatch(tag)]
        return odd[0] if 2 * len(odd) > len(every) else None


def survey(rows: Rows) -> Survey:
    """Looks over rows with `tokens` and `tags`.

    Raises:
        DataError: a sentence has not as many tags as words, or the tags are of two
            schemes.
        SchemaError: rows have no words or no tags, or these are not joined.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> found = survey(from_list([{"tokens": "Ann left", "tags": "B-PER O"},
    ...                           {"tokens": "to Rome", "tags": "O I-LOC"}]))
    >>> found.scheme, found.types, found.repairs
    ('BIO', ('LOC', 'PER'), {'I-LOC → B-LOC': 1})
    """
    columns = _strings(rows, ("tokens", "tags"))
    words = [split(joined) for joined in columns["tokens"]]
    tags = [split(joined) for joined in columns["tags"]]
    _check_even(words, tags)
    return survey_of(list(zip(words, tags, strict=True)))


def survey_of(sentences: Sequence[tuple[list[str], list[str]]]) -> Survey:
    """Looks over sentences, each as many words and tags.

    Raises:
        DataError: the tags are of two schemes.

    Example:
    >>> survey_of([(["Rome", "for", "Ann"], ["I-LOC", "O", "B-PER"])]).examples
    ((1, 'Rome', 'I-LOC', 'B-LOC'),)
    """
    words = [some for some, _ in sentences]
    tags = [others for _, others in sentences]
    scheme = scheme_detection.detect(tags)
    changes = list(_changes(words, tags, scheme))
    repairs = Counter(f"{was} → {now}" for _, _, was, now in changes)
    hidden = [w for each in words for w in each if w.translate(_DELETED) != w]
    return Survey(
        rows=len(words),
        tokens=sum(map(len, words)),
        empty=sum(not each for each in words),
        scheme=scheme,
        tags=dict(Counter(tag for each in tags for tag in each).most_common()),
        repairs=dict(repairs.most_common()),
        examples=tuple(changes[:SHOWN]),
        zero_width=len(hidden),
        invisible=sum(not word.translate(_DELETED) for word in hidden),
    )


def in_scheme(rows: Rows, scheme: str, *, field: str = "tags") -> Rows:
    """Writes the tags of all rows in one scheme; tags that do not fit are repaired.

    Plain tags, as for POS, stay as they are. What is repaired, `survey` says.

    Args:
        scheme: one of `schemes.SCHEMES`.
        field: which field has the tags.

    Raises:
        DataError: the tags are of two schemes.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"tokens": "New York", "tags": "B-LOC I-LOC"}])
    >>> [row["tags"] for row in in_scheme(rows, "BIOES").as_numpy_iterator()]
    [b'B-LOC E-LOC']
    """
    name = schemes.known(scheme)
    columns = columns_of(rows)
    tags = [split(joined.decode()) for joined in columns[field]]
    if scheme_detection.detect(tags) is None:
        return rows
    written = [" ".join(schemes.convert(each, name)).encode() for each in tags]
    columns[field] = np.array(written, dtype=object)
    return without_autotune(tf.data.Dataset.from_tensor_slices(columns))


def _changes(
    words: Sequence[list[str]], tags: Sequence[list[str]], scheme: str | None
) -> Iterator[tuple[int, str, str, str]]:
    if scheme is None:
        return
    for number, each in enumerate(tags, start=1):
        for place, was, now in schemes.repair(each, scheme).changes:
            yield number, words[number - 1][place], was, now


def _strings(rows: Rows, fields: Sequence[str]) -> dict[str, list[str]]:
    columns = columns_of(check_rows(rows, dict.fromkeys(fields, TEXT)))
    return {
        name: [value.decode("utf-8", "replace") for value in columns[name]]
        for name in fields
    }


def _check_even(words: Sequence[list[str]], tags: Sequence[list[str]]) -> None:
    for number, (some, others) in enumerate(zip(words, tags, strict=True), start=1):
        if len(some) != len(others):
            raise DataError(
                f"Each word has one tag. Received: row {number} with "
                f"{plural(len(some), 'word')} and {plural(len(others), 'tag')}: "
                f"{' '.join(some[:SHOWN])!r}. Correct it; "
                "words and tags are joined with single spaces."
            )
