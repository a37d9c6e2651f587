"""The console script, verb by verb, on stand-ins for the engines."""

import gzip
import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.cli.verbs import doctor, init
from tfnlp.data.audit.texts import Audit
from tfnlp.errors import ArtefactError
from tfnlp.specs import NUMBER, TEXT


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


class FakePredictor:
    """Answers the length of its first field."""

    def __init__(self, *fields):
        self.inputs = dict.fromkeys(fields, TEXT)
        self.task = SimpleNamespace(
            inputs=self.inputs,
            targets={"label": TEXT},
            endpoints=dict,
            completed=lambda rows: rows,
        )
        self.path = Path("nowhere")
        self.network = "network"
        self.batches = []

    @property
    def endpoints(self):
        return {"serving_default": self.inputs}

    def forms(self, names=()):
        return self.endpoints

    def stream(self, rows, *, batch_size):
        self.batches.append(batch_size)
        for row in rows:
            yield {"label": "é", "size": len(row[next(iter(self.inputs))])}


@pytest.fixture
def predictor(monkeypatch):
    fake = FakePredictor("text")
    monkeypatch.setattr(tfnlp, "load", lambda path: fake, raising=False)
    return fake


def stdin(monkeypatch, content):
    raw = content if isinstance(content, bytes) else content.encode()
    wrapped = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", wrapped)


def test_help_names_every_verb_and_exit_code(capsys):
    assert call("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in console.names())
    assert "4 quality gate not met" in shown


def test_version(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out == f"tfnlp {tfnlp.__version__}\n"


def test_an_unknown_verb_names_the_nearest(capsys):
    assert call("predikt") == 2
    assert "Did you mean 'predict'?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", console.names())
def test_every_verb_has_help(verb, capsys):
    assert call(verb, "--help") == 0
    assert f"usage: tfnlp {verb}" in capsys.readouterr().out


def test_predict_answers_the_texts_of_its_flags(predictor, capsys):
    assert call("predict", "demo", "--text", "a film", "b", "--text=--c") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["size"] for line in lines] == [6, 1, 3]


def test_predict_answers_standard_input_in_batches(predictor, monkeypatch, capsys):
    stdin(monkeypatch, "id,text\n1,abc\n")
    assert call("predict", "demo", "--batch_size", "8") == 0
    assert capsys.readouterr().out == '{"label": "é", "size": 3}\n'
    assert predictor.batches == [8]


def test_predict_takes_the_columns_and_flags_of_a_table(predictor, monkeypatch, capsys):
    stdin(monkeypatch, "a;é\n1;abc\n".encode("cp1252"))
    words = ["--column", "text=é", "--delimiter", ";", "--encoding", "cp1252"]
    assert call("predict", "demo", *words) == 0
    assert json.loads(capsys.readouterr().out)["size"] == 3


@pytest.mark.parametrize(
    ("content", "words", "code", "message"),
    [
        ("id;review\n1;a\n", (), 3, "Received: columns 'id', 'review'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", (), 3, "looks like a PNG picture"),
        ("a\n", ("--column", "txt=2"), 2, "'txt=2'. Did you mean 'text'?"),
        ("a\n", ("--column", "review"), 2, "--column is written FIELD=COLUMN"),
        ("a\n", ("--format", "parquet"), 2, "Give the file with --data."),
        ("a\n", ("--encoding", "utf-88"), 2, "An encoding is a name that Python"),
        ("a\n", ("--split", "test"), 2, "--split belongs to a named set."),
        ("a\n", ("--text", "a", "--header", "true"), 2, "texts, and --header."),
    ],
)
def test_predict_refuses_wrong_rows_and_flags(
    content, words, code, message, predictor, monkeypatch, capsys
):
    stdin(monkeypatch, content)
    assert call("predict", "demo", *words) == code
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize("value", ["null", "7", '["a"]'])
def test_predict_answers_the_rows_before_a_bad_one(
    value, predictor, monkeypatch, capsys
):
    stdin(monkeypatch, f'{{"text": "a"}}\n{{"text": "bc"}}\n{{"text": {value}}}\n')
    assert call("predict", "demo") == 3
    shown = capsys.readouterr()
    assert [json.loads(line)["size"] for line in shown.out.splitlines()] == [1, 2]
    assert f"The field 'text' holds text. Received on line 3: {value}." in shown.err


