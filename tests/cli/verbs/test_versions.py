"""`tfnlp versions`, `promote`, `rollback` and `prune`."""

import json

import pytest

from tfnlp.cli.console import main


@pytest.fixture
def base(tmp_path):
    for number, accuracy in ((1, 0.7), (2, 0.8), (3, 0.9)):
        side = tmp_path / "demo" / str(number) / "assets.extra"
        side.mkdir(parents=True)
        scores = {"loss": 0.5, "accuracy": accuracy}
        report = {"scores": scores, "intervals": {"accuracy": [0.6, 1.0]}}
        (side / "report.json").write_text(json.dumps(report))
    return tmp_path / "demo"


def call(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code, capsys.readouterr()


def lines(shown):
    return shown.out.splitlines()


def test_versions_are_promoted_rolled_back_and_pruned(base, capsys):
    assert call(capsys, "promote", base, 1)[1].out == "stable is version 1\n"
    assert call(capsys, "promote", base, 3)[1].out == "stable is version 3\n"
    assert call(capsys, "promote", base, 2, "--label", "canary")[0] == 0
    _, shown = call(capsys, "versions", base)
    assert [(line[:9].strip(), line[9:25].strip()) for line in lines(shown)] == [
        ("version", "labels"),
        ("3", "stable"),
        ("2", "canary"),
        ("1", ""),
    ]
    assert lines(shown)[1].endswith("accuracy 0.9000")
    assert call(capsys, "rollback", base)[1].out == "stable is version 1\n"
    assert call(capsys, "prune", base, "--keep", 1)[1].out == "removed: none\n"


def test_none_takes_a_label_away(base, capsys):
    call(capsys, "promote", base, 2, "--label", "canary")
    ended, shown = call(capsys, "promote", base, "none", "--label", "canary")
    assert (ended, shown.out) == (0, "canary is removed\n")
    assert '"labels": ["canary"]' not in call(capsys, "versions", base, "--json")[1].out


def test_prune_says_which_exports_go_too(base, capsys):
    (base / "onnx" / "2").mkdir(parents=True)
    shown = call(capsys, "prune", base, "--keep", 1)[1]
    assert shown.out == "removed: 1, 2, onnx/2\n"
    assert list((base / "onnx").iterdir()) == []


def test_versions_are_told_as_json(base, capsys):
    call(capsys, "promote", base, 2)
    _, shown = call(capsys, "versions", base, "--json")
    found = [json.loads(line) for line in lines(shown)]
    assert [each["version"] for each in found] == [3, 2, 1]
    assert [each["labels"] for each in found] == [[], ["stable"], []]
    assert found[0]["scores"] == {"accuracy": 0.9, "loss": 0.5}


def test_a_version_without_a_report_is_listed(base, capsys):
    (base / "4").mkdir()
    _, shown = call(capsys, "versions", base)
    assert lines(shown)[1].split()[0] == "4"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["versions", "nowhere"], 1, "nowhere, which has none"),
        (["promote", "{base}", "9"], 1, "Received: 9"),
        (["promote", "{base}", "x"], 2, "version"),
        (
            ["promote", "{base}", "none"],
            1,
            "Only an existing label can be removed. Received: stable",
        ),
        (["rollback", "{base}"], 1, "stable, which does not exist"),
        (["prune", "{base}", "--keep", "0"], 2, "keep must be 1 or more"),
    ],
    ids=str,
)
def test_mistakes_are_reported(base, capsys, words, code, message):
    ended, shown = call(capsys, *(word.format(base=base) for word in words))
    assert ended == code and message in shown.err and shown.out == ""
