"""tfnlp export, on a stand-in for the artefact and for what writes."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import tfnlp
from tfnlp.cli import console, tensorflow_logs
from tfnlp.cli.verbs import export
from tfnlp.errors import ExportError

REPORT = {
    "files": {"network.onnx": {"bytes": 1_500_000}},
    "golden": {"rows": 30, "outputs": 2e-7},
    "limits": ["Only serving_default is here."],
    "int8": {"scores": {"accuracy": {"difference": -0.0125}}},
}


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


@pytest.fixture
def exported(monkeypatch, tmp_path):
    """The arguments that the ONNX exporter received."""
    exported = {}
    task = SimpleNamespace(inputs={"text": None}, targets={"label": None})
    found = SimpleNamespace(task=task, network="network", path=Path("demo/1"))
    monkeypatch.setattr(tfnlp, "load", lambda path: found, raising=False)

    def write(options, folder, task, network, rows):
        exported.update(options=options, folder=folder, rows=rows)
        if "error" in exported:
            raise exported["error"]
        (tmp_path / "export.json").write_text(json.dumps(REPORT))
        return tmp_path

    monkeypatch.setitem(export.FORMATS, "onnx", write)
    return exported


def test_export_prints_the_folder_and_its_report(exported, tmp_path, capsys):
    assert call("export", "demo", "--format", "onnx", "--int8") == 0
    folder, *lines = capsys.readouterr().out.splitlines()
    assert folder == str(tmp_path) and exported["options"].int8
    assert lines == [
        "network.onnx             1.5 MB",
        "outputs max diff         2e-07",
        "int8 accuracy            -0.0125",
        "limit: Only serving_default is here.",
    ]


def test_a_file_with_other_answers_ends_with_5(exported, capsys):
    exported["error"] = ExportError("A written file must answer like the SavedModel.")
    assert call("export", "demo", "--format", "onnx") == 5
    assert "must answer like" in capsys.readouterr().err


@pytest.mark.parametrize(("level", "heard"), [("3", ""), ("0", "loc(callsite")])
def test_what_a_converter_says_is_heard_if_logs_are_wanted(
    level, heard, monkeypatch, capfd
):
    monkeypatch.setenv(tensorflow_logs.LEVEL, level)
    with tensorflow_logs.quiet():
        os.write(2, b"loc(callsite")
    assert capfd.readouterr().err == heard


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "onxn"), "Did you mean 'onnx'?"),
        ((), "--format is required"),
        (("--format", "onnx", "--float16"), "--float16 is for LiteRT"),
        (("--format", "onnx", "--txt", "b"), "Unknown flag --txt"),
        (("--format", "onnx", "--data", "f", "--txt", "b"), "Did you mean --text?"),
    ],
)
def test_invalid_flags_are_reported(words, message, exported, capsys):
    assert call("export", "demo", *words) == 2
    assert message in capsys.readouterr().err