def test_predict_reads_a_file(predictor, tmp_path, capsys):
    file = tmp_path / "new.csv.gz"
    file.write_bytes(gzip.compress(b"title;body\na;bc\nd;\n"))
    words = ["--data", str(file), "--column", "text=title+body"]
    assert call("predict", "demo", *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["size"] for line in lines] == [4, 1]


@pytest.fixture(params=["file", "standard input"])
def predict(request, monkeypatch, tmp_path):
    """Requests answers to JSON or a table, as a file and on standard input."""

    def requests(content, name="new.jsonl"):
        if request.param == "standard input":
            stdin(monkeypatch, content)
            return call("predict", "demo")
        (tmp_path / name).write_text(content)
        return call("predict", "demo", "--data", str(tmp_path / name))

    return requests


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": 5}', "The field 'text' holds text. Received "),
        ('{"text": null}', "line 3: null. Correct that line."),
        ('{"text": ["a"]}', 'line 3: ["a"]. Correct that line.'),
        ('{"nope": 1}', "line 3: nope. Give another name with --column text=NAME."),
        ("{}", "line 3: no fields. Give another name"),
    ],
)
def test_predict_scores_no_json_that_lacks_its_text(
    row, message, predictor, predict, capsys
):
    assert predict(f'{{"text": "abc", "id": 7}}\n\n{row}\n{{"text": "a"}}\n') == 3
    shown = capsys.readouterr()
    assert [json.loads(line)["size"] for line in shown.out.splitlines()] == [3]
    assert message in shown.err and "line 3: " in shown.err


def test_predict_scores_no_json_that_lacks_its_words(monkeypatch, predict, capsys):
    fake = FakePredictor("tokens")
    monkeypatch.setattr(tfnlp, "load", lambda path: fake, raising=False)
    assert predict('{"tokens": ["a", "b"]}\n{"tokens": "a b c"}\n{"id": 1}\n') == 3
    shown = capsys.readouterr()
    assert [json.loads(line)["size"] for line in shown.out.splitlines()] == [3, 5]
    assert "Every row needs 'tokens'." in shown.err and "line 3: id." in shown.err


def test_predict_takes_numbers_of_json_and_of_tables(monkeypatch, predict, capsys):
    fake = FakePredictor("text", "age")
    fake.inputs["age"] = NUMBER
    monkeypatch.setattr(tfnlp, "load", lambda path: fake, raising=False)
    assert predict('{"text": "a", "age": 36}\n{"text": "b", "age": "3.5"}\n') == 0
    assert predict("text,age\na,36\n", "new.csv") == 0
    assert capsys.readouterr().out.count("label") == 3


def test_predict_names_the_item_of_a_json_list(predictor, tmp_path, capsys):
    (tmp_path / "new.json").write_text('[{"text": "a"}, {"text": 5}]')
    assert call("predict", "demo", "--data", str(tmp_path / "new.json")) == 3
    assert "new.json, item 2: 5." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "name"),
    [("", "new.jsonl"), ("\n\n", "new.jsonl"), ("text\n", "new.csv"), ("", "new.txt")],
)
def test_predict_without_any_row_is_rejected_data(
    content, name, predictor, predict, capsys
):
    assert predict(content, name) == 3
    shown = capsys.readouterr()
    assert "at least one row" in shown.err and shown.err.count("\n") == 1


def test_predict_says_that_a_json_list_is_empty(predictor, tmp_path, capsys):
    (tmp_path / "new.json").write_text("[]")
    assert call("predict", "demo", "--data", str(tmp_path / "new.json")) == 3
    assert "whose JSON has no object with a field." in capsys.readouterr().err


