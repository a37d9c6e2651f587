"""The verbs on a real artefact."""

import io
import json
import subprocess
import sys

import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.data.readers import from_list

pytestmark = pytest.mark.slow

ROWS = [("a good film", "pos"), ("a bad film", "neg")] * 4


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier, saved."""
    rows = from_list([{"text": text, "label": label} for text, label in ROWS])
    task = tfnlp.Classification.from_rows(rows, length=8)
    network = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), width=4))
    folder = tmp_path_factory.mktemp("saved")
    return str(tfnlp.save(task, network, "tiny", output=folder).parent)


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


def answers(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_flags_and_standard_input_give_the_same_answers(artefact, capsys, monkeypatch):
    assert call("predict", artefact, "--text", "a good film", "") == 0
    typed = answers(capsys)
    raw = io.BytesIO(b'{"text": "a good film"}\n{"text": ""}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="utf-8"))
    assert call("predict", artefact) == 0
    assert typed == answers(capsys)
    assert list(typed[0]) == ["label", "score", "probabilities"]


def test_a_row_is_answered_while_the_pipe_stays_open(artefact):
    words = [sys.executable, "-m", "tfnlp", "predict", artefact]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, bufsize=0, **pipes) as process:
        for text in (b"good, said all\n", b"bad\n"):
            process.stdin.write(text)
            assert "label" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


def test_evaluate_scores_a_file_with_other_columns(artefact, tmp_path, capsys):
    file = tmp_path / "test.csv"
    file.write_text("review;class\nso good;pos\nso bad;neg\n")
    words = ["--data", str(file), "--text", "review", "--label", "class"]
    assert call("evaluate", artefact, *words, "--json", "--gate", "accuracy=1.1") == 4
    assert json.loads(capsys.readouterr().out)["rows"] == {"test": 2}


def test_a_missing_data_file_is_rejected_data(artefact, tmp_path, capsys):
    assert call("evaluate", artefact, "--data", str(tmp_path / "none.csv")) == 3
    assert "Received: " in capsys.readouterr().err


def test_audit_of_a_file_with_one_class_ends_with_3(tmp_path, capsys):
    file = tmp_path / "one.csv"
    file.write_text("text,label\na,pos\nb,pos\n")
    assert call("audit", str(file)) == 3
    shown = capsys.readouterr()
    assert "rows" in shown.out
    assert (shown.out + shown.err).count("one class only") == 1
