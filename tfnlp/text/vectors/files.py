"""Pretrained word vectors in text formats → one matrix for a vocabulary.

Reads GloVe (no header) and word2vec or fastText text (a header `count width`),
packed with gzip or not. The file is streamed; only rows of the vocabulary stay.
"""

import gzip
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from tfnlp.errors import DataError
from tfnlp.text.vocabulary import PADDING, Vocabulary

LOG = logging.getLogger("tfnlp")
_EXACT, _LOWER_CASED, _MISSING = 2, 1, 0
_SPREAD = 0.1


class Vectors(NamedTuple):
    """Vectors of a vocabulary, float32 [V, D], and the share of tokens found."""

    matrix: np.ndarray
    coverage: float


class _Line(NamedTuple):
    number: int
    token: bytes
    numbers: list[bytes]


def load_vectors(
    path: str | Path,
    vocabulary: Vocabulary,
    *,
    seed: int = 0,
    at_most: int | None = None,
) -> Vectors:
    """Reads the vectors of the tokens of a vocabulary.

    A token without a vector takes that of its lower-cased form; if there is none,
    it starts from small random numbers. The padding token is all zeros.

    Args:
        path: a text file of vectors, or one packed with gzip.
        seed: of the random rows.
        at_most: lines that are read, to see early whether the file can be; then
            none of them needs to be of the vocabulary.

    Raises:
        DataError: the file is missing, holds no vectors, or none of this
            vocabulary; rows differ in width.

    Example:
    >>> import tempfile, os
    >>> from tfnlp.text.vocabulary import SPECIAL
    >>> path = os.path.join(tempfile.mkdtemp(), "vectors.txt")
    >>> _ = Path(path).write_text("film 1 2\\nplay 3 4\\n")
    >>> vectors = load_vectors(path, Vocabulary(("Film",), special=SPECIAL))
    >>> vectors.matrix[[0, 2]].tolist(), vectors.coverage
    ([[0.0, 0.0], [1.0, 2.0]], 1.0)
    """
    path = Path(path)
    wanted = _wanted(vocabulary)
    entries = vocabulary.entries
    matrix: np.ndarray | None = None
    states = np.full(len(entries), _MISSING, np.int8)
    for line in islice(lines(path), at_most):
        if matrix is None:
            _numbers(line, path)  # The first is parsed in any case: is it a vector?
            matrix = _random(len(entries), len(line.numbers), seed)
        for place, state in wanted.get(line.token, ()):
            if states[place] < state:
                matrix[place] = _numbers(line, path)
                states[place] = state
    if matrix is None or not (at_most or states.any()):
        raise DataError(
            "A file of word vectors has a vector for some token of the vocabulary. "
            f"Received: {path}, which has none. Check its language and its format."
        )
    if entries[0] == PADDING:
        matrix[0] = 0.0
    found, own = np.count_nonzero(states), len(vocabulary.config()["tokens"])
    share = float(found / max(own, 1))
    if at_most is None:
        LOG.info(f"vectors: {found:,} of {own:,} entries found ({share:.0%})")
    return Vectors(matrix, share)


def _wanted(vocabulary: Vocabulary) -> dict[bytes, list[tuple[int, int]]]:
    """Every token worth reading: where it goes and how good the match is."""
    wanted: dict[bytes, list[tuple[int, int]]] = {}
    for place, token in enumerate(vocabulary.entries):
        wanted.setdefault(token.encode(), []).append((place, _EXACT))
        if token != token.lower():
            wanted.setdefault(token.lower().encode(), []).append((place, _LOWER_CASED))
    wanted.pop(PADDING.encode(), None)
    return wanted


def _random(rows: int, width: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(0.0, _SPREAD, (rows, width)).astype(np.float32)


def lines(path: Path) -> Iterator[_Line]:
    """The vectors of a file, a line each, without its header."""
    with _open(path) as file:
        width: int | None = None
        for number, raw in enumerate(file, start=1):
            line = raw.rstrip(b" \t\r\n").replace(b"\t", b" ")
            if number == 1 and _is_header(line):
                width = int(line.split()[1])
            elif line:
                width = width or line.count(b" ")
                yield _split(line, number, width, path)


def _open(path: Path) -> BinaryIO:
    if not path.is_file():
        raise DataError(
            "A file of word vectors must exist. "
            f"Received: {path}. Check the path; a relative one starts from here."
        )
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def _is_header(line: bytes) -> bool:
    parts = line.split()
    return len(parts) == 2 and all(part.isdigit() for part in parts)


def _split(line: bytes, number: int, width: int, path: Path) -> _Line:
    """Splits from the right: tokens may hold spaces, numbers cannot."""
    token, *numbers = line.rsplit(b" ", width)
    if len(numbers) != width or width == 0:
        raise _not_a_vector(path, number, f"{len(numbers)} numbers, not {width or 1}")
    return _Line(number, token, numbers)


def _numbers(line: _Line, path: Path) -> np.ndarray:
    try:
        return np.array(line.numbers, np.float32)
    except ValueError as error:
        raise _not_a_vector(path, line.number, str(error)) from error


def _not_a_vector(path: Path, number: int, reason: str) -> DataError:
    return DataError(
        "Every line of a file of word vectors is a token and its numbers, equally "
        f"many on each line. Received: line {number} of {path}: {reason}. "
        "Use GloVe, word2vec or fastText vectors in text format, not binary."
    )
