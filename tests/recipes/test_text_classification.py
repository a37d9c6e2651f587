"""The data flags of text classification, from words to splits."""

import pytest

from tfnlp import cli, recipes


@pytest.fixture
def films(tmp_path):
    path = tmp_path / "films.csv"
    lines = [f"film {n},one,{'ab'[n % 2]}" for n in range(60)]
    path.write_text("\n".join(["text,other,label", *lines, "nobody knows,one,"]))
    return str(path)


def texts(rows, field="text"):
    return sorted(row[field].decode() for row in rows.as_numpy_iterator())


def test_the_seed_of_the_split_cuts_other_tenths(films):
    first, same, other = (
        cli.parse(recipes.LabelledTexts, ["--train", films, *words]).read_splits()
        for words in ([], ["--split_seed", "0"], ["--split_seed", "7"])
    )
    assert texts(first.test) == texts(same.test) != texts(other.test)


def test_a_pair_has_two_fields(films):
    source = cli.parse(
        recipes.LabelledTexts, ["--train", films, "--text_pair", "other"]
    )
    row = next(source.read_splits().train.as_numpy_iterator())
    assert source.fields == ("first", "second")
    assert (row["first"][:4], row["second"]) == (b"film", b"one")
    assert set(row) == set(next(source.example_rows().as_numpy_iterator()))


def test_rows_without_a_label_are_counted_and_left_out(films):
    source = recipes.LabelledTexts(train=films, valid=films, test=films)
    splits = source.read_splits()
    found = source.audit(splits, sequence_length=1)
    assert "test: 1 row (1.6%) has no label; it is left out." in found.warnings
    assert [len(texts(side)) for side in source.filter_rows(splits)] == [60] * 3


def test_with_several_labels_none_is_one(films):
    source = recipes.LabelledTexts(
        train=films, valid=films, test=films, multi_label=True
    )
    splits = source.filter_rows(source.read_splits())
    assert source.joined_by == ","
    assert len(texts(splits.test)) == 61
