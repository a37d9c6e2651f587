"""The course of a run: what is wrong is said before any file is read."""

import dataclasses
from dataclasses import dataclass

import pytest

import tfnlp
from tfnlp import recipes
from tfnlp.errors import DataError, UsageError
from tfnlp.timing import Clock


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.TextClassification):
    name: str = "tiny"
    encoder: str = "bow"


def build(recipe, task, start, hp):
    encoder = recipe.encode(task, start, hp)
    return task.network(encoder, pooling="mean", log_ratios=start.log_ratios)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Forty reviews and a tiny network."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "films.csv"
    words = {"good": "fine warm great", "bad": "dull flat weak"}
    lines = [
        f"a {words[label].split()[n % 3]} film {n},{label}"
        for n in range(20)
        for label in words
    ]
    file.write_text("\n".join(["text,label", *lines]))
    return Recipe(
        **dict.fromkeys(("train", "valid", "test"), str(file)),
        vocabulary_size=60,
        encoder_options=recipes.EncoderOptions(hidden_dim=32),
        training=tfnlp.TrainConfig(epochs=1, batch_size=16),
    )


def test_a_wrong_setting_is_an_error_before_files_are_read(recipe):
    wrong = dataclasses.replace(
        recipe, train="missing.csv", encoder_options=recipes.EncoderOptions(cell="gru")
    )
    with pytest.raises(UsageError, match="no option cell"):
        recipes.run(wrong, build)


def test_a_name_that_cannot_be_served_is_an_error_before_files_are_read(recipe):
    wrong = dataclasses.replace(recipe, train="missing.csv", name="a/b")
    with pytest.raises(UsageError, match="name"):
        recipes.run(wrong, build)


def test_a_missing_file_leaves_nothing_behind(recipe, tmp_path):
    with pytest.raises(DataError):
        recipes.run(dataclasses.replace(recipe, train="missing.csv"), build)
    assert not (tmp_path / "saved_models").exists()


@pytest.mark.slow
def test_a_run_ends_with_an_artefact_its_report_and_no_checkpoints(recipe, tmp_path):
    version = recipes.run(recipe, build)
    assert version.resolve() == tmp_path / "saved_models" / "tiny" / "1"
    report = tfnlp.evaluation.Report.load(version / "assets.extra")
    phases = ["start", "read and audit", "vocabulary", "naive Bayes", "train"]
    assert list(report.seconds)[:5] == phases
    assert report.rows == {"train": 40, "valid": 40, "test": 40}
    assert report.recipe["encoder.hidden_dim"] == 32
    assert not list((tmp_path / "runs").glob("*/checkpoints/*"))


@pytest.mark.slow
def test_naive_bayes_and_training_share_the_encoded_rows(recipe):
    recipe = recipe.resolved()
    prepared = recipes.prepare(recipe, recipe.read_splits(), Clock())
    assert prepared.start.log_ratios.shape == (len(prepared.task.text.vocabulary), 2)
    assert prepared.encoded is not None


def test_rows_are_not_kept_where_the_cache_is_off(recipe):
    config = dataclasses.replace(recipe.training, cache=False)
    recipe = dataclasses.replace(recipe, training=config).resolved()
    prepared = recipes.prepare(recipe, recipe.read_splits(), Clock())
    assert prepared.encoded is None
