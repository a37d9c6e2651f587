"""Pairs to learn from: columns, references of test rows, and groups of them."""

import json

import pytest

from tfnlp.data import references
from tfnlp.data.rows import from_list
from tfnlp.data.text_pairs import read_pairs
from tfnlp.errors import UsageError
from tfnlp.specs import REFERENCES


def targets(rows):
    found = [row["target"].decode() for row in rows.as_numpy_iterator()]
    return [tuple(target.split(REFERENCES)) for target in found]


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.fixture
def train(tmp_path):
    rows = [{"dialogue": f"text {n}", "summary": f"sum {n}"} for n in range(40)]
    return write(tmp_path / "train.jsonl", rows)


def test_references_of_test_rows_may_be_several_columns(train, tmp_path):
    rows = [
        {"dialogue": "text", "one": "a", "two": "b"},
        {"dialogue": "other", "one": "c", "two": ""},
    ]
    splits = read_pairs(
        train,
        source="dialogue",
        target="summary",
        test=write(tmp_path / "test.jsonl", rows),
        test_target=("one", "two"),
    )
    assert targets(splits.test) == [("a", "b"), ("c",)]
    assert len(targets(splits.train)) + len(targets(splits.valid)) == 40


def test_a_list_is_several_references_and_a_source_of_several_lines(train, tmp_path):
    rows = [{"dialogue": ["Hi.", "Ho."], "summary": ["a", "b"]}]
    test = write(tmp_path / "test.jsonl", rows)
    splits = read_pairs(train, source="dialogue", target="summary", test=test)
    row = next(splits.test.as_numpy_iterator())
    assert (row["source"], targets(splits.test)) == (b"Hi. Ho.", [("a", "b")])


def test_rows_of_one_source_are_grouped_for_testing_only(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"w{n // 2}\tp{n}\n" for n in range(100)))
    splits = read_pairs(path, source=1, target=2, grouped=True)
    assert {len(each) for each in targets(splits.train)} == {1}
    assert {len(each) for each in targets(splits.test)} == {2}


def test_tables_may_have_more_columns_and_newlines_in_fields(tmp_path):
    path = tmp_path / "news.csv"
    rows = "".join(f'{n},"line\nline {n}",sum {n}\n' for n in range(30))
    path.write_text(f"id,article,summary\n{rows}")
    splits = read_pairs(path, source="article", target="summary")
    assert b"\n" in next(splits.train.as_numpy_iterator())["source"]


def test_columns_of_a_test_file_need_one(train):
    with pytest.raises(UsageError, match="Received: summary1, summary2 and no test"):
        read_pairs(train, test_target=("summary1", "summary2"))


def test_equal_references_count_once():
    rows = from_list([{"source": "a", "target": t} for t in ("x", "y", "x")])
    assert targets(references.grouped(rows)) == [("x", "y")]


def test_the_first_reference_may_hold_line_feeds():
    found = references.first([f"a\nb{REFERENCES}c\nd{REFERENCES}e", "", "one"])
    assert found.numpy().tolist() == [b"a\nb", b"", b"one"]


def test_real_references(shared_data):
    folder = shared_data / "dialogsum"
    splits = read_pairs(
        folder / "dialogsum.dev.jsonl.gz",
        source="dialogue",
        target="summary",
        test=folder / "dialogsum.test.jsonl.gz",
        test_target=("summary1", "summary2", "summary3"),
    )
    assert {len(each) for each in targets(splits.test)} == {2, 3}  # equal ones are one
