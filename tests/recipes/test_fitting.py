"""Recipes train as runs that are resumed, until an artefact has been saved."""

import contextlib
import dataclasses
from pathlib import Path
from unittest import mock

import pytest

import tfnlp
from tfnlp.data.train_valid_test import Splits
from tfnlp.evaluation.report import Report
from tfnlp.recipes.finishing import finish
from tfnlp.recipes.fitting import fit
from tfnlp.recipes.recipe import Prepared
from tfnlp.recipes.recipe import Recipe as Base
from tfnlp.recipes.text_classification import LabelledTexts
from tfnlp.timing import Clock
from tfnlp.training.trained_model import TrainedModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(LabelledTexts, Base):
    name: str = "demo"
    hidden_dim: int = 8


def settings(monkeypatch, **options):
    """The flags that `tfnlp.fit` compares when a run of a recipe is resumed."""
    given = {}
    monkeypatch.setattr(tfnlp, "fit", lambda *_, **named: given.update(named))
    rows = Splits(None, None, None)
    fit(Recipe(**options), Prepared(None, rows), None)
    return given["settings"]


@pytest.mark.parametrize("options", [{"hidden_dim": 9}, {"label_separator": "|"}])
def test_a_run_depends_on_its_flags(monkeypatch, options):
    assert settings(monkeypatch, **options) != settings(monkeypatch)


def test_a_run_does_not_depend_on_where_files_are(monkeypatch):
    others = {"train": "moved/a.csv", "output": "elsewhere", "resume": True}
    others |= {"test": "b.csv", "test_text": "body"}
    assert settings(monkeypatch, **others) == settings(monkeypatch)
    assert settings(monkeypatch)["--hidden_dim"] == 8


@pytest.mark.parametrize("error", [None, InterruptedError])
def test_checkpoints_are_removed_when_the_artefact_is_saved(
    monkeypatch, tmp_path, capsys, error
):
    monkeypatch.chdir(tmp_path)
    kept = Path("runs", "demo", "checkpoints", "ended.ckpt")
    kept.parent.mkdir(parents=True)
    kept.touch()
    monkeypatch.setattr(tfnlp, "save", mock.Mock(side_effect=error))
    with pytest.raises(error) if error else contextlib.nullcontext():
        finish(
            Recipe(),
            TrainedModel(mock.Mock(), None, {}, tokens=9),
            Report({"accuracy": 0.5}, seconds={"train": 1.0, "evaluate": 0.5}),
            audit=mock.Mock(),
            clock=Clock(),
        )
    assert "scored after 1.5 s: accuracy 0.5000\n" in capsys.readouterr().err
    assert kept.exists() == (error is not None)
    assert any(Path("runs").iterdir()) == (error is not None)
