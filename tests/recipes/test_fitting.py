"""Scripts train as runs that go on, until an artefact has been saved."""

import contextlib
import dataclasses
from pathlib import Path
from unittest import mock

import pytest

import tfnlp
from tfnlp.evaluation.report import Report
from tfnlp.recipes.finishing import finish
from tfnlp.recipes.fitting import fit
from tfnlp.recipes.source import Source

PIPELINES = Path(__file__).parents[2] / "pipelines"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(Source):
    name: str = "demo"
    output: str = "saved_models"
    resume: bool = False
    width: int = 8
    training: tfnlp.TrainConfig = dataclasses.field(default_factory=tfnlp.TrainConfig)


def settings(monkeypatch, **options):
    """What `tfnlp.fit` is told that a run of a recipe depends on."""
    told = {}
    monkeypatch.setattr(tfnlp, "fit", lambda *_, **given: told.update(given))
    fit(Recipe(**options), None, None, None, None)
    return told["settings"]


@pytest.mark.parametrize("options", [{"width": 9}, {"label_separator": "|"}])
def test_a_run_depends_on_its_flags(monkeypatch, options):
    assert settings(monkeypatch, **options) != settings(monkeypatch)


def test_a_run_does_not_depend_on_where_files_are(monkeypatch):
    others = {"train": "moved/a.csv", "output": "elsewhere", "resume": True}
    others |= {"test": "b.csv", "test_text": "body"}
    assert settings(monkeypatch, **others) == settings(monkeypatch)
    assert settings(monkeypatch)["--width"] == 8


@pytest.mark.parametrize("error", [None, InterruptedError])
def test_a_run_is_forgotten_when_it_is_saved(monkeypatch, tmp_path, capsys, error):
    monkeypatch.chdir(tmp_path)
    kept = Path("runs", "demo", "checkpoints", "ended.ckpt")
    kept.parent.mkdir(parents=True)
    kept.touch()
    monkeypatch.setattr(tfnlp, "save", mock.Mock(side_effect=error))
    with pytest.raises(error) if error else contextlib.nullcontext():
        finish(
            Recipe(),
            None,
            mock.Mock(**{"history.tokens": 9}),
            Report({"accuracy": 0.5}, seconds={"train": 1.0, "evaluate": 0.5}),
            audit=mock.Mock(),
            clock=tfnlp.Clock(),
        )
    assert "scored after 1.5 s: accuracy 0.5000\n" in capsys.readouterr().err
    assert kept.exists() == (error is not None)
    assert any(Path("runs").iterdir()) == (error is not None)


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("*.py")), ids=lambda p: p.stem)
def test_every_script_that_trains_a_run_finishes_it(path):
    """`finish` removes its checkpoints; another end would leave them."""
    source = path.read_text()
    assert source.count("cli.fit(") == source.count("return cli.finish(")
