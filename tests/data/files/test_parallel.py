"""Parallel line files: where they lie, how they end, and what is wrong with them."""

import gzip

import pytest

from tfnlp.data.readers import read
from tfnlp.errors import DataError

COLUMNS = {"source": "en", "target": "de"}


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "train.en").write_text("a dog\ntwo dogs\n")
    (tmp_path / "train.de").write_text("ein Hund\nzwei Hunde\n")
    return tmp_path


def pairs(rows):
    return [(row["source"], row["target"]) for row in rows.as_numpy_iterator()]


@pytest.mark.parametrize("source", ["train", "train.en", "train.de"])
def test_files_are_named_by_their_start_or_by_one_of_them(corpus, source):
    found = pairs(read(corpus / source, COLUMNS))
    assert found == [(b"a dog", b"ein Hund"), (b"two dogs", b"zwei Hunde")]


def test_files_of_a_folder_are_columns_by_their_names(corpus):
    rows = read(corpus, {"source": "train.de", "target": "train.en"})
    assert pairs(rows)[0] == (b"ein Hund", b"a dog")


def test_each_file_may_be_gzip_and_have_its_own_encoding(corpus):
    (corpus / "train.de").unlink()
    german = "ein Hündchen\nzwei Hündchen\n".encode("cp1252")
    (corpus / "train.de.gz").write_bytes(gzip.compress(german, mtime=0))
    assert pairs(read(corpus / "train", COLUMNS))[1][1].decode() == "zwei Hündchen"


def test_only_line_feeds_end_lines(corpus):
    (corpus / "train.en").write_bytes(b"a\rdog\r\n\xe2\x80\xa8two dogs")
    assert [s for s, _ in pairs(read(corpus / "train", COLUMNS))] == [
        b"a\rdog",
        "\u2028two dogs".encode(),
    ]


def test_empty_lines_are_rows(corpus):
    (corpus / "train.de").write_text("\nzwei Hunde\n")
    assert pairs(read(corpus / "train", COLUMNS))[0] == (b"a dog", b"")


def test_sides_of_different_length_are_told_with_both_counts(corpus):
    (corpus / "train.de").write_text("ein Hund\n" * 3)
    with pytest.raises(DataError) as error:
        read(corpus / "train", COLUMNS)
    assert "train.en with 2 lines and " in str(error.value)
    assert "train.de with 3 lines; line 3 is the first without a" in str(error.value)


def test_a_missing_side_is_told_with_what_is_there(corpus):
    with pytest.raises(DataError, match=r"no file for 'ed'; there is train\.de, train"):
        read(corpus / "train", {"source": "en", "target": "ed"})


def test_an_empty_side_is_refused(corpus):
    (corpus / "train.de").write_text("")
    with pytest.raises(DataError, match=r"train\.de, which is empty"):
        read(corpus / "train", COLUMNS)


def test_a_cut_gzip_file_is_refused(corpus):
    (corpus / "train.de").unlink()
    whole = gzip.compress(b"ein Hund\nzwei Hunde\n", mtime=0)
    (corpus / "train.de.gz").write_bytes(whole[:-6])
    with pytest.raises(DataError, match="A gzip file must decompress to its end"):
        read(corpus / "train", COLUMNS)


def test_a_table_with_files_beside_it_stays_a_table(corpus):
    (corpus / "train").write_text("en,de\na cat,eine Katze\n")
    (corpus / "train.en").unlink()
    assert pairs(read(corpus / "train", COLUMNS)) == [(b"a cat", b"eine Katze")]


def test_real_pairs(shared_data):
    rows = read(shared_data / "multi30k" / "train", COLUMNS)
    assert rows.cardinality() == 29_000
    assert pairs(rows.take(1))[0][1].startswith("Zwei junge weiße".encode())
