"""Whole runs of tfnlp and its peers, on a file made by hand."""

import csv

import pytest

from tfnlp import cli
from tfnlp.errors import TfnlpError, UsageError


@pytest.fixture
def whole(script):
    return script("benchmarks/whole_runs.py")


@pytest.mark.slow
def test_runs_read_the_same_files_and_are_measured(whole, films, capsys):
    names = ["scikit-learn, TF-IDF and linear SVM", "Keras, convolution", "bow"]
    whole.main(cli.parse(whole.Recipe, ["--train", films, "--runs", ";".join(names)]))
    _, _, *lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [name for name, *_ in cells] == names
    assert cells[0][1] == cells[2][1] == "1.0000"
    for name, _, scored, seconds, memory in cells:
        assert float(memory.removesuffix(" GB")) > 0
        # The peers end with their score, ours save an artefact behind it.
        assert 0 < float(scored) <= float(seconds)
        assert (float(scored) < float(seconds)) == (name == "bow")


def test_sides_are_written_as_they_were_read(whole, tmp_path):
    text = 'He said: "fine"\nand left, 🎬'
    rows = cli.parse(whole.Recipe, ["--train", str(table(tmp_path / "t.csv", text))])
    paths = whole.write(rows.read_splits(), tmp_path)
    read = [row for path in paths for row in csv.DictReader(open_text(path))]
    assert len(read) == 40
    assert {row["text"] for row in read} == {f"{text} {n}" for n in range(40)}
    assert {row["label"] for row in read} == {"0", "1"}


def table(path, text):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [("text", "label"), *((f"{text} {n}", n % 2) for n in range(40))]
        )
    return path


def open_text(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.readlines()


def test_a_run_that_fails_is_named(whole, tmp_path):
    with pytest.raises(TfnlpError, match="a failure of fastText, bigrams"):
        whole.measure("fastText, bigrams", ["no", "such", "files"], tmp_path)


@pytest.mark.parametrize(
    "words", [["--runs", "bows"], ["--text_pair", "b"], ["--multi_label"]], ids=str
)
def test_what_cannot_be_compared_is_told(whole, words):
    with pytest.raises(
        UsageError, match=r"Received: ('bows'|--text_pair or --multi_label)"
    ):
        whole.main(cli.parse(whole.Recipe, words))
