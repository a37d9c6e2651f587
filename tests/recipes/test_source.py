"""The flags of a source, from words to sides."""

import pytest

from tfnlp import cli


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
        cli.parse(cli.Source, ["--train", films, *words]).sides()
        for words in ([], ["--split_seed", "0"], ["--split_seed", "7"])
    )
    assert texts(first.test) == texts(same.test) != texts(other.test)


def test_a_pair_has_two_fields(films):
    source = cli.parse(cli.Source, ["--train", films, "--text_pair", "other"])
    row = next(source.sides().train.as_numpy_iterator())
    assert source.fields == ("first", "second")
    assert (row["first"][:4], row["second"]) == (b"film", b"one")
    assert set(row) == set(next(source.made_up().as_numpy_iterator()))


def test_rows_without_a_label_are_counted_and_left_out(films):
    source = cli.Source(train=films, valid=films, test=films)
    sides = source.sides()
    found = source.audit(sides, sequence_length=1)
    assert "test: 1 row (1.6%) has no label; it is left out." in found.warnings
    assert [len(texts(side)) for side in source.clean(sides)] == [60] * 3


def test_with_several_labels_none_is_one(films):
    source = cli.Source(train=films, valid=films, test=films, multi_label=True)
    sides = source.clean(source.sides())
    assert source.joined_by == ","
    assert len(texts(sides.test)) == 61
