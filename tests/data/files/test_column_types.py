"""Strings of files become the numbers that a task wants."""

import pytest

from tfnlp.data.files.column_types import typed
from tfnlp.data.readers import from_list
from tfnlp.data.tagging.propbank import parse_predicates
from tfnlp.errors import DataError
from tfnlp.specs import NUMBER, PLACE, TEXT


def rows(*values):
    return from_list([{"at": value} for value in values])


def test_other_rows_stay_as_they_are():
    strings, numbers = rows("1"), rows(1)
    assert typed(strings, {"at": TEXT, "more": PLACE}) is strings
    assert typed(numbers, {"at": PLACE}) is numbers


def test_numbers_have_the_type_of_the_schema():
    found = typed(rows("4", " -1"), {"at": PLACE})
    assert found.element_spec["at"].dtype == PLACE.dtype
    assert [row["at"] for row in found.as_numpy_iterator()] == [4, -1]


@pytest.mark.parametrize("value", ["", "one", "1.5", "99999999999", "nan"])
def test_what_is_no_whole_number_is_named_with_its_row(value):
    with pytest.raises(DataError, match=f"whole numbers. Received in row 2: {value!r}"):
        typed(rows("0", value), {"at": PLACE})


@pytest.mark.parametrize("value", ["inf", "nan", "a"])
def test_what_is_no_number_is_named_with_its_row(value):
    with pytest.raises(DataError, match=f"holds numbers. Received in row 1: {value!r}"):
        typed(rows(value), {"at": NUMBER})


@pytest.mark.parametrize("place", ["2", "-1"])
def test_a_predicate_is_one_of_the_words(place):
    sentences = [("Ann left", "1"), ("it rained", place)]
    given = from_list([{"tokens": a, "predicate": b} for a, b in sentences])
    with pytest.raises(DataError, match=f"row 2 with number {place} of 2 words"):
        parse_predicates(given)


def test_a_sentence_without_words_has_no_predicate():
    with pytest.raises(DataError, match="number 0 of 0 words"):
        parse_predicates(from_list([{"tokens": "", "predicate": "0"}]))
