"""Which words a file of vectors has, so that a vocabulary can know them.

Words that no training row has are still understood if they have a vector, but only
if they are in the vocabulary when `load_vectors` looks them up.
"""

from itertools import islice
from pathlib import Path

from tfnlp.text.vectors import files


def vector_words(path: str | Path, *, at_most: int | None = None) -> list[str]:
    """The words of a file of vectors, in its order: usually the commonest first.

    Args:
        path: a text file of vectors, or one packed with gzip.
        at_most: lines that are read.

    Raises:
        DataError: the file is missing, or holds no vectors.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "vectors.txt"
    >>> _ = path.write_text("film 1 2\\nplay 3 4\\n")
    >>> vector_words(path)
    ['film', 'play']
    """
    lines = islice(files.lines(Path(path)), at_most)
    return [line.token.decode("utf-8", "replace") for line in lines]
