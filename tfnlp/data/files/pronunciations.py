"""Pronunciations as CMUdict writes them: a word a line, and its phones behind it.

``abandon AH0 B AE1 N D AH0 N``, and ``word(2) …`` for another way to say the word;
what stands behind `` #`` is a comment. Knows no task.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tfnlp.data.files import encoding as encodings
from tfnlp.data.files.columns import Table
from tfnlp.data.tagging import sentences
from tfnlp.errors import DataError

NAMES = ("word", "letters", "phones", "stressed")
"""ColumnNames: the word, its letters with spaces between, its phones without and with
the digits that mark stress."""
ENDING = ".dict"

_VARIANT = re.compile(r"\(\d+\)$")
_COMMENT = re.compile(r"^;;;.*|(^|\s)#(\s.*|$)")
_STRESS = re.compile(r"(?<=[A-Z])\d\b")


def table(path: Path, *, encoding: str | None = None) -> Table:
    """A dictionary of pronunciations with the columns `NAMES`; a row each.

    Raises:
        DataError: the file is empty or no text; when records are read also: a line
            has a word without phones.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "my.dict"
    >>> _ = path.write_text("live L IH1 V\\nlive(2) L AY1 V # as in live music\\n")
    >>> [record[::2] for record in table(path).records()]
    [['live', 'L IH V'], ['live', 'L AY V']]
    """
    encoding = sentences.encoding_of(path, encoding)

    def records() -> Iterator[list[str]]:
        yield from entries(sentences.lines(path, encoding), str(path))

    return Table(str(path), NAMES, len(NAMES), records, encodings.is_small(path))


def entries(lines: Iterable[tuple[int, str]], where: str) -> Iterator[list[str]]:
    """The values of `NAMES` of each line; lines without any are skipped.

    Args:
        lines: numbered lines.
        where: what messages call their file.

    Raises:
        DataError: a line has a word without phones.

    Example:
    >>> list(entries([(1, "a(2) EY1")], "my.dict"))
    [['a', 'a', 'EY', 'EY1']]
    """
    for number, line in lines:
        word, *phones = _COMMENT.sub("", line).split() or [""]
        if not word:
            continue
        if not phones:
            raise DataError(
                "A line of a dictionary of pronunciations is a word and its phones: "
                f"'cat K AE1 T'. Received: {where}, line {number}: {line[:60]!r}. "
                "Correct it, or put `# ` before it."
            )
        word, stressed = _VARIANT.sub("", word), " ".join(phones)
        yield [word, " ".join(word), _STRESS.sub("", stressed), stressed]
