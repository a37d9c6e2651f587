import itertools

import pytest

from tfnlp.text.tokenizers.sentencepiece_trainer import sample


def test_lines_are_parts_without_what_cannot_be_learnt():
    text = "one line\nnext\x00one\ttab ▁mark"
    assert sample([text, ""]) == ["one line", "next", "one", "tab ", "mark"]


def test_long_lines_are_cut_before_blanks_and_nothing_is_lost():
    line = " ".join(["word"] * 3000)
    parts = sample([line])
    assert "".join(parts) == line
    assert all(len(part) <= 4000 for part in parts)
    assert all(part.startswith(" ") for part in parts[1:])


def test_a_line_without_blanks_is_cut_too():
    assert [len(part) for part in sample(["x" * 9000])] == [4000, 4000, 1000]


@pytest.mark.parametrize("count", [100, 1000, 5000])
def test_of_too_much_text_even_spread_lines_stay(count):
    kept = sample((f"{number:04}" for number in range(count)), characters=400)
    numbers = [int(text) for text in kept]
    (step,) = {after - before for before, after in itertools.pairwise(numbers)}
    assert 50 <= len(kept) <= 100
    assert numbers[-1] + step >= count
