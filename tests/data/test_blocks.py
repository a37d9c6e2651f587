"""A long text in blocks: nothing is lost, and slots go on."""

import pytest

from tfnlp.data.blocks import blocks
from tfnlp.data.rows import from_list
from tfnlp.errors import DataError, UsageError

LINES = ["To be, or not to be,\n", "that is the question:\n", "  äöü 電影 😀\n"]
TEXT = "".join(LINES)
ROWS = from_list([{"text": line} for line in LINES])


def cut(**options):
    found = list(blocks(ROWS, **options).as_numpy_iterator())
    return [
        {k: v.decode() if isinstance(v, bytes) else int(v) for k, v in row.items()}
        for row in found
    ]


@pytest.mark.parametrize("unit", ["characters", "words"])
@pytest.mark.parametrize("size", [1, 4, 7, 1000])
def test_blocks_are_the_text(unit, size):
    found = cut(size=size, unit=unit)
    assert "".join(row["text"] for row in found) == TEXT
    assert all(row["text"] for row in found)


def test_before_a_block_is_what_stands_there():
    found = cut(size=5, context=3)
    place = 0
    for row in found:
        assert row["before"] == TEXT[max(place - 3, 0) : place]
        place += len(row["text"])


def test_slots_are_read_side_by_side():
    found = cut(size=4, slots=3)
    count = len(found) // 3
    assert [(row["slot"], row["place"]) for row in found] == [
        (slot, place) for place in range(count) for slot in range(3)
    ]
    ordered = sorted(found, key=lambda row: (row["slot"], row["place"]))
    assert "".join(row["text"] for row in ordered) == TEXT


def test_words_keep_line_feeds_as_words_of_their_own():
    found = cut(size=1, unit="words")
    assert [row["text"] for row in found[:7]] == [
        "To",
        " be,",
        " or",
        " not",
        " to",
        " be,",
        "\n",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be 1 or more"),
        ({"size": 4, "context": -1}, "context must be 0 or more"),
        ({"size": 4, "slots": -1}, "slots must be 0 or more"),
        ({"size": 4, "unit": "bytes"}, "unit must be characters or words"),
    ],
)
def test_a_number_that_cannot_be_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        cut(**options)


def test_a_short_text_has_fewer_slots():
    found = cut(size=4, unit="words", slots=99)
    assert {row["slot"] for row in found} == set(range(len(found)))
    assert "".join(row["text"] for row in found) == TEXT


def test_no_text_is_refused():
    with pytest.raises(DataError, match="learnt from text"):
        blocks(from_list([{"text": ""}]), size=4)


def test_beginnings_have_nothing_before_them():
    fresh = cut(size=2, unit="words", fresh=3)
    plain = cut(size=2, unit="words")
    assert [row["text"] for row in fresh] == [row["text"] for row in plain]
    for number, (row, other) in enumerate(zip(fresh, plain, strict=True)):
        assert row["before"] == ("" if number % 3 == 0 else other["before"])
    for fresh in (0, 2):
        for row in cut(size=2, unit="words", slots=2, fresh=fresh):
            assert (row["before"] == "") == (row["place"] == 0)


def test_beginnings_in_slots_come_by_turns():
    rows = cut(size=1, slots=4, fresh=3)
    batches = [rows[start : start + 4] for start in range(0, len(rows), 4)]
    begun = [[row["place"] == 0 for row in batch] for batch in batches]
    assert all(begun[0])
    assert all(sum(batch) in (1, 2) for batch in begun[1:])
    assert [sum(column) for column in zip(*begun, strict=True)] == pytest.approx(
        [len(batches) / 3] * 4, abs=1.5
    )
