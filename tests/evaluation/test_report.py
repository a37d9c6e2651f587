"""A report reads as text, JSON, Markdown and a page, and harms no reader."""

import json
import math
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from tfnlp.errors import ArtefactError, TfnlpError
from tfnlp.evaluation.report import Report
from tfnlp.scores.figures import Bars, Curve, Highlights, Matrix, Table

GOLD = ("gold", (("to ", "", False), ("روما", "LOC", True), (" Ann", "PER", False)))
HARMFUL = "<script>alert('x')</script> & 新闻 😀 $x^$ | [a](b)\x00"


@pytest.fixture
def report() -> Report:
    return Report(
        scores={"loss": 0.41, "accuracy": 0.8},
        intervals={"accuracy": (0.75, 0.85)},
        seconds={"train": 61.5},
        cost={"tokens": 123456, "peak_memory": 1_940_000_000},
        rows={"train": 9000, "test": 1281},
        versions={"python": "3.11", "cores": 2},
        history={"loss": [0.7, 0.5], "val_loss": [0.6, math.nan]},
        figures=(
            Matrix("Confusion", (HARMFUL, "新闻"), ((3, 1), (0, 5))),
            Curve("Calibration", "x", "y", ((HARMFUL, (0.1,), (0.2,)),), diagonal=True),
            Bars("Classes", "class", "rows", (HARMFUL, "b" * 99), (3, 4)),
            Bars("Lengths", "words", "rows", ("0–9", "≥ 10"), (3, 4), upright=True),
            Table("Errors", ("text", "score"), ((HARMFUL, 0.9),)),
            Highlights("Marked", (((HARMFUL, ((HARMFUL, HARMFUL, True),)),),), HARMFUL),
        ),
        recipe={"name": HARMFUL, "training": {"epochs": 3}},
        audit={"findings": [{"check": HARMFUL, "rows": 3}]},
    )


class Tags(HTMLParser):
    """Collects the tags of a page and what they would fetch."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [v for k, v in attrs if k in {"src", "href", "xlink:href"}]


def test_text_starts_with_the_scores_that_have_intervals(report):
    assert str(report).splitlines() == [
        "accuracy   0.8000  [0.7500, 0.8500]",
        "loss       0.4100",
        "9,000 train rows · 1,281 test rows · train 61.5 s · 123,456 tokens trained on "
        "· peak memory 1.9 GB",
    ]


def test_json_comes_back_as_the_same_report(report, tmp_path):
    report.save(tmp_path)
    again = Report.load(tmp_path)
    assert again.to_json() == report.to_json()
    assert again.figures == report.figures
    assert again.intervals == report.intervals


def test_json_holds_no_nan(report, tmp_path):
    Report({"loss": math.nan, "accuracy": np.float32(0.5)}).save(tmp_path)
    values = json.loads((tmp_path / "report.json").read_text())
    assert values["scores"] == {"loss": None, "accuracy": 0.5}
    assert math.isnan(Report.load(tmp_path / "report.json").scores["loss"])


def test_page_escapes_rows(report):
    page = report.html()
    assert "script" not in Tags(page).tags
    assert "<script" not in page and "alert(&#39;x&#39;)" in page


def test_page_fetches_nothing(report):
    tags = Tags(report.html())
    assert all(link.startswith("#") for link in tags.links)
    assert not tags.tags & {"link", "img", "iframe", "object", "script"}


def test_page_keeps_letters_of_any_script_in_pictures(report):
    page = report.html()
    pictures = page[page.index("<svg") : page.rindex("</svg>")]
    assert "新闻" in pictures and "<text" in pictures


def test_pictures_follow_the_theme_of_the_page(report):
    page = report.html()
    pictures = page[page.index("<svg") : page.rindex("</svg>")]
    assert "var(--accent)" in pictures and "#01000" not in pictures


def test_page_has_a_section_for_everything(report):
    page = report.html()
    titles = "Learning curves|Confusion|Errors|Seconds|Data audit|Environment|Recipe"
    assert [title for title in titles.split("|") if title not in page] == []


def test_page_of_scores_alone_has_no_empty_section():
    page = Report({"loss": 0.3}).html()
    assert page.count("<h2") == 1


def test_markdown_escapes_rows(report):
    text = report.markdown()
    assert "<script" not in text and r"\[a\](b)" in text
    assert "| accuracy | 0.8000 | 0.7500 – 0.8500 |" in text


def test_marks_stand_in_their_texts():
    page = Report({}, figures=(Highlights("H", ((GOLD,),), "so"),)).html()
    first, second = (
        f'<mark class="t{n}{frame}">{text}&nbsp;<bdi>{label}</bdi></mark>'
        for n, frame, text, label in (
            (0, " wrong", "روما", "LOC"),
            (1, "", " Ann", "PER"),
        )
    )
    assert f'<p dir="auto">to {first}{second}</p>' in page
    assert '<span class="name">gold</span>' in page


def test_marks_have_no_colours_where_all_are_wrong():
    line = ("", (("be", "VERB→AUX", True),))
    page = Report({}, figures=(Highlights("H", ((line,),)),)).html()
    assert '<p dir="auto" class="alone"><mark class=" wrong">be&nbsp;<bdi>' in page


def test_markdown_has_marks_in_brackets():
    other = ("answered", (("to روما Ann", "", False),))
    text = Report({}, figures=(Highlights("H", ((GOLD, other),)),)).markdown()
    assert "| gold | answered |\n" in text
    assert r"| to \[روما LOC\]\[ Ann PER\] | to روما Ann |" in text
    assert Report({}, figures=(Highlights("H", ()),)).markdown().count("##") == 0


@pytest.mark.parametrize("classes", [1, 2, 28])
def test_pictures_have_room_for_any_number_of_classes(classes):
    names = tuple(f"a class with a long name {number}" for number in range(classes))
    counts = tuple((1,) * classes for _ in names)
    page = Report({}, figures=(Matrix("M", names, counts),)).html()
    assert page.count("a class with a") == 2 * classes


def test_a_lone_surrogate_is_written(tmp_path):
    Report({"loss": 1.0}, recipe={"name": "a\ud800"}).save(tmp_path)
    assert Report.load(tmp_path).recipe == {"name": "a\ud800"}


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_named(report, monkeypatch, missing):
    monkeypatch.delitem(sys.modules, "tfnlp.evaluation.drawing", raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delattr("tfnlp.evaluation.drawing", raising=False)
    with pytest.raises(TfnlpError, match=rf"{missing}.* pip install 'tfnlp\[report\]'"):
        report.html()


def test_without_the_extra_json_and_markdown_are_written(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.warns(UserWarning, match=r"tfnlp\[report\]"):
        written = report.save(tmp_path)
    assert [path.name for path in written] == ["report.json", "report.md"]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"figures": []}'])
def test_a_file_that_is_not_a_report_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(
        ArtefactError, match=r"Received: .*report\.json .* Give the file"
    ):
        Report.load(tmp_path)
