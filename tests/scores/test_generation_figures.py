"""Figures of generated texts, and how a page draws them."""

import numpy as np
import pytest

from tfnlp.evaluation import drawing
from tfnlp.evaluation.report import Report
from tfnlp.scores import generation_figures as drawn
from tfnlp.scores.figures import Heat, from_json


def column(*texts):
    return np.array([*texts, None], object)[:-1]


GOLD = column(*(f"ein Hund und {n} Katzen" for n in range(20)))
ANSWERED = column(*(text[: n + 3] for n, text in enumerate(GOLD)))


def test_samples_are_worst_typical_and_best_and_never_twice():
    found = drawn.samples(GOLD, GOLD, ANSWERED)
    assert [len(figure.rows) for figure in found] == [5, 5, 5]
    texts = [lines[0][1][0][0] for figure in found for lines in figure.rows]
    assert len({*texts}) == 15
    quality = [[float(lines[3][1][0][0]) for lines in each.rows] for each in found]
    assert max(quality[0]) < min(quality[1]) <= max(quality[1]) < min(quality[2])


@pytest.mark.parametrize(("rows", "figures"), [(0, 0), (1, 1), (2, 2), (4, 3)])
def test_few_rows_are_shown_once(rows, figures):
    assert len(drawn.samples(GOLD[:rows], GOLD[:rows], ANSWERED[:rows])) == figures


def test_a_sample_has_all_references_and_says_what_is_empty():
    [figure] = drawn.samples(column("a"), column("ein\x1eeine"), column(" "))
    pieces = {name: line[0][0] for name, line in figure.rows[0]}
    assert pieces["reference"] == "ein ‖ eine"
    assert (pieces["answer"], pieces["chrF"]) == ("(empty)", "0.0")


def test_lengths_are_put_together_where_references_are_as_long():
    gold = column(*["a b"] * 50, *["a b c"] * 50)
    answered = column(*["a"] * 50, *["a b c d"] * 50)
    assert drawn.lengths(gold, answered).series[0][1:] == ((2.0, 3.0), (1.0, 4.0))


def test_texts_without_spaces_are_measured_in_characters():
    figure = drawn.lengths(column("今天天气很好今天天气很好"), column("今天"))
    assert (figure.y_label, figure.series[0][1:]) == ("characters", ((12.0,), (2.0,)))


def test_padding_has_no_perplexity():
    logs, weight = np.log([[0.5, 0.5], [0.5, 1e-9]]), np.array([[1.0, 1], [1, 0]])
    series = drawn.perplexity_by_place(logs, weight).series[0]
    assert series[1] == (1.0, 2.0)
    assert series[2] == pytest.approx((2.0, 2.0))


def test_places_are_put_together():
    logs = np.zeros([2, 500])
    assert len(drawn.perplexity_by_place(logs, np.ones([2, 500])).series[0][1]) == 30


def test_attention_is_cut_to_its_tokens_and_to_sixty():
    weights = np.full([80, 90], 0.01)
    figure = drawn.attention(["a"] * 70, ["b"] * 3, weights)
    assert (len(figure.rows), len(figure.columns)) == (3, 60)
    assert np.shape(figure.weights) == (3, 60)
    assert figure.title == "Attention, the first 60 tokens"


@pytest.mark.parametrize(
    "figure",
    [
        Heat("Attention", ("<end>",), ("語", "a"), ((0.0, 1.0),)),
        Heat("Nothing", ("a",), ("b",), ((0.0,),)),
        Heat("Empty", (), (), ()),
    ],
)
def test_heat_is_drawn_and_is_json(figure):
    assert from_json(figure.to_json()) == figure
    assert drawing.svg(figure).startswith("<svg ")


def test_names_of_heat_are_text_and_the_heaviest_is_the_darkest():
    found = drawing.svg(Heat("Attention", ("<end>",), ("語", "a"), ((0.0, 0.5),)))
    assert "&lt;end&gt;" in found and "語" in found and "fill-opacity: 0.04" in found


def test_a_page_holds_every_figure():
    weights = np.eye(2)
    figures = (
        *drawn.figures(GOLD, GOLD, ANSWERED),
        drawn.perplexity_by_place(np.zeros([1, 2]), np.ones([1, 2])),
        drawn.attention(["a", "dog"], ["ein", "Hund"], weights),
    )
    page = Report({"bleu": 1.0}, figures=figures).html()
    for figure in figures:
        assert figure.title in page


def test_no_rows_have_no_figures():
    none = column()
    assert drawn.figures(none, none, none) == ()
