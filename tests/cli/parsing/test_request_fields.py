"""Requests of `predict` to artefacts of texts, words, or a place in either."""

import io
import json
import sys

import numpy as np
import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.specs import TEXT

PLACE = np.zeros(1, np.int32)
COLUMNS = "Ann NNP B-PER\nleft VBD O\n\nBob NNP B-PER\nstayed VBD O\n"


class Tagger:
    """Answers the request itself."""

    endpoints = {  # noqa: RUF012
        "serving_default": {"text": TEXT},
        "from_tokens": {"tokens": TEXT},
    }

    def forms(self, names=()):
        return self.endpoints

    def stream(self, rows, *, batch_size):
        for row in rows:
            yield {
                name: value.decode() if isinstance(value, bytes) else value
                for name, value in row.items()
            }


class Roles(Tagger):
    endpoints = {  # noqa: RUF012
        "serving_default": {"predicate": PLACE, "text": TEXT},
        "from_tokens": {"predicate": PLACE, "tokens": TEXT},
    }


@pytest.fixture
def predict(monkeypatch, capsys):
    def predict(predictor, *words, stdin=None):
        monkeypatch.setattr(tfnlp, "load", lambda path: predictor, raising=False)
        if stdin is not None:
            raw = io.BytesIO(stdin.encode())
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="utf-8"))
        with pytest.raises(SystemExit) as stop:
            console.main(["predict", "demo", *words])
        shown = capsys.readouterr()
        answers = [json.loads(line) for line in shown.out.splitlines()]
        return answers if stop.value.code == 0 else (stop.value.code, shown.err)

    return predict


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--text", "Ann left."], {"text": "Ann left."}),
        (["--tokens", "Ann left ."], {"tokens": "Ann left ."}),
    ],
)
def test_flags_say_which_form_a_request_has(words, answer, predict):
    assert predict(Tagger(), *words) == [answer]


@pytest.mark.parametrize(
    ("stdin", "words", "answers"),
    [
        (
            "Ann left.\nBob stayed.\n",
            (),
            [{"text": "Ann left."}, {"text": "Bob stayed."}],
        ),
        ('{"tokens": ["Ann", "left"], "id": 1}', (), [{"tokens": "Ann left"}]),
        ('{"tokens": "Ann left"}\n', (), [{"tokens": "Ann left"}]),
        ('{"text": "Ann", "tokens": ["Ann"]}', (), [{"text": "Ann"}]),
        ("id;tokens\n1;Ann left\n", (), [{"tokens": "Ann left"}]),
        ("id;words\n1;Ann\n", ("--column", "tokens=words"), [{"tokens": "Ann"}]),
        ("id;review\n1;Ann\n", ("--column", "text=2"), [{"text": "Ann"}]),
        ('{"words": ["a", "b"]}', ("--column", "tokens=words"), [{"tokens": "a b"}]),
    ],
)
def test_standard_input_says_which_form_its_rows_have(stdin, words, answers, predict):
    assert predict(Tagger(), *words, stdin=stdin) == answers


@pytest.mark.parametrize(
    ("name", "content", "words", "answer"),
    [
        ("a.txt", COLUMNS, (), {"tokens": "Ann left"}),
        ("a.txt", "Ann left.\n\nBob stayed home.\n", (), {"text": "Ann left."}),
        ("a.conll", COLUMNS, (), {"tokens": "Ann left"}),
        ("a.txt", COLUMNS, ("--format", "lines"), {"text": "Ann NNP B-PER"}),
        ("a.conllu", "# text = Ann\n1\tAnn" + 8 * "\t_" + "\n", (), {"tokens": "Ann"}),
        ("a.jsonl", '{"tokens": ["Ann", "left"]}', (), {"tokens": "Ann left"}),
        ("a.jsonl", '{"text": "Ann.", "label": [[0, 3, "P"]]}', (), {"text": "Ann."}),
        (
            "a.jsonl",
            '{"text": "Ann.", "label": [[0, 3, "P"]]}',
            ("--format", "spans"),
            {"tokens": "Ann ."},
        ),
        ("a.csv", "id,text\n1,Ann\n", (), {"text": "Ann"}),
        ("a.csv", "id,tokens\n1,Ann left\n", (), {"tokens": "Ann left"}),
        (
            "a.csv",
            "id,w\n1,Ann left\n",
            ("--column", "tokens=w"),
            {"tokens": "Ann left"},
        ),
    ],
)
def test_a_file_says_which_form_its_rows_have(
    name, content, words, answer, predict, tmp_path
):
    (tmp_path / name).write_text(content)
    assert predict(Tagger(), "--data", str(tmp_path / name), *words)[0] == answer


def test_a_folder_of_parallel_files_has_words(predict, tmp_path):
    for name, line in (("seq.in", "Ann left"), ("seq.out", "B-PER O"), ("label", "go")):
        (tmp_path / name).write_text(line + "\n")
    assert predict(Tagger(), "--data", str(tmp_path)) == [{"tokens": "Ann left"}]


def test_a_file_without_any_form_is_an_error(predict, tmp_path):
    (tmp_path / "a.csv").write_text("id,review\n1,Ann\n")
    code, shown = predict(Tagger(), "--data", str(tmp_path / "a.csv"))
    assert code == 3 and "no column 'text', which field 'text' needs" in shown
    assert "Write it --column FIELD=COLUMN." in shown


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        ((), '{"text": "Ann left", "predicate": 4}'),
        ((), "text;predicate\nAnn left;4\n"),
        (("--text", "Ann left", "--predicate", "4"), None),
    ],
)
def test_a_place_is_a_whole_number(words, stdin, predict):
    requests = predict(Roles(), *words, stdin=stdin)
    assert requests == [{"predicate": 4, "text": "Ann left"}]


@pytest.mark.parametrize("value", ['"four"', "4.5", "4.0", "null", "true", "[4]"])
def test_what_is_no_place_is_an_error(value, predict):
    line = f'{{"tokens": ["Ann"], "predicate": {value}}}'
    code, shown = predict(Roles(), stdin=line)
    assert code == 3
    assert "'predicate' holds whole numbers. Received on line 1: " + value in shown


def test_a_typed_value_that_is_no_place_is_an_error(predict):
    code, shown = predict(Roles(), "--tokens", "Ann", "--predicate", "first")
    assert code == 3
    assert "holds whole numbers. Received --predicate: 'first'." in shown


def test_roles_of_a_file_go_with_their_words(predict, tmp_path):
    row = {"tokens": ["Ann", "left"], "props": [{"pred": 1, "args": [["V", 1, 1]]}]}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    requests = predict(Roles(), "--data", str(tmp_path / "dev.jsonl"))
    assert requests == [{"predicate": 1, "tokens": "Ann left"}]
