"""The verbs on an artefact that tags, and on files of tagged sentences."""

import json

import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.cli.verbs import evaluate
from tfnlp.data.rows import from_list

COLUMNS = "Ann NNP B-PER\nleft VBD O\nBath NNP B-LOC\n\nBob NNP B-PER\nstayed VBD O\n"


@pytest.fixture(scope="module")
def names(saved_tagger):
    """The folder of an untrained tagger of names."""
    return str(saved_tagger.parent)


@pytest.fixture
def file(tmp_path):
    def file(content, name="test.txt"):
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return file


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


@pytest.mark.slow
def test_predict_answers_texts_and_the_words_of_a_file(names, file, capsys):
    assert call("predict", names, "--text", "Ann left New York.") == 0
    (answer,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(answer) == ["spans", "tokens", "tags", "starts", "ends", "scores"]
    assert call("predict", names, "--data", file(COLUMNS)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["tokens"] for line in lines] == [
        ["Ann", "left", "Bath"],
        ["Bob", "stayed"],
    ]


@pytest.mark.slow
def test_evaluate_scores_a_file_of_columns(names, file, capsys, tmp_path):
    words = ["--format", "conll", "--report", str(tmp_path / "report")]
    assert call("evaluate", names, "--data", file(COLUMNS), *words, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["rows"] == {"test": 2} and shown.err == ""
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "Worst sentences" in page and "<mark" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (
            "Ann B-PER\nleft O\nBath B-GPE\n",
            "a.txt",
            "1 span of a type that the task does not know and so never answers: 'GPE'.",
        ),
        (
            "Ann B-PER\nRay E-PER\nleft O\n\nBob S-PER\n",
            "a.txt",
            "The tags are of BIOES, answers of BIO: the spans are compared,",
        ),
        (
            '{"tokens": ["Ann", "left"], "tags": ["B-PER"]}\n'
            '{"tokens": ["Bob"], "tags": ["B-PER", "O"]}\n',
            "a.jsonl",
            "2 rows have not as many tags as words: a word without a tag",
        ),
        (
            '{"tokens": ["Ann", "Ray"], "tags": ["B-PER", "E-PER"]}\n'
            '{"tokens": ["Bob"], "tags": ["U-PER"]}\n',
            "a.jsonl",
            "The tags of a file are of one scheme.",
        ),
        (
            '{"tokens": [], "tags": []}\n{"tokens": ["Bob"], "tags": ["B-PER"]}\n',
            "a.jsonl",
            "1 row (50.0%) has an empty text.",
        ),
    ],
    ids=["unknown type", "other scheme", "uneven", "two schemes", "empty"],
)
def test_evaluate_warns_of_odd_tags_and_goes_on(
    content, name, message, names, file, capsys
):
    assert call("evaluate", names, "--data", file(content, name), "--json") == 0
    shown = capsys.readouterr()
    assert f"warning: {message}" in shown.err
    assert 0 <= json.loads(shown.out)["scores"]["f1"] <= 1


@pytest.mark.slow
def test_evaluate_rejects_the_wrong_column(names, file, capsys):
    assert call("evaluate", names, "--data", file(COLUMNS), "--tags", "2") == 3
    shown = capsys.readouterr().err
    assert "the task knows: 'LOC', 'PER'. Received: 'NNP', 'VBD' in 2 rows." in shown


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (COLUMNS, "train.txt", ()),
        (COLUMNS, "train.conll", ()),
        ('{"tokens": ["Ann", "so"], "tags": ["B-PER", "O"]}', "train.jsonl", ()),
        ('{"text": "Ann so", "label": [[0, 3, "PER"]]}', "train.jsonl", ()),
        ("w,t\nAnn so,B-PER O\n", "a.csv", ("--tokens", "w", "--tags", "t")),
    ],
)
def test_audit_detects_tagged_sentences(content, name, words, file, capsys):
    path = file(content, name)
    assert call("audit", path, *words, "--test", path) == 0
    shown = capsys.readouterr().out
    assert "BIO, types (" in shown and "words in spans" in shown
    assert "(100.0%) ha" in shown and "a text that is also in train." in shown


def test_audit_of_texts_stays_one_of_texts(file, capsys):
    lines = '{"text": "good", "label": "pos"}\n{"text": "bad", "label": ["neg"]}\n'
    assert call("audit", file(lines, "a.jsonl")) == 0
    assert "classes (2)" in capsys.readouterr().out


def test_audit_of_roles_distinguishes_predicates(file, capsys):
    props = [{"pred": n, "args": [["V", n, n]]} for n in (0, 1)]
    row = json.dumps({"tokens": ["go", "stay"], "props": props})
    assert call("audit", file(row, "train.jsonl"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["duplicates"]) == (2, 0)


def test_audit_of_mixed_schemes_ends_with_3(file, capsys):
    lines = [
        json.dumps({"tokens": ["Ann", "Ray"], "tags": tags})
        for tags in (["B-PER", "E-PER"], ["B-PER", "L-PER"])
    ]
    assert call("audit", file("\n".join(lines), "train.jsonl")) == 3
    assert "The tags of a file are of one scheme." in capsys.readouterr().err


def test_audit_reports_spans_that_do_not_fit_the_words(file, capsys):
    content = json.dumps({"text": "Annie left Rome.", "label": [[0, 3, "PER"]]})
    assert call("audit", file(content, "a.jsonl")) == 0
    assert "1 of 1 spans does not fit the words: 1 widened" in capsys.readouterr().out


def test_evaluate_warns_of_intents_that_a_task_does_not_know(capsys):
    row = {"tokens": "play jazz", "tags": "O B-kind"}
    known = from_list([{**row, "intent": "play"}, {**row, "intent": "stop"}])
    task = tfnlp.IntentAndSlots.from_rows(known)
    rows = from_list([{**row, "intent": "play"}, {**row, "intent": "pause"}])
    assert len(list(evaluate.checked(task, rows))) == 2
    message = (
        "1 row with a label that the task does not know and so never answers: 'paus"
    )
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--toknes", "Ann"], "Unknown flag --toknes. Did you mean --tokens?"),
        (["--text", "Ann", "--tokens", "Ann"], "has the flags --text; or --tokens."),
    ],
)
def test_predict_refuses_flags_that_are_no_request(flags, message, names, capsys):
    assert call("predict", names, *flags) == 2
    assert message in capsys.readouterr().err
