"""Flags of earlier versions are refused with the name that they have now."""

import pytest

from tfnlp.cli.parsing.command_line import unknown_flag
from tfnlp.cli.parsing.flags import flags
from tfnlp.cli.parsing.recipe_files import read_recipe
from tfnlp.cli.parsing.renamed_flags import RENAMED
from tfnlp.errors import UsageError


@pytest.mark.parametrize("old", sorted(RENAMED))
def test_an_old_flag_is_refused_with_the_new_one(old):
    said = str(unknown_flag(old, ["other"]))
    assert said == f"--{old} is called --{RENAMED[old]} now. All flags: --help."


def test_an_old_flag_with_hyphens_is_known_too():
    assert "--training.warmup_ratio" in str(unknown_flag("training.warm-up", []))


def test_an_option_of_the_decoder_is_meant_where_there_is_no_encoder():
    known = ["decoder", "decoder.hidden_dim", "decoder.num_layers"]
    assert "--decoder.num_layers now" in str(unknown_flag("depth", known))
    assert "--decoder.OPTION VALUE now" in str(unknown_flag("network", known))


def test_a_new_name_is_no_old_name():
    assert not set(RENAMED) & set(RENAMED.values())


def test_an_old_name_in_a_recipe_file_is_refused_with_the_new_one(tmp_path):
    from tfnlp.training.config import TrainConfig

    file = tmp_path / "recipe.json"
    file.write_text('{"minimum_count": 2}')
    with pytest.raises(UsageError, match=r"no flag\. It is called min_frequency now"):
        read_recipe(file, flags(TrainConfig))
