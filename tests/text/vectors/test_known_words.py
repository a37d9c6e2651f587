"""The words of a file of vectors."""

import gzip

import pytest

from tfnlp.errors import DataError
from tfnlp.text.vectors.known_words import vector_words


def test_words_come_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress("2 2\nthe 1 2\né 3 4\n".encode()))
    assert vector_words(path) == ["the", "é"]
    assert vector_words(path, at_most=1) == ["the"]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        vector_words(tmp_path / "none.txt")
