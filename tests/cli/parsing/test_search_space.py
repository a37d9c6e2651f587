"""Words that say what a search tries."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

import keras_tuner
import pytest

from tfnlp.cli.parsing.search_space import Range, fixed, read_space, suggest
from tfnlp.errors import UsageError
from tfnlp.recipes.settings import changed
from tfnlp.recipes.text_classification import LabelledTexts
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults


@dataclass(frozen=True)
class Recipe:
    encoder: Literal["bow", "cnn"] = "cnn"
    vocabulary_size: int | None = None
    dropout: float = 0.5
    ngrams: tuple[int, int] | None = None
    training: TrainConfig = field(default_factory=TrainConfig)


def test_a_space_is_read_and_suggests():
    words = [
        "encoder=bow,cnn",
        "vocabulary_size=10,20",
        "training.learning_rate=1e-4..1e-2",
    ]
    space = read_space(Recipe, words)
    assert space["training.learning_rate"] == Range(1e-4, 1e-2)
    hp = keras_tuner.HyperParameters()
    first = suggest(hp, space, Recipe())
    assert first == dataclasses.replace(Recipe(), vocabulary_size=10)
    kinds = {each.name: type(each).__name__ for each in hp.space}
    assert kinds == {
        "encoder": "Choice",
        "vocabulary_size": "Choice",
        "training.learning_rate": "Float",
    }
    values = {
        "encoder": "bow",
        "vocabulary_size": "20",
        "training.learning_rate": 0.005,
    }
    found = suggest(Defaults(values), space, Recipe())
    assert (found.encoder, found.vocabulary_size, found.training.learning_rate) == (
        "bow",
        20,
        0.005,
    )


def test_a_word_that_was_cut_at_its_commas_is_whole_again():
    """As the command line hands on `--space encoder=bow,cnn`."""
    space = read_space(Recipe, ["encoder=bow", "cnn"])
    assert space == {"encoder": ("bow", "cnn")}


@pytest.mark.parametrize(
    ("word", "sampling", "kind"),
    [
        ("dropout=0.1..0.5", "linear", "Float"),
        ("training.learning_rate=1e-4..1e-2", "log", "Float"),
        ("vocabulary_size=1..40", "linear", "Int"),
        ("training.batch_size=1..512", "log", "Int"),
    ],
)
def test_wide_ranges_are_searched_by_magnitude(word, sampling, kind):
    hp = keras_tuner.HyperParameters()
    suggest(hp, read_space(Recipe, [word]), Recipe())
    (only,) = hp.space
    assert (only.sampling, type(only).__name__) == (sampling, kind)


def test_a_default_inside_a_range_is_tried_first():
    hp = keras_tuner.HyperParameters()
    suggest(
        hp, read_space(Recipe, ["dropout=0.1..0.6", "vocabulary_size=5..9"]), Recipe()
    )
    assert hp.values == {"dropout": 0.5, "vocabulary_size": 5}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("encodr=bow", "Unknown flag --encodr. Did you mean --encoder"),
        ("encoder=bow,rnn", "--encoder must be bow or cnn. Received: rnn"),
        ("encoder", "flag=value,value or flag=low..high. Received: 'encoder'"),
        ("encoder=", "flag=value,value or flag=low..high"),
        ("dropout=0.5..0.1", "goes from a number to a larger one"),
        ("dropout=a..b", "--dropout must be"),
        ("encoder=bow..cnn", "goes from a number to a larger one"),
        ("vocabulary_size=none..5", "goes from a number to a larger one"),
    ],
)
def test_a_word_that_says_nothing_is_refused(word, message):
    with pytest.raises(UsageError, match=message):
        read_space(Recipe, [word])


@dataclass(frozen=True, kw_only=True)
class OfRows(LabelledTexts):
    name: str = "reviews"
    output: str = "saved_models"
    resume: bool = False
    vocabulary_size: int = 10
    training: TrainConfig = field(default_factory=TrainConfig)


@pytest.mark.parametrize(
    "word",
    """train=a.csv,b.csv text=a,b split_seed=0..9 format=csv,jsonl multi_label=true
    name=x,y
    output=x,y resume=true,false training.strategy=one_device,auto
    training.report_to=wandb training.checkpoint_seconds=1..9""".split(),
)
def test_what_all_trials_have_in_common_is_not_searched(word):
    name = word.partition("=")[0]
    with pytest.raises(UsageError) as caught:
        read_space(OfRows, [word])
    assert str(caught.value) == (
        "What is searched is a setting of the text, the network or the training. "
        f"Received: --space {name}=…, which all trials have in common. "
        f"Give --{name} itself, and one search for each value."
    )


def test_what_decides_a_score_and_is_not_searched():
    recipe = OfRows(
        train="a.csv", multi_label=True, training=TrainConfig(learning_rate=0.5)
    )
    found = fixed(recipe, {"training.epochs": ("1", "2")})
    assert (
        found["vocabulary_size"],
        found["multi_label"],
        found["training.learning_rate"],
    ) == (
        10,
        True,
        0.5,
    )
    assert found.keys().isdisjoint(
        ["train", "text", "name", "output", "training.strategy", "training.epochs"]
    )


def test_several_flags_of_one_part_are_changed_together():
    values = {"training.learning_rate": 0.1, "training.epochs": 3, "vocabulary_size": 7}
    found = changed(Recipe(), values)
    assert (
        found.vocabulary_size,
        found.training.learning_rate,
        found.training.epochs,
    ) == (
        7,
        0.1,
        3,
    )
