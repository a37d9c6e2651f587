"""Running text: lines in order with their ends, cut by place."""

import pytest

from tfnlp.data.rows import from_list
from tfnlp.data.text_streams import by_place, read_streams
from tfnlp.errors import DataError, UsageError


def texts(rows):
    batches = rows.batch(4096).as_numpy_iterator()
    return [text.decode() for batch in batches for text in batch["text"]]


def test_all_rows_after_one_another_are_the_text(tmp_path):
    text = "".join(f"line {n}\n\n" for n in range(50))
    path = tmp_path / "play.txt"
    path.write_text(text)
    splits = read_streams(path, shares=(0.6, 0.3, 0.1))
    assert "".join("".join(texts(split)) for split in splits) == text
    assert len("".join(texts(splits.train))) / len(text) == pytest.approx(0.6, abs=0.02)


def test_sides_that_are_given_are_not_cut(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).write_text("".join(f"{name} {n}\n" for n in range(20)))
    splits = read_streams(tmp_path / "train", test=tmp_path / "test")
    assert (len(splits.train), len(splits.valid)) == (19, 1)
    assert texts(splits.test)[-1] == "test 19\n"


def test_ends_of_lines_become_line_feeds(tmp_path):
    path = tmp_path / "play.txt"
    path.write_bytes(b"one\r\ntwo\r\nthree")
    splits = read_streams(path, shares=(0.3, 0.3, 0.4))
    assert [texts(split) for split in splits] == [["one\n"], ["two\n"], ["three\n"]]


def test_documents_of_a_table_are_rows(tmp_path):
    path = tmp_path / "news.csv"
    path.write_text('id,body\n1,"a\nb"\n2,c\n3,d\n4,e\n')
    splits = read_streams(path, text="body", shares=(0.4, 0.3, 0.3))
    assert texts(splits.train) == ["a\nb\n"]


def test_a_text_of_one_line_is_not_cut():
    with pytest.raises(DataError, match=r"Received: 1 line\."):
        by_place(from_list([{"text": "all in one line"}]))


def test_shares_sum_to_one(tmp_path):
    with pytest.raises(UsageError, match="Shares of a split are positive and sum to"):
        read_streams(tmp_path / "missing", shares=(0.9, 0.1, 0.1))


def test_real_text(shared_data):
    splits = read_streams(shared_data / "tinyshakespeare" / "input.txt.gz")
    sizes = [len("".join(texts(split))) for split in splits]
    assert sum(sizes) == 1_115_394
    assert sizes[0] / sum(sizes) == pytest.approx(0.9, abs=1e-4)
