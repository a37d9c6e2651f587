"""Scores of generated texts: ROUGE, error rates, samples, and two systems compared."""

import math

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from tfnlp.errors import UsageError
from tfnlp.scores import (
    corpus_statistics,
    diversity,
    error_rates,
    generation,
    intervals,
)
from tfnlp.scores.rouge import KINDS, rouge, words


def whole(counted):
    return corpus_statistics.corpus_scores([counted])


@pytest.mark.parametrize("stemmed", [False, True])
def test_rouge_of_ascii_texts_is_that_of_its_package(stemmed):
    gold = ["The dogs were running home.", "a cat's tail"]
    answered = ["the dog runs home now", "a tail of cats"]
    scorer = RougeScorer(list(KINDS), use_stemmer=stemmed)
    pairs = zip(gold, answered, strict=True)
    found = [scorer.score(*pair) for pair in pairs]
    expected = {
        kind: np.mean([each[kind].fmeasure for each in found]) for kind in KINDS
    }
    assert whole(rouge(gold, answered, stemmed=stemmed)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["今天天气很好", "Это кошка", "यह एक बिल्ली है", "Ça été"]
)
def test_rouge_knows_every_script(text):
    assert whole(rouge([text], [text])) == dict.fromkeys(KINDS, 1.0)


def test_marks_belong_to_their_words():
    assert words().tokenize("बिल्ली है।") == ["बिल्ली", "है"]


def test_rouge_of_one_word_has_no_pairs_of_words():
    assert whole(rouge(["cat"], ["cat"])) == {"rouge1": 1.0, "rougeL": 1.0}
    assert whole(rouge(["cat", "a dog"], ["cat", "a dog"]))["rouge2"] == 1.0


def test_each_rouge_takes_its_best_reference():
    found = whole(rouge(["a b c\x1ec b a x"], ["a b c x"]))
    assert found["rouge1"] == 1.0
    assert found["rougeL"] == pytest.approx(6 / 7)


@pytest.mark.parametrize("name", generation.NAMES)
def test_references_are_perfect_and_empty_answers_finite(name):
    gold = ["the cat sat on a mat\x1ea cat sat there", "two dogs"]
    right = generation.score(gold, [text.split("\x1e")[0] for text in gold], [name])
    best = 0.0 if name.endswith("error") or name == "ter" else 100.0
    best = 1.0 if name in ("rouge", "exact_match") else best
    assert right == pytest.approx(dict.fromkeys(right, best))
    assert np.isfinite([*generation.score(gold, ["", ""], [name]).values()]).all()


def test_unknown_score_is_refused():
    with pytest.raises(UsageError, match="Did you mean 'bleu'"):
        generation.score(["a"], ["a"], ["blue"])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("", "", 0), ("", "ab", 2), ("abc", "", 3), ("flaw", "lawn", 2), ("ab", "ba", 2)],
)
def test_distance_counts_single_edits(first, second, expected):
    assert error_rates.distance(first, second) == expected


def test_distance_is_that_of_the_textbook():
    random = np.random.default_rng(0)
    for _ in range(50):
        first, second = (
            [*random.choice([*"abc"], random.integers(0, 9))] for _ in range(2)
        )
        table = {(-1, n): n + 1 for n in range(-1, len(second))}
        table |= {(n, -1): n + 1 for n in range(-1, len(first))}
        for i, one in enumerate(first):
            for j, other in enumerate(second):
                table[i, j] = min(
                    table[i - 1, j] + 1,
                    table[i, j - 1] + 1,
                    table[i - 1, j - 1] + (one != other),
                )
        expected = table[len(first) - 1, len(second) - 1]
        assert error_rates.distance(first, second) == expected


def test_the_nearest_pronunciation_counts():
    gold = ["L IH V\x1eL AY V", "K AE T S"]
    counted = error_rates.error_rate(gold, ["L AY V", "K AH T"], name="phone_error")
    assert whole(counted) == {"phone_error": pytest.approx(2 / 7)}


def test_characters_may_be_what_is_counted():
    counted = error_rates.error_rate(["日本語"], ["日本"], name="c", unit="characters")
    assert whole(counted) == {"c": pytest.approx(1 / 3)}


def test_answers_to_nothing_are_errors_and_finite():
    assert whole(error_rates.error_rate(["", ""], ["a b", ""])) == {"word_error": 2.0}


def test_perplexity_and_bits_are_over_all_tokens():
    counted = diversity.perplexity(
        np.log([0.5, 0.125]), np.array([1, 3]), characters=np.array([2, 6])
    )
    found = whole(counted)
    assert found["perplexity"] == pytest.approx(2.0)
    assert found["nats_per_token"] == pytest.approx(math.log(2))
    assert found["bits_per_character"] == pytest.approx(0.5)


def test_an_impossible_text_has_a_finite_perplexity():
    found = whole(diversity.perplexity(np.array([-1e9]), np.array([1])))
    assert math.isfinite(found["perplexity"])


def test_samples_that_repeat_are_told():
    assert whole(diversity.repetition(["a b c d " * 3])) == {
        "repetition_4": pytest.approx(5 / 9)
    }
    assert whole(diversity.repetition(["short", ""])) == {"repetition_4": 0.0}
    assert diversity.distinct(["", ""]) == dict.fromkeys(
        ("distinct_1", "distinct_2", "distinct_3"), 0.0
    )


def systems(rows=200):
    random = np.random.default_rng(3)
    gold = [[*random.choice([*"abcdefghij"], 12)] for _ in range(rows)]

    def answered(share):
        return [
            " ".join("x" if random.random() < share else word for word in row)
            for row in gold
        ]

    return [" ".join(row) for row in gold], answered(0.30), answered(0.27)


def test_two_systems_compare_as_sacrebleu_compares_them(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    gold, first, second = systems()
    found = generation.paired(gold, first, second)
    test = PairedTest(
        [("first", first), ("second", second)],
        {"BLEU": BLEU(), "chrF": CHRF()},
        [gold],
        test_type="bs",
        n_samples=1000,
    )
    _, theirs = test()
    for name, key in (("bleu", "BLEU"), ("chrf", "chrF2")):
        one, other = theirs[key]
        assert found[name].value == pytest.approx(other.score - one.score, abs=0.01)
        assert found[name].p == pytest.approx(other.p_value, abs=0.06)


def test_intervals_are_those_of_sacrebleu(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    gold, first, _ = systems()
    theirs = BLEU().corpus_score(first, [gold], n_bootstrap=1000)
    draw = corpus_statistics.bootstrap(generation.statistics(gold, first, ["bleu"]))
    low, high = intervals.percentiles(draw, len(gold))["bleu"]
    assert high - low == pytest.approx(2 * theirs._ci, rel=0.1)


def test_a_system_is_like_itself():
    gold, first, _ = systems(20)
    found = generation.paired(gold, first, first, ["bleu", "exact_match"], repeats=50)
    assert {each.p for each in found.values()} == {1.0}


def test_systems_answer_the_same_rows():
    one, other = (generation.statistics(["a"] * n, ["a"] * n) for n in (2, 3))
    with pytest.raises(ValueError, match="Received: 2 and 3 rows"):
        corpus_statistics.paired(one, other)
