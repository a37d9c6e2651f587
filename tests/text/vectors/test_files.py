import gzip

import numpy as np
import pytest

from tfnlp.errors import DataError
from tfnlp.text.vectors.files import load_vectors
from tfnlp.text.vocabulary import SPECIAL, Vocabulary

WORDS = Vocabulary(("film", "Paris", "missing"), special=SPECIAL)


@pytest.fixture
def write(tmp_path):
    def write(content: bytes):
        path = tmp_path / "vectors.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        b"film 1 2\nparis 3 4\n",
        b"2 2\nfilm 1 2 \nparis 3 4 \n",
        b"film 1 2\r\nparis 3 4",
        gzip.compress(b"2 2\nfilm 1 2\nparis 3 4\n"),
    ],
    ids=["glove", "fasttext", "crlf", "gzip"],
)
def test_formats(write, content: bytes) -> None:
    matrix, coverage = load_vectors(write(content), WORDS)

    assert matrix[[0, 2, 3]].tolist() == [[0, 0], [1, 2], [3, 4]]
    assert matrix.dtype == np.float32 and coverage == pytest.approx(2 / 3)


def test_the_exact_form_wins_in_any_order(write) -> None:
    path = write(b"paris 3 4\nParis 5 6\nparis 7 8\n")

    assert load_vectors(path, WORDS).matrix[3].tolist() == [5, 6]


def test_missing_words_are_random_but_repeatable(write) -> None:
    path = write(b"film 1 2\n")

    first, second, third = (load_vectors(path, WORDS, seed=s).matrix for s in (1, 1, 2))

    assert first[4].any() and (first == second).all() and (first[4] != third[4]).any()


def test_tokens_may_hold_spaces(write) -> None:
    words = Vocabulary((". . .", "at name"))

    matrix = load_vectors(write(b"x 0 0\n. . . 1 2\nat name 3 4\n"), words).matrix

    assert matrix.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"film 1 2\nplay 3\n", "line 2 of .*: 1 numbers, not 2"),
        (b"film 1 2\nParis 3 x\n", "line 2 of .*could not convert"),
        (b"A plain text of words.\n", "line 1 of .*could not convert"),
        (b"word\n", "line 1 of .*: 0 numbers"),
        (b"", "which has none"),
        (b"other 1 2\n", "which has none"),
        (b"5 3\nfilm \x00\x01\x02", "line 2 of .*not binary"),
    ],
)
def test_a_file_without_vectors_is_an_error(
    write, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_vectors(write(content), WORDS)


def test_how_many_entries_were_found_is_logged(write, caplog) -> None:
    with caplog.at_level("INFO", logger="tfnlp"):
        load_vectors(write(b"film 1 2\nparis 3 4\n"), WORDS)

    assert caplog.messages == ["vectors: 2 of 3 entries found (67%)"]


def test_a_look_at_the_file_needs_no_known_word_and_logs_nothing(write, caplog) -> None:
    path = write(b"other 1 2\nand 3\n")

    with caplog.at_level("INFO", logger="tfnlp"):
        matrix, coverage = load_vectors(path, WORDS, at_most=1)

    assert (matrix.shape, coverage, caplog.messages) == ((5, 2), 0.0, [])


def test_a_look_at_a_file_of_something_else_is_an_error(write) -> None:
    with pytest.raises(DataError, match=r"line 1 of .*could not convert"):
        load_vectors(write(b"A plain text of words.\n"), WORDS, at_most=1)


def test_a_missing_file_is_an_error(tmp_path) -> None:
    with pytest.raises(DataError, match=r"must exist\. Received: .*nowhere"):
        load_vectors(tmp_path / "nowhere.txt", WORDS)


@pytest.mark.slow
def test_real_vectors(shared_data) -> None:
    path = next((shared_data / "glove_6b_50d_top50k").glob("*50d*"))

    vectors = load_vectors(path, Vocabulary(("the", "London"), special=SPECIAL))

    assert vectors.matrix.shape == (4, 50) and vectors.coverage == 1.0
