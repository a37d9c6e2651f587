"""Where the rows to train on, to choose by and to test on come from."""

import pytest

from tfnlp.data import train_valid_test
from tfnlp.data.readers import from_list
from tfnlp.data.train_valid_test import Splits, read_splits

COLUMNS = {"text": "text", "label": "label"}


def texts(rows):
    return [row["text"].decode() for row in rows.as_numpy_iterator()]


@pytest.fixture
def file(tmp_path):
    """Writes a file of the given number of rows, and says where."""

    def write(name: str, rows: int = 3, header: str = "text,label"):
        path = tmp_path / name
        lines = (f"{path.stem.strip()} {n},{'ab'[n % 2]}" for n in range(rows))
        path.write_text("\n".join([header, *lines]), "utf-8")
        return path

    return write


@pytest.fixture
def named(monkeypatch):
    """Stands in for data sets with the named splits of a test."""

    def put(*splits: str):
        def read(source, columns, *, split=None, **options):
            return from_list([{"text": f"{split} {n}"} for n in range(100)])

        monkeypatch.setattr(train_valid_test, "splits_of", lambda source: splits)
        monkeypatch.setattr(train_valid_test, "read", read)

    return put


def test_named_splits_are_used_as_they_were_cut(named):
    named("train", "valid", "test")
    found = read_splits("tfds:films", COLUMNS)
    assert [texts(split)[0] for split in found] == ["train 0", "valid 0", "test 0"]
    assert [len(texts(split)) for split in found] == [100, 100, 100]


def test_a_side_that_is_no_split_is_cut_off_train(named):
    named("train", "test")
    train, valid, test = map(texts, read_splits("tfds:films", COLUMNS))
    assert sorted(train + valid) == sorted(f"train {n}" for n in range(100))
    assert 0 < len(valid) < 30
    assert len(test) == 100 and test[0] == "test 0"


def test_a_set_without_train_is_never_trained_and_tested_on_the_same_rows(named):
    named("test")
    train, valid, test = map(texts, read_splits("tfds:films", COLUMNS))
    assert len({*train, *valid, *test}) == len(train + valid + test) == 100


def test_a_file_comes_before_a_named_split(named, monkeypatch):
    named("train", "valid", "test")
    read = train_valid_test.read
    calls = []

    def noted(source, columns, *, split=None, **options):
        calls.append((source, split))
        return read(source, columns, split=split)

    monkeypatch.setattr(train_valid_test, "read", noted)
    read_splits("tfds:films", COLUMNS, test="test.csv")
    assert calls == [
        ("tfds:films", "train"),
        ("tfds:films", "valid"),
        ("test.csv", None),
    ]


def test_one_file_is_cut_into_tenths_by_its_texts(file):
    found = read_splits(file("films.csv", 500), COLUMNS)
    sizes = [int(split.cardinality()) for split in found]
    assert sizes == pytest.approx([400, 50, 50], abs=20)
    assert sum(sizes) == 500
    assert len({text for split in found for text in texts(split)}) == 500


def test_another_seed_cuts_other_tenths(file):
    path = file("films.csv", 100)
    first, second = (read_splits(path, COLUMNS, seed=seed) for seed in (0, 1))
    assert texts(first.test) == texts(read_splits(path, COLUMNS).test)
    assert texts(first.test) != texts(second.test)


def test_with_a_test_file_only_valid_is_cut_off(file):
    train, test = file("films.csv", 100), file("test.csv")
    found = read_splits(train, COLUMNS, test=test)
    assert texts(found.test) == ["test 0", "test 1", "test 2"]
    assert len(texts(found.train)) + len(texts(found.valid)) == 100


def test_three_files_are_read_as_they_are(file):
    train, valid, test = (file(f"{name}.csv") for name in ("one", "two", "three"))
    found = read_splits(train, COLUMNS, valid=valid, test=test)
    assert [texts(split)[0] for split in found] == ["one 0", "two 0", "three 0"]


def test_columns_of_the_test_file_may_differ(file):
    found = read_splits(
        file("one.csv"),
        COLUMNS,
        valid=file("two.csv"),
        test=file("three.csv", header="review,label"),
        test_columns={"text": "review"},
    )
    assert texts(found.test)[0] == "three 0"


@pytest.mark.parametrize(
    "name", ["a:test.csv", "ä \u2028 é.csv", "#+%.csv", "\t\n.csv"]
)
def test_a_path_may_hold_any_character(file, name):
    train = file(name, 100)
    found = read_splits(str(train), COLUMNS, test=train)
    assert len(texts(found.test)) == 100


def test_options_reach_every_file(file):
    one, two = file("one.csv", 100), file("two.csv")
    columns = {"text": 1, "label": 2}
    found = read_splits(one, columns, test=two, header=False)
    assert texts(found.test)[:2] == ["text", "two 0"]
    assert len(texts(found.train) + texts(found.valid)) == 101


def test_a_change_is_made_to_each_side():
    rows = from_list([{"text": "a"}, {"text": "b"}])
    changed = Splits(rows, rows, rows).map(lambda rows: rows.take(1))
    assert [texts(split) for split in changed] == [["a"]] * 3