def test_predict_says_how_a_column_of_a_file_is_chosen(predictor, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("title,body\na,b\n")
    assert call("predict", "demo", "--data", str(tmp_path / "new.csv")) == 3
    shown = capsys.readouterr().err
    assert "Received columns: 'title', 'body'." in shown
    assert "Write it --column FIELD=COLUMN." in shown


def test_predict_names_a_number_that_is_none(monkeypatch, tmp_path, capsys):
    fake = FakePredictor("age")
    fake.inputs["age"] = NUMBER
    monkeypatch.setattr(tfnlp, "load", lambda path: fake, raising=False)
    (tmp_path / "a.csv").write_text("age,id\nold,1\n")
    assert call("predict", "demo", "--data", str(tmp_path / "a.csv")) == 3
    assert "'age' holds numbers. Received in row 1: 'old'." in capsys.readouterr().err


def test_predict_wants_as_many_values_for_each_field(monkeypatch, capsys):
    pair = FakePredictor("first", "second")
    monkeypatch.setattr(tfnlp, "load", lambda path: pair, raising=False)
    assert call("predict", "pairs", "--first", "a", "b", "--second", "c") == 2
    assert "--first 2, --second 1" in capsys.readouterr().err


def test_predict_names_the_nearest_field(predictor, capsys):
    assert call("predict", "demo", "--txt", "a") == 2
    assert "Unknown flag --txt. Did you mean --text?" in capsys.readouterr().err


def test_predict_without_rows_says_how_to_give_them(predictor, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert call("predict", "demo") == 2
    assert "Pass --text" in capsys.readouterr().err


def test_predict_without_an_artefact(capsys):
    assert call("predict") == 2
    assert "--artefact is required" in capsys.readouterr().err


def test_predict_says_what_is_wrong_with_the_artefact(monkeypatch, capsys):
    def load(path):
        raise ArtefactError(f"no artefact in {path}")

    monkeypatch.setattr(tfnlp, "load", load, raising=False)
    assert call("predict", "nowhere", "--text", "a") == 1
    assert capsys.readouterr().err == "error: no artefact in nowhere\n"


class FakeReport:
    scores = {"accuracy": 0.75, "log_loss": 0.4}  # noqa: RUF012

    def __str__(self):
        return "accuracy 0.75"

    def to_json(self):
        empty = {"intervals": {}, "seconds": {}, "rows": {}, "versions": {}}
        return {"scores": self.scores, "figures": [], **empty}


@pytest.fixture
def calls(predictor, monkeypatch):
    """What `evaluate` reads and scores, without reading or scoring."""
    calls = {}

    def read(source, columns, **options):
        calls.update(source=source, columns=columns, options=options)
        calls.setdefault("read", {})[source] = columns
        return "rows"

    def evaluate(task, model, rows, *, batch_size):
        calls.update(model=model, rows=rows, batch_size=batch_size)
        return FakeReport()

    def audit(rows, **options):
        calls["audit"] = options
        return calls.get("found", Audit(rows=4))

    monkeypatch.setattr(tfnlp, "read", read, raising=False)
    monkeypatch.setattr(tfnlp, "evaluate", evaluate, raising=False)
    monkeypatch.setattr(tfnlp, "audit", audit, raising=False)
    monkeypatch.setattr(tfnlp, "clean", lambda rows, **o: "clean", raising=False)
    return calls


@pytest.fixture
def labels(predictor, calls):
    """Makes the task one of classes; returns what the audit of the rows shall find."""
    predictor.task.labels = SimpleNamespace(entries=("neg", "pos"))
    calls["found"] = Audit(rows=4, classes={"pos": 2, "neg": 1})
    return calls["found"]


def test_evaluate_prints_the_report(calls, capsys):
    words = [
        "--data",
        "t.csv",
        "--label",
        "class",
        "--delimiter",
        ";",
        "--batch_size",
        "8",
    ]
    assert call("evaluate", "demo", *words) == 0
    assert capsys.readouterr().out == "accuracy 0.75\n"
    assert calls["columns"] == {"text": "text", "label": "class"}
    assert calls["options"]["delimiter"] == ";"
    assert (calls["model"], calls["batch_size"]) == ("network", 8)


def test_evaluate_prints_json(calls, capsys):
    assert call("evaluate", "demo", "--data", "t.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out)["scores"] == FakeReport.scores


@pytest.mark.parametrize(
    ("gate", "code", "message"),
    [
        ("accuracy=0.75", 0, ""),
        ("accuracy=0.8", 4, "accuracy must be at least 0.8. Received: 0.7500."),
        ("acuracy=0.8", 2, "Received: 'acuracy'. Did you mean 'accuracy'?"),
        ("accuracy", 2, "--gate is written SCORE=BOUND, 'SCORE>=LOWEST' or 'SCORE"),
        ("accuracy>0.5", 2, "Received: 'accuracy>0.5'. Example: --gate accuracy=0.8"),
        ("accuracy=nan", 2, "Received: 'accuracy=nan'."),
        ("accuracy<=0.7", 4, "accuracy must be at most 0.7. Received: 0.7500."),
        ("log_loss=0.5", 0, ""),
        ("log_loss=0.3", 4, "log_loss must be at most 0.3. Received: 0.4000."),
        ("log_loss >= 0.5", 4, "log_loss must be at least 0.5."),
    ],
)
def test_evaluate_checks_its_gates(gate, code, message, calls, capsys):
    assert call("evaluate", "demo", "--data", "t.csv", "--gate", gate) == code
    assert message in capsys.readouterr().err


def test_evaluate_checks_all_its_gates_and_flags_may_be_repeated(calls, capsys):
    gates = ["--gate", "accuracy=0.7", "--gate", "log_loss=0.1"]
    assert call("evaluate", "demo", "--data", "t.csv", *gates) == 4
    assert "log_loss must be at most 0.1" in capsys.readouterr().err


@pytest.mark.parametrize("report", ['{"scores": {"accuracy": 1, "loss": 2}}'])
def test_evaluate_refuses_an_unknown_gate_before_it_reads(
    report, predictor, calls, tmp_path, capsys
):
    predictor.path = tmp_path
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "report.json").write_text(report)
    assert call("evaluate", "demo", "--data", "t.csv", "--gate", "los=1") == 2
    assert "Did you mean 'loss'? Scores: accuracy, loss." in capsys.readouterr().err
    assert calls == {}


def test_evaluate_leaves_out_rows_without_label_and_warns(labels, calls, capsys):
    labels.classes["odd"] = 1
    labels.warnings.append("1 row (25.0%) has no label; it is left out.")
    assert call("evaluate", "demo", "--data", "t.csv") == 0
    shown = capsys.readouterr()
    assert shown.err == (
        "warning: 1 row (25.0%) has no label; it is left out.\n"
        "warning: 1 row with a label that the task does not know and so never "
        "answers: 'odd'.\n"
    )
    assert calls["rows"] == "clean"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Audit(), "at least one row to evaluate. Received: no rows."),
        (Audit(rows=4, empty=4), "Evaluation needs texts. Received: 4 rows, none with"),
        (
            Audit(rows=4, classes={"0": 4}),
            "that the task knows: 'neg', 'pos'. Received: '0' in 4 rows.",
        ),
        (Audit(rows=4, unlabelled=4), "Received: no label in 4 rows."),
    ],
)
def test_evaluate_rejects_rows_that_cannot_be_scored(
    found, message, labels, calls, capsys
):
    calls["found"] = found
    assert call("evaluate", "demo", "--data", "t.csv") == 3
    assert message in capsys.readouterr().err
    assert "model" not in calls


