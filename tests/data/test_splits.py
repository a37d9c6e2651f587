"""Splits by hash: stable, complete, and never through equal texts."""

import pytest

from tfnlp.data.files import encoding
from tfnlp.data.readers import from_list, read
from tfnlp.data.splits import by_hash, stratified
from tfnlp.errors import DataError, SchemaError, UsageError

ROWS = [{"text": f"film {n % 900}", "label": "ab"[n % 9 == 0]} for n in range(1000)]


def texts(rows):
    return [row["text"].decode() for row in rows.as_numpy_iterator()]


@pytest.mark.parametrize("split", [by_hash, stratified])
def test_every_row_is_on_one_side(split):
    found = [text for split in split(from_list(ROWS)) for text in texts(split)]
    assert sorted(found) == sorted(row["text"] for row in ROWS)


def test_equal_texts_are_on_the_same_side():
    train, valid, test = map(set, map(texts, by_hash(from_list(ROWS))))
    assert not (train & valid or train & test or valid & test)


def test_shares_are_about_as_asked():
    sizes = [int(split.cardinality()) for split in by_hash(from_list(ROWS))]
    assert sizes == pytest.approx([800, 100, 100], abs=30)


def test_split_is_the_same_in_any_order():
    forth, back = (by_hash(from_list(rows))[2] for rows in (ROWS, ROWS[::-1]))
    assert sorted(texts(forth)) == sorted(texts(back))


def test_split_is_the_same_on_every_machine():
    assert texts(by_hash(from_list(ROWS[:30]))[2]) == ["film 2", "film 25"]


def test_seed_gives_another_split():
    first, second = (by_hash(from_list(ROWS), seed=seed)[2] for seed in (0, 1))
    assert texts(first) != texts(second)


def test_several_fields_are_hashed_together():
    rows = [{"first": "a", "second": str(n)} for n in range(40)]
    splits = by_hash(from_list(rows), (0.5, 0.5), field=("first", "second"))
    assert [split.cardinality() > 0 for split in splits] == [True, True]


def test_stratified_keeps_shares_within_labels():
    rows = [{"text": str(n), "label": "ab"[n % 10 == 0]} for n in range(1000)]
    _, _, test = stratified(from_list(rows))
    labels = [row["label"] for row in test.as_numpy_iterator()]
    assert (labels.count(b"a"), labels.count(b"b")) == (90, 10)


def test_stream_is_split(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"film {n}\n" for n in range(100)))
    splits = by_hash(read(path, {"text": "text"}), (0.5, 0.5))
    assert sum(len(texts(split)) for split in splits) == 100


@pytest.mark.parametrize("count", [3, 4, 10, 16, 30])
def test_few_rows_leave_no_side_empty(count):
    rows = [{"text": f"film {n % count}"} for n in range(2 * count)]
    splits = [texts(split) for split in by_hash(from_list(rows))]
    assert min(map(len, splits)) >= 1 and sum(map(len, splits)) == 2 * count
    assert sum(len(set(split)) for split in splits) == count


@pytest.mark.parametrize("seed", range(9))
def test_even_sides_hold_their_share_of_few_texts(seed):
    splits = by_hash(from_list(ROWS[:10]), (0.5, 0.3, 0.2), seed=seed, even=True)
    assert [len(texts(split)) for split in splits] == [5, 3, 2]


def test_a_split_without_an_empty_side_is_by_the_hash_alone():
    many = {text: n for n, split in enumerate(splits_of(ROWS)) for text in split}
    few = {text: n for n, split in enumerate(splits_of(ROWS[:30])) for text in split}
    assert few == {text: many[text] for text in few}


def splits_of(rows):
    return [texts(split) for split in by_hash(from_list(rows))]


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_texts_are_refused(count):
    rows = [{"text": f"film {n % count}"} for n in range(9)]
    with pytest.raises(
        DataError, match=rf"3 different texts\. Received: 9 rows with {count}"
    ):
        by_hash(from_list(rows))


def test_texts_that_are_all_empty_are_told_as_by_the_audit():
    with pytest.raises(DataError, match=r"texts\. Received: 4 rows whose"):
        by_hash(from_list([{"text": " "}] * 4))


def test_too_few_groups_are_told_as_groups():
    rows = from_list([{"text": str(n), "film": "a"} for n in range(9)])
    with pytest.raises(DataError) as caught:
        by_hash(rows, (0.5, 0.5), field="film", noun="group")
    assert "need 2 different groups. Received: 9 rows with 1 group." in str(
        caught.value
    )
    assert "text" not in str(caught.value)


@pytest.mark.parametrize(
    ("split", "options"),
    [
        (by_hash, {"field": "txet"}),
        (stratified, {"field": ("label", "txet")}),
        (stratified, {"label": "txet"}),
    ],
)
def test_a_field_that_rows_lack_is_told_before_they_are_read(split, options):
    with pytest.raises(SchemaError, match=r"no field 'txet'.*Did you mean 'text'"):
        split(from_list(ROWS), **options)


def test_numbers_are_split_by_what_they_are_written_like():
    numbers = from_list([{"film": n % 20} for n in range(40)])
    words = from_list([{"film": str(n % 20)} for n in range(40)])
    shares = (0.5, 0.5)
    for first, second in zip(
        by_hash(numbers, shares, field="film"),
        by_hash(words, shares, field="film"),
        strict=True,
    ):
        found = [int(row["film"]) for row in second.as_numpy_iterator()]
        assert [row["film"] for row in first.as_numpy_iterator()] == found


@pytest.mark.parametrize("shares", [(0.8, 0.1), (1.2, -0.2), ()])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(UsageError, match="positive and sum to one"):
        by_hash(from_list(ROWS), shares)
