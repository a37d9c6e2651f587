"""Tagging scores against those of seqeval, and their draws against themselves."""

import random
from functools import partial

import numpy as np
import pytest

from tfnlp.data.tagging.schemes import spans
from tfnlp.scores import span_pairs, tagging, tagging_figures
from tfnlp.scores.intervals import percentiles

NAMES = ("precision", "recall", "f1", "precision_macro", "recall_macro", "f1_macro")
# seqeval 1.2.2 on `sequences(scheme, 7)`, default and strict mode.
SEQEVAL = {
    ("BIO", False): (0.858065, 0.875, 0.86645, 0.859187, 0.874545, 0.866071),
    ("BIO", True): (0.804878, 0.804878, 0.804878, 0.805622, 0.806548, 0.804167),
    ("BIOES", False): (0.855, 0.881443, 0.86802, 0.855442, 0.881484, 0.868068),
    ("BIOES", True): (0.782609, 0.84375, 0.81203, 0.776923, 0.836453, 0.805314),
}
LETTERS = {"BIO": "BI", "BIOES": "BIES"}


def column(*values):
    return np.array(values, object)


def sequences(scheme, seed):
    """Tags at random, most of them invalid, and answers that are mostly the same."""
    random_ = random.Random(seed).random
    labels = ["O", "O", *(f"{a}-{b}" for a in LETTERS[scheme] for b in "AB")]
    gold, answered = [], []
    for _ in range(50):
        size = 1 + int(random_() * 12)
        gold.append([labels[int(random_() * len(labels))] for _ in range(size)])
        answered.append(
            [
                tag if random_() < 0.8 else labels[int(random_() * len(labels))]
                for tag in gold[-1]
            ]
        )
    return gold, answered


def joined(tags):
    return column(*map(" ".join, tags))


@pytest.mark.parametrize(("scheme", "strict"), SEQEVAL)
def test_scores_are_those_of_seqeval(scheme, strict):
    gold, answered = map(joined, sequences(scheme, 7))
    reader = partial(spans, scheme=scheme, strict=strict)
    found = tagging.score(gold, answered, spans=reader)
    np.testing.assert_allclose(
        [found[name] for name in NAMES], SEQEVAL[scheme, strict], atol=1e-6
    )


def test_draws_are_the_scores_of_the_drawn_rows():
    gold, answered = map(joined, sequences("BIO", 1))
    draw = tagging.headline(gold, answered, spans=spans)
    numbers = np.random.default_rng(0).integers(0, len(gold), len(gold))
    whole = tagging.score(gold[numbers], answered[numbers], spans=spans)
    drawn = draw(numbers)
    assert drawn == pytest.approx({name: whole[name] for name in drawn})


def test_interval_holds_the_score():
    gold, answered = map(joined, sequences("BIO", 2))
    draw = tagging.headline(gold, answered, spans=spans)
    low, high = percentiles(draw, len(gold), repeats=200)["f1"]
    assert low < tagging.score(gold, answered, spans=spans)["f1"] < high


@pytest.mark.parametrize("reader", [spans, None])
def test_gold_answers_are_perfect(reader):
    gold, _ = map(joined, sequences("BIO", 3))
    assert set(tagging.score(gold, gold, spans=reader).values()) == {1.0}


@pytest.mark.parametrize("gold", [column(), column(""), column("O O"), column("B-A")])
def test_empty_answers_have_finite_scores(gold):
    empty = column(*[""] * len(gold))
    scores = tagging.score(gold, empty, spans=spans)
    assert np.isfinite(list(scores.values())).all()
    assert scores["f1"] == scores["token_accuracy"] == 0


def test_tags_unknown_to_gold_are_errors():
    found = tagging.score(column("B-A O"), column("B-NEW O"), spans=spans)
    assert found["f1"] == 0 and found["token_accuracy"] == 0.5


def test_missing_and_spare_tags_of_an_answer_are_errors():
    found = tagging.score(column("B-A B-B", "O"), column("B-A", "O B-A"), spans=spans)
    assert (found["token_accuracy"], found["sentence_accuracy"]) == (2 / 3, 0)
    assert (found["precision"], found["recall"]) == (0.5, 0.5)


def test_types_have_scores_of_their_own():
    compared = tagging.compare(column("B-A O B-B"), column("B-A B-A B-A"), spans=spans)
    found = tagging.by_type(compared.counts())
    assert found["A"]["precision"] == pytest.approx(1 / 3)
    assert found["B"] == {"precision": 0, "recall": 0, "f1": 0, "spans": 1}


@pytest.mark.parametrize(
    ("gold", "answered", "kinds"),
    [
        ("B-A I-A", "B-A I-A", ["exact"]),
        ("B-A I-A", "B-B I-B", ["type"]),
        ("B-A I-A", "B-A O", ["ends"]),
        ("B-A I-A", "O B-B", ["both"]),
        ("B-A O", "O O", ["missed"]),
        ("O O", "O B-A", ["spurious"]),
        ("B-A I-A", "B-B B-A", ["ends", "spurious"]),
        ("B-A I-A I-A", "B-A B-B I-B", ["both", "spurious"]),
    ],
)
def test_spans_are_paired_one_to_one(gold, answered, kinds):
    pairs = span_pairs.pairs(column(gold), column(answered), spans=spans)
    assert [pair.kind for pair in pairs] == kinds


def test_figures_of_spans_agree_with_the_scores():
    gold, answered = map(joined, sequences("BIO", 4))
    tokens = column(*(" ".join("w" for _ in row.split()) for row in gold))
    drawn = {
        figure.title.split(":")[0]: figure
        for figure in tagging_figures.figures(tokens, gold, answered, spans=spans)
    }
    right = tagging.compare(gold, answered, spans=spans).counts().right.sum()
    assert drawn["Partial matches"].rows[0][1] == right
    assert drawn["Spans"].labels == ("A", "B", "(none)")
    assert "('w', 'A', True)" in str(drawn["Worst sentences"].rows)


def test_figures_of_plain_tags_name_words():
    words, gold = column("so be it", ""), column("X Y X", "")
    drawn = tagging_figures.figures(words, gold, column("X X", ""))
    assert drawn[0].labels == ("X", "Y", "(none)")
    assert drawn[2].columns[:2] == ("tag", "words")
    assert tagging_figures.figures(column(), column(), column()) == ()
    assert tagging_figures.figures(column(""), column(""), column(""))[0].counts == ()