@pytest.mark.parametrize(
    ("own", "words", "code", "message"),
    [
        (";", ("--label_separator", ";"), 0, ""),
        (";", (), 0, ""),
        (";", ("--label_separator", "|"), 2, "separates labels by ';'. Received: '|'."),
        (
            None,
            ("--label_separator", "|"),
            2,
            "demo has one label a row. Received: '|'.",
        ),
    ],
)
def test_evaluate_separates_labels_as_the_artefact_does(
    own, words, code, message, predictor, calls, capsys
):
    predictor.task.label_separator = own
    assert call("evaluate", "demo", "--data", "t.csv", *words) == code
    assert message in capsys.readouterr().err
    if code == 0:
        assert (
            calls["options"]["label_separator"]
            == calls["audit"]["label_separator"]
            == own
        )


def test_evaluate_wants_a_batch_of_a_row(calls, capsys):
    assert call("evaluate", "demo", "--data", "t.csv", "--batch_size", "0") == 2
    assert "--batch_size must be 1 or more. Received: 0." in capsys.readouterr().err


def test_evaluate_names_the_nearest_column_flag(calls, capsys):
    assert call("evaluate", "demo", "--data", "t.csv", "--lable", "class") == 2
    assert "Did you mean --label?" in capsys.readouterr().err


