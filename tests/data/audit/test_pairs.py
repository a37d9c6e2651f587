"""What an audit says about pairs, and which of them are left out of training."""

import pytest

from tfnlp.data.audit.pair_cleaning import clean_pairs
from tfnlp.data.audit.pair_rules import PairRules
from tfnlp.data.audit.pairs import audit_pairs
from tfnlp.data.readers import read
from tfnlp.data.rows import from_list
from tfnlp.errors import DataError, UsageError

GOOD = [
    (f"There are {n} dogs here.", f"Hier sind {n} Hunde zu sehen.") for n in range(20)
]
WRONG = {
    "empty": ("A dog is empty.", " "),
    "identical": ("A dog runs here.", "A dog runs here."),
    "length": ("A dog is here.", "Hier ist ein Hund. " * 9),
    "script": ("A dog is here now.", "Здесь сейчас собака."),
}


def rows(*pairs):
    return from_list([{"source": s, "target": t} for s, t in pairs])


def sources(found):
    return [row["source"].decode() for row in found.as_numpy_iterator()]


@pytest.mark.parametrize("flaw", WRONG)
def test_each_flaw_is_counted_and_left_out(flaw):
    pairs = rows(*GOOD, WRONG[flaw])
    counts = audit_pairs(pairs).flaws["train"]
    assert counts == {**dict.fromkeys(counts, 0), flaw: 1}
    assert sources(clean_pairs(pairs)) == [source for source, _ in GOOD]
    assert len(sources(clean_pairs(pairs, drop=()))) == 21


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_lengths_are_measured_against_the_usual_ratio(unit):
    pairs = [
        (f"{n} " + "long text " * 40, f"{n} in short it is this") for n in range(9)
    ]
    found = audit_pairs(rows(*pairs), unit=unit)
    assert found.usual > 4
    assert found.flaws["train"]["length"] == 0


def test_short_texts_may_differ():
    rules = PairRules.from_rows(rows(*GOOD))
    assert rules.flaws("Hi!", "Guten Tag!") == ()


@pytest.mark.parametrize(
    "text", ["今日は晴れです", "東京都", "カメラ", "42", "2024年 OK です"]
)
def test_japanese_is_one_script(text):
    rules = PairRules(scripts=("LATIN", "HAN OR KANA"))
    assert not rules.is_strange(text, 1)


def test_sides_in_several_scripts_have_no_usual_one():
    pairs = [("a dog", "собака"), ("a cat", "eine Katze")] * 5
    assert PairRules.from_rows(rows(*pairs)).scripts == ("LATIN", "")


def test_duplicates_are_left_out_once():
    pairs = rows(*GOOD[:2], GOOD[0], (GOOD[0][0], GOOD[1][1]))
    found = audit_pairs(pairs)
    assert (found.duplicates, found.repeated) == (1, {"source": 2, "target": 2})
    assert len(sources(clean_pairs(pairs))) == 3


def test_leaks_are_found_by_either_side_and_by_every_set():
    test = rows((GOOD[0][0], "Neu."), ("New.", GOOD[1][1]), GOOD[2])
    others = {"valid": rows(("x", "y")), "test": test}
    found = audit_pairs(rows(*GOOD), others=others)
    assert found.leaks["valid"] == {"source": 0, "target": 0}
    assert found.leaks["test"] == {"source": 2, "target": 2}
    message = "test: 2 rows (66.7%) have a source that is also in train."
    assert message in found.warnings
    kept = clean_pairs(rows(*GOOD), others=others, drop=("leak",))
    assert sources(kept) == [source for source, _ in GOOD[3:]]


def test_the_table_says_what_is_usual():
    shown = audit_pairs(rows(*GOOD), others={"test": rows(("a", "b\x1ec"))}).table()
    assert "scripts" in shown and "source latin, target latin" in shown
    assert "0.88 of a source to 1 of a target" in shown
    assert "test up to 2" in shown
    assert "characters per source" in shown


def test_an_audit_is_json():
    found = audit_pairs(rows(*GOOD)).to_json()
    assert found["flaws"]["train"]["empty"] == 0
    assert found["lengths"]["source"]["p50"] == 23


def test_pairs_without_any_target_are_refused():
    with pytest.raises(DataError, match="Training needs texts"):
        audit_pairs(rows(("a", ""), ("b", ""))).check()


def test_a_ratio_is_above_one():
    with pytest.raises(UsageError, match=r"is above 1\. Received: ratio=1"):
        audit_pairs(rows(*GOOD), ratio=1)


def test_unknown_reason_to_leave_out_is_refused():
    with pytest.raises(UsageError, match="Did you mean 'leak'"):
        clean_pairs(rows(*GOOD), drop=("leaks",))


def test_cleaned_rows_know_how_many_they_are():
    assert clean_pairs(rows(*GOOD, *WRONG.values())).cardinality() == 20


def test_a_stream_is_cleaned_as_rows_in_memory_are():
    pairs = rows(*GOOD, *WRONG.values())
    stream = pairs.filter(lambda row: True)  # of unknown length
    assert sources(clean_pairs(stream)) == sources(clean_pairs(pairs))
    assert stream.element_spec == clean_pairs(stream).element_spec


def test_pairs_that_would_all_go_are_refused():
    with pytest.raises(DataError, match="Received: 2 rows, all left out"):
        clean_pairs(rows(("a", ""), ("", "b")))


def test_real_pairs_are_told_apart(shared_data):
    pairs = read(shared_data / "multi30k/train", {"source": "en", "target": "de"})
    pairs = pairs.take(6000)
    assert sum(audit_pairs(pairs).flaws["train"].values()) < 10
