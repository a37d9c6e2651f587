"""BLEU, chrF, TER: numbers and signatures of sacrebleu, also of bootstrap samples."""

import sys
import time

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from tfnlp.errors import UsageError
from tfnlp.scores import bleu_chrf_ter, corpus_statistics
from tfnlp.scores.references import apart, streams

MAKERS = {
    "bleu": bleu_chrf_ter.bleu,
    "chrf": bleu_chrf_ter.chrf,
    "ter": bleu_chrf_ter.ter,
}
METRICS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
RANDOM = np.random.default_rng(5)
WORDS = [f"w{number}" for number in range(30)]


def sentences(count, changed=0.0):
    """Sentences of made-up words, the same ones with a share of them changed."""
    random = np.random.default_rng(1)
    rows = [[*random.choice(WORDS, random.integers(5, 15))] for _ in range(count)]
    other = np.random.default_rng(2)
    return [
        " ".join("x" if other.random() < changed else word for word in row)
        for row in rows
    ]


@pytest.mark.parametrize("name", MAKERS)
def test_scores_and_signatures_are_those_of_sacrebleu(name):
    first, second = sentences(40), sentences(40, 0.2)
    gold = [
        f"{a}\x1e{b}" if n % 3 else a
        for n, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    answered = sentences(40, 0.5)
    counted = MAKERS[name](gold, answered)
    metric = METRICS[name]()
    expected = metric.corpus_score(answered, streams(apart(gold))).score
    assert corpus_statistics.corpus_scores([counted])[name] == pytest.approx(
        expected, abs=1e-9
    )
    assert counted.signatures[name] == metric.get_signature().format()
    assert "nrefs:var|" in counted.signatures[name]


@pytest.mark.parametrize("name", MAKERS)
def test_rows_drawn_anew_score_as_sacrebleu_scores_them(name):
    gold, answered = sentences(30), sentences(30, 0.4)
    numbers = RANDOM.integers(0, 30, 30)
    drawn = [[texts[number] for number in numbers] for texts in (answered, gold)]
    expected = METRICS[name]().corpus_score(drawn[0], [drawn[1]]).score
    found = corpus_statistics.bootstrap([MAKERS[name](gold, answered)])(numbers)
    assert found[name] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "best"), [("bleu", 100), ("chrf", 100), ("ter", 0)])
@pytest.mark.parametrize("texts", [["a cat", "dogs"], ["the cat sat on the mat."]])
def test_references_are_perfect_answers(name, best, texts):
    assert corpus_statistics.corpus_scores([MAKERS[name](texts, texts)]) == {
        name: pytest.approx(best)
    }


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("gold", [["a cat", "a dog"], ["", ""]])
def test_empty_answers_have_a_finite_score(name, gold):
    assert np.isfinite(
        corpus_statistics.corpus_scores([MAKERS[name](gold, ["", ""])])[name]
    )


@pytest.mark.parametrize("name", MAKERS)
def test_no_rows_have_no_score(name):
    assert corpus_statistics.corpus_scores([MAKERS[name]([], [])]) == {}


def test_short_references_are_counted_with_n_grams_that_are_there():
    assert "|eff:yes|" in bleu_chrf_ter.bleu(["a cat"], ["a cat"]).signatures["bleu"]
    assert "|eff:no|" in bleu_chrf_ter.bleu(["a b c d"], ["a b"]).signatures["bleu"]


def test_chinese_is_cut_by_its_own_tokenizer():
    counted = bleu_chrf_ter.bleu(["今天天气很好"], ["今天天气不好"], tokenize="zh")
    assert 0 < corpus_statistics.corpus_scores([counted])["bleu"] < 100
    assert "|tok:zh|" in counted.signatures["bleu"]


def test_unknown_tokenizer_is_refused():
    with pytest.raises(UsageError, match="Did you mean '13a'"):
        bleu_chrf_ter.bleu(["a"], ["a"], tokenize="13")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(UsageError, match=r"pip install 'tfnlp\[generation\]'"):
        bleu_chrf_ter.chrf(["a"], ["a"])


def test_a_thousand_draws_of_a_thousand_rows_are_fast():
    gold, answered = sentences(1000), sentences(1000, 0.3)
    statistics = [
        bleu_chrf_ter.bleu(gold, answered),
        bleu_chrf_ter.chrf(gold, answered),
    ]
    draw = corpus_statistics.bootstrap(statistics)
    start = time.process_time()
    for _ in range(1000):
        draw(RANDOM.integers(0, 1000, 1000))
    assert time.process_time() - start < 3.0  # 0.06 s on an idle machine


def test_signatures_are_a_table_of_the_report():
    table = corpus_statistics.signatures(
        [bleu_chrf_ter.bleu(["a"], ["a"]), bleu_chrf_ter.ter(["a"], ["a"])]
    )
    assert [name for name, _ in table.rows] == ["bleu", "ter"]
    assert all("version:" in signature for _, signature in table.rows)