class FakeAudit:
    def __init__(self, errors):
        self.errors = errors

    def table(self):
        return "a table"

    def to_json(self):
        return {"errors": self.errors}


@pytest.fixture
def audited(calls, monkeypatch):
    """The arguments of `audit`, and the errors that it returns."""
    seen = SimpleNamespace(errors=(), options={})

    def audit(rows, **options):
        seen.options = options
        return FakeAudit(seen.errors)

    monkeypatch.setattr(tfnlp, "audit", audit, raising=False)
    return seen


def test_audit_prints_its_table(audited, capsys):
    assert call("audit", "a.csv", "--test", "t.csv", "--sequence_length", "9") == 0
    assert capsys.readouterr().out == "a table\n"
    assert audited.options["others"] == {"test": "rows"}
    assert audited.options["text_fields"] == ("text",)
    assert audited.options["sequence_length"] == 9


def test_audit_of_pairs_without_labels(audited, calls):
    words = ["--text", "a", "--text_pair", "b", "--label", "none"]
    assert call("audit", "a.csv", *words) == 0
    assert calls["columns"] == {"first": "a", "second": "b"}
    assert audited.options["label_field"] is None


def test_audit_takes_other_columns_of_the_test_file(audited, calls):
    words = ["--text", "a", "--label", "b", "--test_text", "c", "--test-label", "2"]
    assert call("audit", "a.csv", "--test", "t.csv", "--valid", "v.csv", *words) == 0
    assert calls["read"] == {
        "a.csv": {"text": "a", "label": "b"},
        "v.csv": {"text": "a", "label": "b"},
        "t.csv": {"text": "c", "label": "2"},
    }


def test_audit_wants_a_test_file_for_its_columns(audited, capsys):
    assert call("audit", "a.csv", "--test_text", "c") == 2
    shown = capsys.readouterr().err
    assert "--test_text names a column of the test file. Received: no --test" in shown


def test_audit_wants_a_switch_to_be_true_or_false(capsys):
    assert call("audit", "a.csv", "--multi_label", "maybe") == 2
    shown = capsys.readouterr().err
    assert "--multi_label must be true or false. Received: maybe." in shown


def test_audit_with_errors_ends_with_3(audited, capsys):
    audited.errors = ("all texts are empty",)
    assert call("audit", "a.csv", "--json") == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"errors": ["all texts are empty"]}
    assert "all texts are empty" in shown.err


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    (tmp_path / "_pipelines").mkdir()
    (tmp_path / "_pipelines" / "tagging.py").write_text("print('é')\n", "utf-8")
    monkeypatch.setattr(init, "_PACKAGE", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", [["my.py"], [], ["."]])
def test_init_copies_a_pipeline(words, scripts, capsys):
    assert call("init", "tagging", *words) == 0
    shown = capsys.readouterr()
    assert shown.out == "" and ".py --help`" in shown.err
    written = scripts / ("my.py" if words == ["my.py"] else "tagging.py")
    assert written.read_text("utf-8") == "print('é')\n"


def test_init_overwrites_nothing(scripts, capsys):
    (scripts / "my.py").write_text("mine")
    assert call("init", "tagging", "my.py") == 2
    assert (scripts / "my.py").read_text() == "mine"
    assert "init overwrites no file. Received: my.py" in capsys.readouterr().err


def test_init_names_the_nearest_pipeline(scripts, capsys):
    assert call("init", "taging") == 2
    assert "Did you mean 'tagging'?" in capsys.readouterr().err


def test_doctor_prints_a_table(capsys):
    assert call("doctor") == 0
    shown = capsys.readouterr().out
    assert "tensorflow " in shown
    assert "ok      SavedModel" in shown
    assert re.search(
        r"ok      gradient accumulation +one_device, mirrored, multi_worker\n", shown
    )


def test_doctor_fails_if_a_trial_fails(monkeypatch, capsys):
    def broken():
        raise RuntimeError("disk on fire\nand more")

    monkeypatch.setattr(doctor, "_saved_model", broken)
    assert call("doctor", "--json") == 1
    shown = capsys.readouterr()
    found = {finding["name"]: finding for finding in json.loads(shown.out)}
    assert found["SavedModel"]["detail"] == "disk on fire"
    assert "Failed: SavedModel." in shown.err
