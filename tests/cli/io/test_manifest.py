"""What a batch has finished: written, read again, and refused for another run."""

import json

import pytest

from tfnlp.cli.io.manifest import Counts, Manifest, begun_with, fingerprint, resumed
from tfnlp.errors import UsageError

BEGUN = {
    "artefact": {"name": "demo", "version": "1", "sha256": "ab"},
    "settings": {"--column": ["text=review"]},
    "inputs": {"a.csv": [10, 1.5]},
    "shards": [[["a.csv", 0, 10]], [], []],
}


def version(folder, weights=b"weights"):
    """The files of a version that decide what it answers."""
    base = folder / "demo" / "3"
    for name in (
        "saved_model.pb",
        "variables/variables.index",
        "assets.extra/task.json",
    ):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(weights)
    return base


def test_what_is_finished_is_known_again():
    first = Manifest(BEGUN).and_finished({1: Counts(5, 4, 1, 0.5)})
    again = resumed(first.to_json(), BEGUN, "out/answers.manifest.json")
    assert again == first
    assert again.left() == [0, 2]
    assert again.and_finished({0: Counts(1, 1, 0, 0.5)}).total() == Counts(6, 5, 1, 1.0)


def test_a_manifest_is_what_decides_the_answers(tmp_path):
    base = version(tmp_path)
    begun = begun_with(base, {"--shards": 2}, {"a.csv": (10, 1.5)}, [[], []])
    assert begun["artefact"]["name"], begun["artefact"]["version"] == ("demo", "3")
    assert begun["shards"] == [[], []]
    assert json.loads(json.dumps(begun)) == begun


def test_other_weights_are_another_artefact(tmp_path):
    one = fingerprint(version(tmp_path / "one"))
    assert one == fingerprint(version(tmp_path / "two"))
    assert one != fingerprint(version(tmp_path / "two", b"others"))


@pytest.mark.parametrize(
    ("group", "name", "now", "message"),
    [
        ("artefact", "version", "2", 'artefact version "2", but M was begun with "1"'),
        ("artefact", "sha256", "cd", 'artefact sha256 "cd", but M was begun with "ab"'),
        ("settings", "--column", ["text=title"], '--column ["text=title"], but'),
        (
            "settings",
            "--keep_columns",
            ["id"],
            '--keep_columns ["id"], but M was begun with null',
        ),
        ("inputs", "a.csv", [11, 2.5], "inputs a.csv [11, 2.5], but M was begun with"),
        ("inputs", "b.csv", [11, 2.5], "inputs b.csv [11, 2.5], but M was begun with"),
    ],
)
def test_a_run_that_was_begun_otherwise_is_refused(group, name, now, message):
    other = {**BEGUN, group: {**BEGUN[group], name: now}}
    with pytest.raises(UsageError) as caught:
        resumed(Manifest(BEGUN).to_json(), other, "M")
    assert message in str(caught.value)
    assert "--overwrite starts again" in str(caught.value)


def test_other_portions_are_another_run():
    with pytest.raises(UsageError, match="Received: shards"):
        resumed(Manifest(BEGUN).to_json(), {**BEGUN, "shards": [[]]}, "M")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"begun": {}, "finished": {"a": 1}}']
)
def test_a_damaged_manifest_is_an_error(text):
    with pytest.raises(UsageError, match="Received: M, which is damaged"):
        resumed(text, BEGUN, "M")
