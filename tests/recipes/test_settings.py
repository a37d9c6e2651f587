"""Recipes as values by flag, with options whose flags begin like another flag."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.parsing.flags import flags
from tfnlp.errors import UsageError
from tfnlp.recipes.settings import PREFIX, changed, to_dict


@dataclass(frozen=True)
class Options:
    hidden_dim: int | None = None
    cell: Literal["lstm", "gru"] = "lstm"


@dataclass(frozen=True)
class Inner:
    epochs: int = 3


@dataclass(frozen=True)
class Recipe:
    encoder: Literal["rnn", "cnn"] = "cnn"
    encoder_options: Options = field(
        default_factory=Options, metadata={PREFIX: "encoder"}
    )
    training: Inner = field(default_factory=Inner)


def test_options_have_flags_that_begin_with_the_prefix():
    assert list(flags(Recipe)) == [
        "encoder",
        "encoder.hidden_dim",
        "encoder.cell",
        "training.epochs",
    ]


def test_options_are_read_beside_the_flag_they_belong_to():
    words = ["--encoder", "rnn", "--encoder.cell", "gru", "--encoder.hidden_dim=8"]
    found = parse(Recipe, words)
    assert found == Recipe("rnn", Options(8, "gru"))


def test_a_wrong_option_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"--encoder\.hidden_dim\?"):
        parse(Recipe, ["--encoder.hiden_dim", "8"])


def test_a_recipe_file_reads_what_was_written(tmp_path):
    recipe = Recipe("rnn", Options(8, "gru"), Inner(5))
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(to_dict(recipe)))
    assert parse(Recipe, ["--recipe", str(file)]) == recipe


def test_options_are_changed_together_with_the_flag_they_belong_to():
    values = {"encoder": "rnn", "encoder.cell": "gru", "training.epochs": 9}
    assert changed(Recipe(), values) == Recipe("rnn", Options(cell="gru"), Inner(9))


def test_a_recipe_is_written_by_flag():
    assert to_dict(dataclasses.replace(Recipe(), encoder="rnn")) == {
        "encoder": "rnn",
        "encoder.hidden_dim": None,
        "encoder.cell": "lstm",
        "training": {"epochs": 3},
    }
