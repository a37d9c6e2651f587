"""JSON objects with a list of words and a list of tags each, a sentence an object.

``{"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}``: as data hubs export
them. Lists and texts that are joined already are read alike.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tfnlp.data.files.columns import Table, as_text
from tfnlp.data.tagging import sentences
from tfnlp.data.tagging.sentences import join

_LOOKED_AT = 1000


def listed(path: Path, *, encoding: str | None = None) -> Table:
    """Objects with a column for each key; the items of a list are joined by spaces.

    Raises:
        DataError: the file is empty or no text; when records are read also: a line
            is no JSON object.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.jsonl"
    >>> _ = path.write_text('{"tokens": ["Ann", "left"], "tags": ["B-PER", "O"]}')
    >>> next(listed(path).records())
    ['Ann left', 'B-PER O']
    """
    encoding = sentences.encoding_of(path, encoding)
    looked_at = islice(sentences.objects(path, encoding), _LOOKED_AT)
    names = list(dict.fromkeys(key for _, found in looked_at for key in found))

    def records() -> Iterator[list[str]]:
        for _, found in sentences.objects(path, encoding):
            yield [_joined(found.get(name)) for name in names]

    return sentences.table(path, names, records)


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return join([as_text(item) for item in value])
    return as_text(value)
