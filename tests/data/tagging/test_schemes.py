"""What tags spell in every scheme, and what is done where they spell nothing."""

import random

import numpy as np
import pytest

from tfnlp.data.tagging import schemes
from tfnlp.data.tagging.scheme_detection import detect, of_tags
from tfnlp.data.tagging.schemes import (
    Span,
    constraints,
    convert,
    repair,
    spans,
    tags_of,
)
from tfnlp.errors import DataError, UsageError

SPANS = [Span("PER", 0, 1), Span("PER", 1, 4), Span("LOC", 5, 7)]
WRITTEN = {
    "IOB1": "I-PER B-PER I-PER I-PER O I-LOC I-LOC",
    "BIO": "B-PER B-PER I-PER I-PER O B-LOC I-LOC",
    "BIOES": "S-PER B-PER I-PER E-PER O B-LOC E-LOC",
    "BMES": "S-PER B-PER M-PER E-PER O B-LOC E-LOC",
    "BILOU": "U-PER B-PER I-PER L-PER O B-LOC L-LOC",
}


def random_spans(generator, length, gap=0):
    found, place = [], 0
    while (place := place + generator.randint(gap, 3)) < length:
        end = min(length, place + generator.randint(1, 4))
        found.append(Span(generator.choice("ABC"), place, end))
        place = end
    return found


@pytest.mark.parametrize("scheme", WRITTEN)
def test_spans_are_written_and_read_in_every_scheme(scheme):
    tags = WRITTEN[scheme].split()
    assert tags_of(SPANS, 7, scheme) == tags
    assert spans(tags) == spans(tags, scheme, strict=True) == SPANS


@pytest.mark.parametrize("scheme", WRITTEN)
@pytest.mark.parametrize("target", WRITTEN)
def test_conversion_there_and_back_changes_nothing(scheme, target):
    generator = random.Random(0)
    for length in range(12):
        tags = tags_of(random_spans(generator, length), length, scheme)
        assert convert(convert(tags, target), scheme) == tags
        assert not repair(tags, scheme).changes


def test_io_keeps_spans_that_are_apart():
    tags = tags_of(random_spans(random.Random(1), 30, gap=1), 30, "BIO")
    assert convert(convert(tags, "IO"), "BIO") == tags


@pytest.mark.parametrize("scheme", WRITTEN)
def test_scheme_is_detected(scheme):
    assert detect([WRITTEN[scheme].split()] * 2) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O I-PER O", "IO"),
        ("O PER PER", None),
        ("B I O", "BIO"),
        ("B M E S", "BMES"),
        ("S---3MP1- N---1FS V--- A---", None),
        ("", None),
    ],
)
def test_sets_of_few_tags_are_detected(tags, scheme):
    assert detect([tags.split()]) == scheme


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (["B-PER I-PER", "B-PER M-PER E-PER"], "'I-PER' and 'M-PER'"),
        (["B-PER I-PER", "PER O"], "'B-PER' and 'PER'"),
        (["B-PER E-PER", "B-PER I-PER O"], "'I-PER' before 'O'"),
        (["S-PER L-PER"], "'L-PER' and 'S-PER'"),
    ],
)
def test_mixed_schemes_are_rejected(sentences, message):
    with pytest.raises(DataError, match=message):
        detect([tags.split() for tags in sentences])


def test_one_wrong_end_among_many_is_no_other_scheme():
    assert detect([["B-A", "E-A"]] * 40 + [["B-A", "I-A", "O"]]) == "BIOES"


def test_mixed_schemes_are_read_alike():
    assert convert(["B-A", "E-A", "B-A", "I-A", "O", "U-A"], "BIO") == [
        *("B-A", "I-A", "B-A", "I-A", "O", "B-A")
    ]


@pytest.mark.parametrize(
    ("scheme", "wrong", "right"),
    [
        ("BIO", "O I-A I-A", "O B-A I-A"),
        ("BIO", "B-A I-B", "B-A B-B"),
        ("BIOES", "B-A I-A O", "B-A E-A O"),
        ("BIOES", "B-A O E-A", "S-A O S-A"),
        ("BMES", "S-A M-A", "S-A S-A"),
        ("IOB1", "B-A I-A", "I-A I-A"),
    ],
)
def test_repair_says_what_it_changed(scheme, wrong, right):
    fixed, changes = repair(wrong.split(), scheme)
    assert fixed == right.split()
    again = wrong.split()
    for place, was, now in changes:
        assert again[place] == was
        again[place] = now
    assert again == fixed


def test_strict_reading_leaves_out_what_the_scheme_cannot_spell():
    assert spans("I-A O B-B E-B".split(), "BIO", strict=True) == []
    assert spans("I-A O B-B E-B".split(), "BIOES", strict=True) == [Span("B", 2, 4)]


def test_overlapping_spans_are_not_written():
    with pytest.raises(DataError, match="share no word"):
        tags_of([Span("A", 0, 2), Span("A", 1, 3)], 3, "BIO")


def test_unknown_scheme_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'BIOES'"):
        schemes.known("BIOS")


@pytest.mark.parametrize("scheme", [*WRITTEN, "IO"])
def test_constraints_allow_exactly_what_the_scheme_spells(scheme):
    letters = sorted({*schemes.LETTERS[scheme], *("B" * (scheme == "IOB1"))})
    labels = ["O", *(f"{letter}-{type}" for letter in letters for type in "AB")]
    allowed, start, end = constraints(labels, scheme)
    generator = random.Random(2)
    for _ in range(400):
        places = [generator.randrange(len(labels)) for _ in range(3)]
        tags = [labels[place] for place in places]
        pairs = allowed[places[0], places[1]] and allowed[places[1], places[2]]
        valid = bool(start[places[0]] and pairs and end[places[2]])
        assert valid == (not repair(tags, scheme).changes), tags


def test_constraints_allow_no_way_without_an_end():
    found = constraints(["O", "B-A", "I-A"], "BIOES")
    np.testing.assert_array_equal(found.allowed, np.diag([True, False, False]))
    assert found.start.tolist() == found.end.tolist() == [True, False, False]


def test_plain_tags_have_no_constraints():
    assert all(each.all() for each in constraints(["NOUN", "VERB"], None))


def test_a_set_of_tags_alone_is_mixed_or_not():
    assert of_tags(["O"]) is None
    with pytest.raises(DataError, match=r"train\.txt with 'I-A' and 'M-A'"):
        of_tags(["I-A", "M-A"], where="train.txt")


def test_iob1_begins_a_span_without_type_at_the_first_word_as_inside():
    assert tags_of([Span("", 0, 2), Span("", 2, 3)], 3, "IOB1") == ["I", "I", "B"]
