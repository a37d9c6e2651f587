"""TF-IDF and a linear SVM, on files made by hand."""

import dataclasses
import json

import numpy as np
import pytest

from tfnlp import cli


@pytest.fixture
def baseline(script):
    return script("benchmarks/baseline.py")


def run(baseline, capsys, *words):
    baseline.main(cli.parse(baseline.Recipe, words))
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_a_run_prints_one_line_of_json(baseline, films, capsys):
    found = run(baseline, capsys, "--train", films)
    assert found["scores"] == {"accuracy": 1.0, "f1_macro": 1.0, "f1_micro": 1.0}
    assert sum(found["rows"].values()) == 80


def test_rows_with_several_labels_get_several(baseline, tmp_path, capsys):
    texts = {"a": "warm", "b": "dull", "a,b": "warm dull"}
    rows = [f"{text} {n}\t{label}" for n in range(40) for label, text in texts.items()]
    path = tmp_path / "several.tsv"
    path.write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    found = run(baseline, capsys, "--train", str(path), "--multi_label")
    assert found["scores"]["accuracy"] == 1.0


def test_a_pair_is_one_text(baseline, tmp_path):
    path = tmp_path / "pairs.csv"
    rows = [f"one {n},two {n},{n % 2}" for n in range(60)]
    path.write_text("\n".join(["b,a,label", *rows]), encoding="utf-8")
    words = ["--train", str(path), "--text", "b", "--text_pair", "a"]
    splits = cli.parse(baseline.Recipe, words).read_splits()
    first = baseline.in_memory(splits.train).texts[0].split()
    assert (first[0], first[2]) == ("one", "two")


@pytest.mark.parametrize(
    ("text", "blanks"),
    [("a fine film", True), ("交互性很差 3D", False), ("とても良い映画", False)],
)
def test_blanks_decide_between_words_and_characters(baseline, text, blanks):
    assert baseline.has_blanks([text]) is blanks


def test_a_row_gets_its_likeliest_label_where_every_row_has_one(baseline):
    labels = np.array(["a", "b", "a,b"] * 5, object)
    answer = baseline.trained(np.eye(3)[[0, 1, 2] * 5], labels, cost=1, separator=",")
    assert answer(np.zeros((1, 3)))[0] != ""


def test_flags_about_data_are_those_of_the_pipeline(baseline, script):
    pipeline = {
        field.name: (field.type, field.default)
        for field in dataclasses.fields(
            script("pipelines/text_classification.py").Recipe
        )
    }
    for field in dataclasses.fields(baseline.Recipe):
        assert pipeline[field.name] == (field.type, field.default)
