"""The verbs on a real artefact."""

import io
import json
import shutil
import subprocess
import sys

import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.data.readers import from_list
from tfnlp.export.savedmodel.artefact import export

pytestmark = pytest.mark.slow

ROWS = [("a good film", "pos"), ("a bad film", "neg")] * 4


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier, saved."""
    rows = from_list([{"text": text, "label": label} for text, label in ROWS])
    task = tfnlp.Classification.from_rows(rows, sequence_length=8)
    network = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=4))
    folder = tmp_path_factory.mktemp("saved")
    return str(export(task, network, "tiny", output=folder).parent)


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


@pytest.mark.parametrize(
    ("words", "line"), [([], "\r2 rows, "), (["--quiet"], "")], ids=["shown", "quiet"]
)
def test_a_terminal_shows_how_far_the_reading_is(words, line, artefact, monkeypatch):
    monkeypatch.setattr("tfnlp.cli.io.progress.OFTEN", 0.0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"good\nbad\n")))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert call("predict", artefact, *words) == 0
    assert line in terminal.getvalue() and bool(line) == bool(terminal.getvalue())


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


def test_evaluate_looks_at_the_rows_first(artefact, tmp_path, capsys):
    file = tmp_path / "test.csv"
    file.write_text("text,label\nso good,pos\nso odd,odd\nso,\n ,neg\n")
    assert call("evaluate", artefact, "--data", str(file), "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["rows"] == {"test": 3}
    assert shown.err.count("warning: ") >= 3
    assert "warning: 1 row (25.0%) has no label; it is left out." in shown.err
    assert "never answers: 'odd'." in shown.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,1\nb,0\n", "knows: 'neg', 'pos'. Received: '1', '0' in 2 rows"),
        ("text,label\n ,pos\n,neg\n", "Evaluation needs texts. Received: 2 rows, none"),
        ("text,label\na,\nb,\n", "Received: no label in 2 rows."),
    ],
)
def test_rows_that_cannot_be_scored_are_rejected(
    content, message, artefact, tmp_path, capsys
):
    (tmp_path / "test.csv").write_text(content)
    assert call("evaluate", artefact, "--data", str(tmp_path / "test.csv")) == 3
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_an_artefact_without_a_file_ends_with_1(verb, artefact, tmp_path, capsys):
    copy = shutil.copytree(artefact, tmp_path / "tiny")
    (copy / "1" / "saved_model.pb").unlink()
    (tmp_path / "test.csv").write_text("text,label\na,pos\n")
    assert call(verb, str(copy), "--data", str(tmp_path / "test.csv")) == 1
    assert "Missing: saved_model.pb." in capsys.readouterr().err
