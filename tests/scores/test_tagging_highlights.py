"""Worst sentences, their marks, and what is left out of long ones."""

import numpy as np
import pytest

from tfnlp.scores.tagging_highlights import MOST, lines, worst_sentences


def spans(tags):
    """Reads tags like `LOC2` as a span of two words that starts there."""
    return [(t[:-1], n, n + int(t[-1])) for n, t in enumerate(tags) if t[-1].isdigit()]


def column(*values):
    return np.array(values, object)


def text(line):
    return "".join(piece[0] for piece in line[1])


def marks(line):
    return [piece for piece in line[1] if piece[1]]


def test_spans_that_are_not_in_both_lines_are_wrong():
    gold, answered = lines(
        "Ann left New York", "PER1 O LOC2 O", "PER1 O O LOC1", spans=spans
    )
    assert [gold[0], answered[0]] == ["gold", "answered"]
    assert marks(gold) == [("Ann", "PER", False), ("New York", "LOC", True)]
    assert marks(answered) == [("Ann", "PER", False), ("York", "LOC", True)]
    assert text(gold) == text(answered) == "Ann left New York"


def test_plain_tags_mark_wrong_words_only():
    ((name, pieces),) = lines("so be it now", "A B C D", "A X C")
    assert name == "" and pieces == (
        ("so ", "", False),
        ("be", "B→X", True),
        (" it ", "", False),
        ("now", "D→(none)", True),
    )


def test_characters_are_put_together_without_spaces():
    gold, _ = lines("高 勇 先 生", "PER2 O O O", "O O O O", spans=spans, gap="")
    assert gold[1] == (("高勇", "PER", True), ("先生", "", False))


def test_a_long_sentence_shows_what_stands_around_its_errors():
    words = [f"w{n}" for n in range(5000)]
    gold, answered = ["O"] * 5000, ["O"] * 5000
    gold[1000], gold[1012], answered[4999] = "LOC9", "LOC1", "LOC1"
    first, second = lines(*map(" ".join, (words, gold, answered)), spans=spans)
    assert text(first) == text(second)
    assert text(first).startswith("… w988 w989") and " … w4987" in text(first)
    assert text(first).endswith("w4999") and len(text(first).split()) < 60
    assert text(("", first[1][1:2])) == " ".join(words[1000:1009])


def test_a_sentence_of_errors_is_cut():
    words = " ".join(["w"] * 5000)
    ((_, pieces),) = lines(words, " ".join("A" * 5000), " ".join("B" * 5000))
    assert MOST <= len([p for p in pieces if p[1]]) <= MOST + 30
    assert pieces[-1][0] == " …"


@pytest.mark.parametrize("reads", [None, spans])
@pytest.mark.parametrize(
    ("words", "gold", "answered"),
    [
        ("", "", ""),
        ("a", "", "LOC1"),
        ("a", "LOC1 LOC1", ""),
        ("", "LOC1", "LOC1"),
        ("a  b", "LOC1 LOC1 O", "O LOC1 O"),
    ],
    ids=["nothing", "no gold", "too many", "no words", "empty word"],
)
def test_uneven_sentences_are_shown(reads, words, gold, answered):
    for line in lines(words, gold, answered, spans=reads):
        assert text(line) == words


def test_the_worst_sentences_come_first():
    tokens, gold = column("a", "b c", "d"), column("X", "X X", "X")
    found = worst_sentences(tokens, gold, column("Y", "Y Y", "X"))
    assert found.title == "Worst sentences: 2 of 2 with an error"
    assert [text(row[0]) for row in found.rows] == ["b c", "a"]
