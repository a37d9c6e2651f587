"""Labels mean versions, go back, and are kept; old versions go."""

import json
import os

import pytest

from tfnlp.errors import ArtefactError, UsageError
from tfnlp.export.savedmodel import versions
from tfnlp.export.savedmodel.versions import (
    history,
    labels,
    promote,
    prune,
    rollback,
    withdraw,
)


@pytest.fixture
def base(tmp_path):
    for number in (1, 2, 3, 10):
        (tmp_path / "demo" / str(number)).mkdir(parents=True)
        (tmp_path / "demo" / str(number) / "saved_model.pb").write_bytes(b"x")
    return tmp_path / "demo"


def test_a_label_means_the_version_that_was_promoted_last(base):
    assert labels(base) == {}
    promote(base, 1, "stable")
    promote(base, 2, "stable")
    promote(base, 10, "canary")
    assert labels(base) == {"stable": 2, "canary": 10}


def test_a_label_goes_back_as_often_as_it_went_on(base):
    for version in (1, 2, 2, 10):
        promote(base, version, "stable")
    assert [rollback(base, "stable"), rollback(base, "stable")] == [2, 1]
    with pytest.raises(
        ArtefactError, match="stable, which has pointed at version 1 only"
    ):
        rollback(base, "stable")
    assert labels(base) == {"stable": 1}


def test_a_label_that_is_taken_away_means_nothing_and_needs_no_version(base):
    for version in (1, 2):
        promote(base, version, "canary")
    promote(base, 3, "stable")
    withdraw(base, "canary")
    assert labels(base) == {"stable": 3}
    assert "canary" not in (base / "models.config").read_text()
    assert prune(base, keep=1) == ["1", "2"]
    with pytest.raises(ArtefactError, match="canary, which does not exist"):
        rollback(base, "canary")


def test_without_its_last_label_the_newest_version_is_served(base):
    promote(base, 1, "stable")
    withdraw(base, "stable")
    assert "latest { num_versions: 1 }" in (base / "models.config").read_text()


def test_a_version_that_is_gone_is_passed_over(base):
    for version in (1, 2, 10):
        promote(base, version, "stable")
    os.rename(base / "2", base.parent / "2")
    assert rollback(base, "stable") == 1


def test_a_label_does_not_go_back_to_what_it_means(base):
    for version in (1, 2, 1):
        promote(base, version, "stable")
    os.rename(base / "2", base.parent / "2")
    with pytest.raises(ArtefactError, match="version 1 only"):
        rollback(base, "stable")


def test_old_versions_go_but_not_those_that_labels_need(base):
    for number in range(4, 10):
        (base / str(number)).mkdir()
    promote(base, 1, "stable")
    promote(base, 2, "stable")
    promote(base, 4, "stable")
    (base / f"{versions.REMOVED}x").mkdir()  # a run that was killed
    assert prune(base, keep=2) == ["1", "3", "5", "6", "7", "8"]
    left = {"2", "4", "9", "10", "labels.json", "models.config"}
    assert {path.name for path in base.iterdir()} == left
    assert rollback(base, "stable") == 2


@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_what_was_exported_of_a_version_goes_with_it(base, kind):
    promote(base, 2, "stable")
    for number in (1, 2, 5, 10):  # of version 5, nothing else is left
        (base / kind / str(number)).mkdir(parents=True)
    gone = ["1", "3", f"{kind}/1", f"{kind}/5"]
    assert prune(base, keep=1) == gone
    assert versions.versions(base / kind) == versions.versions(base) == [2, 10]
    assert prune(base, keep=1) == []


def test_a_version_that_is_written_meanwhile_stays(base, monkeypatch):
    known = versions.versions_of(base)
    monkeypatch.setattr(versions, "versions_of", lambda base: known)
    for folder in ("11", "onnx/11"):
        (base / folder).mkdir(parents=True)
    assert prune(base, keep=1) == ["1", "2", "3"]
    assert (base / "11").is_dir() and (base / "onnx" / "11").is_dir()


def test_nothing_is_removed_where_there_is_little(base):
    assert prune(base, keep=4) == []
    assert versions.versions(base) == [1, 2, 3, 10]


def test_tf_serving_is_told_of_labels_and_what_it_is_to_serve(base):
    promote(base, 1, "stable")
    promote(base, 3, "canary")
    config = (base / "models.config").read_text()
    assert "specific { versions: 1 versions: 3 versions: 10 }" in config
    assert 'version_labels { key: "canary" value: 3 }' in config
    assert 'version_labels { key: "stable" value: 1 }' in config
    assert 'base_path: "/models/demo"' in config


def test_without_labels_the_newest_version_is_served(base):
    versions.write_models_config(base)
    config = (base / "models.config").read_text()
    assert "model_version_policy { latest { num_versions: 1 } }" in config


def test_nothing_is_told_of_a_folder_without_versions(tmp_path):
    versions.write_models_config(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_version_is_served_beside_those_with_labels(base):
    promote(base, 1, "stable")
    (base / "11").mkdir()
    versions.write_models_config(base)
    assert "{ versions: 1 versions: 11 }" in (base / "models.config").read_text()


def test_files_are_replaced_whole_and_nothing_else_is_left(base):
    promote(base, 1, "stable")
    promote(base, 2, "stable")
    hidden = [path.name for path in base.iterdir() if path.name.startswith(".")]
    assert hidden == []
    assert (base / "labels.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("label", ["", "two words", "a-b", "ä"])
def test_a_label_that_tf_serving_would_not_take_is_refused(base, label):
    with pytest.raises(UsageError, match="letters, digits and '_'"):
        promote(base, 1, label)


def test_what_cannot_be_is_reported(base, tmp_path):
    with pytest.raises(ArtefactError, match=r"1, 2, 3, 10. Received: 7"):
        promote(base, 7, "stable")
    with pytest.raises(ArtefactError, match="canary, which does not exist"):
        rollback(base, "canary")
    with pytest.raises(UsageError, match="keep must be 1 or more"):
        prune(base, keep=0)
    with pytest.raises(ArtefactError, match="does not exist"):
        promote(tmp_path / "nowhere", 1, "stable")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtefactError, match="which has none"):
        prune(tmp_path / "empty", keep=1)


@pytest.mark.parametrize(
    "text", ["no json", "[1]", '{"stable": 3}', '{"stable": ["x"]}']
)
def test_a_damaged_file_is_reported(base, text):
    (base / "labels.json").write_text(text)
    with pytest.raises(ArtefactError, match="promote the versions again"):
        history(base)


def test_a_killed_writer_leaves_the_old_labels(base, monkeypatch):
    promote(base, 1, "stable")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        promote(base, 2, "stable")
    assert json.loads((base / "labels.json").read_text()) == {"stable": [1]}
