"""What an audit counts, what stops training, and what it only warns of."""

import json

import pytest

from tfnlp.data.audit import texts as audits
from tfnlp.data.audit.texts import audit, clean
from tfnlp.data.readers import from_list
from tfnlp.errors import DataError


def rows(*pairs):
    return from_list([{"text": text, "label": label} for text, label in pairs])


GOOD = [("so good", "pos"), ("so bad", "neg"), ("fine", "pos"), ("poor", "neg")]


def test_good_rows_raise_nothing():
    found = audit(rows(*GOOD)).check()
    assert (found.rows, found.errors, found.warnings) == (4, [], [])


def test_classes_are_counted():
    assert audit(rows(*GOOD)).classes == {"pos": 2, "neg": 2}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("a", "pos"), ("b", "pos")], "one class only, 'pos'"),
        ([("", "pos"), (" \n", "neg")], "2 rows whose texts are all empty"),
        ([("a", ""), ("b", " ")], "2 rows without one"),
    ],
)
def test_rows_to_learn_nothing_from_are_an_error(pairs, message):
    with pytest.raises(DataError) as caught:
        audit(rows(*pairs)).check()
    assert message in str(caught.value)
    assert caught.value.exit_code == 3


def test_no_rows_are_an_error():
    found = audit(rows(*GOOD).take(0))
    assert found.errors == [
        "Training needs rows. Received: none. Check the file and the split."
    ]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("", "pos")], "1 row (20.0%) has an empty text."),
        ([("x", "")], "1 row (20.0%) has no label; it is left out."),
        ([("fine", "pos")], "1 row (20.0%) repeats the text of another."),
        ([("fine", "neg")], "1 text occurs with different labels."),
        ([("a \ufffd", "neg")], "1 character could not be decoded"),
        ([("x", "meh")], "1 class with one row: 'meh'."),
    ],
)
def test_doubtful_rows_are_a_warning(pairs, message):
    found = audit(rows(*GOOD, *pairs)).check()
    assert message in " ".join(found.warnings)


def test_leaks_and_unseen_labels_are_told_per_set():
    test = rows(("so good", "pos"), ("new", "meh"))
    found = audit(rows(*GOOD), others={"test": test})
    assert found.leaking == {"test": 1}
    assert found.unseen == {"test": {"meh": 1}}
    assert found.warnings == [
        "test: 1 row (50.0%) has a text that is also in train.",
        "test: labels that train lacks: 'meh'.",
    ]


def test_what_tells_rows_of_one_text_apart_counts():
    rows = from_list([{"text": "he saw it", "at": at} for at in (0, 1, 1)])
    found = audit(rows, key_fields=("at",), label_field=None, others={"test": rows})
    assert (found.duplicates, found.leaking) == (1, {"test": 3})
    other = rows.map(lambda row: {**row, "at": row["at"] + 1})
    assert audit(
        rows, key_fields=("at",), label_field=None, others={"test": other}
    ).leaking == {"test": 1}


def test_what_is_wrong_with_other_sets_is_told():
    pairs = [(" ", "pos"), ("new", ""), ("newer", " "), ("a \ufffd", "neg")]
    found = audit(rows(*GOOD), others={"test": rows(*pairs)}).check()
    assert found.elsewhere["test"] == (1, 2, 1)
    assert found.warnings == [
        "test: 1 row (25.0%) has an empty text.",
        "test: 2 rows (50.0%) have no label; they are left out.",
        "test: 1 character could not be decoded (U+FFFD); give the encoding of the "
        "file.",
    ]
    assert json.loads(json.dumps(found.to_json()))["elsewhere"]["test"]["empty"] == 1


@pytest.mark.parametrize(
    ("valid", "received"),
    [(rows(("a", ""), ("b", " ")), "2 rows without one"), (rows(*GOOD).take(0), "no")],
)
def test_a_side_without_a_label_is_an_error(valid, received):
    found = audit(rows(*GOOD), others={"valid": valid})
    with pytest.raises(DataError, match=f"valid split .* Received: {received}"):
        found.check()


def test_rows_without_any_of_several_labels_may_be_a_side():
    found = audit(rows(*GOOD), others={"test": rows(("a", ""))}, label_separator=",")
    assert found.errors == []


def test_empty_texts_are_told_where_all_fell_on_another_side():
    empty = rows(("", "pos"), (" ", "neg"))
    found = audit(empty.take(0), others={"test": empty})
    assert "2 rows whose texts are all empty" in found.errors[0]


def test_several_labels_are_counted_each():
    found = audit(
        rows(("a", "joy, love"), ("b", "joy"), ("c", "")), label_separator=","
    )
    assert found.classes == {"joy": 2, "love": 1}
    assert "it stays, as a row of no class" in found.warnings[0]


def test_pairs_are_compared_as_a_whole():
    pairs = [
        {"first": "a", "second": second, "label": label}
        for second, label in (("b", "1"), ("c", "0"), ("b", "1"))
    ]
    found = audit(from_list(pairs), text_fields=("first", "second"))
    assert (found.duplicates, found.contradicting) == (1, 0)


def test_rows_without_labels_can_be_audited():
    found = audit(from_list([{"text": "a"}]), label_field=None)
    assert (found.errors, found.warnings, found.classes) == ([], [], {})


@pytest.mark.parametrize(("unit", "cut"), [("words", 0.25), ("characters", 0.75)])
def test_share_of_cut_texts_is_told(unit, cut):
    pairs = [("a b c", "1"), ("a b", "0"), ("abcd", "1"), ("a", "0")]
    assert audit(rows(*pairs), sequence_length=2, unit=unit).cut == cut


def test_length_percentiles_are_words_and_characters():
    found = audit(rows(("a b c", "1"), ("é", "0")))
    assert (found.words[100], found.characters[5]) == (3, 1)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(audits, "REMEMBERED", 2)
    found = audit(rows(*GOOD))
    assert found.partial
    assert "among the first rows only" in found.warnings[0]


def test_table_is_short_for_many_classes():
    pairs = [(f"text {n}", f"class {n}") for n in range(10_000)]
    table = audit(rows(*pairs)).table()
    assert "classes (10,000)" in table
    assert len(table) < 1500


def test_table_names_the_sets_and_the_cut():
    table = audit(
        rows(*GOOD), others={"test": rows(*GOOD[:1])}, sequence_length=1
    ).table()
    assert "train 4, test 1" in table
    assert "truncated at 1 tokens  50.0%" in table


def test_table_leaves_errors_to_check():
    found = audit(rows(("a", "pos"), ("a", "pos")))
    assert "warning: 1 row (50.0%) repeats" in found.table()
    assert "error" not in found.table() and "one class only" not in found.table()


def test_audit_survives_json():
    found = json.loads(json.dumps(audit(rows(*GOOD)).to_json()))
    assert found["words"]["p100"] == 2


def test_clean_drops_rows_without_label():
    kept = clean(rows(("a", "x"), ("b", " "), ("c", "")))
    assert kept.cardinality() == 1
    assert [row["text"] for row in kept.as_numpy_iterator()] == [b"a"]


def test_clean_keeps_rows_of_no_class():
    assert len(list(clean(rows(("a", "x"), ("b", "")), label_separator=","))) == 2
