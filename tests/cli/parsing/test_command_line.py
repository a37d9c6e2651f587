"""Flags, recipe files and defaults to a recipe, and what cannot be."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

import pytest

from tfnlp.cli import parse
from tfnlp.cli.parsing.command_line import parse_open
from tfnlp.errors import UsageError
from tfnlp.recipes.settings import to_dict


@dataclass(frozen=True)
class Inner:
    epochs: int = 5  # passes over the rows
    rate: float = 1e-3
    batch_size: int = 64

    def __post_init__(self):
        if self.epochs < 1:
            raise UsageError(f"epochs must be 1 or more. Received: {self.epochs}.")


@dataclass(frozen=True)
class Recipe:
    train: str = "rotten_tomatoes"  # file or built-in set
    encoder: Literal["bow", "cnn"] = "bow"
    lower: bool = True
    limit: int | None = None
    column: str | int = "text"
    widths: tuple[int, ...] = (2, 3)
    names: tuple[str, ...] = ()
    training: Inner = Inner(epochs=7)
    """How it is trained."""


@dataclass(frozen=True)
class Demanding:
    """Needs a file."""

    train: str  # the file
    other: str = dataclasses.field(default="x", metadata={"help": "from metadata"})


def test_no_flags_give_the_defaults():
    assert parse(Recipe, []) == Recipe()


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--train", "a.csv"], "train", "a.csv"),
        (["--train=a=b.csv"], "train", "a=b.csv"),
        (["--train=--odd"], "train", "--odd"),
        (["--encoder", "cnn"], "encoder", "cnn"),
        (["--lower", "false"], "lower", False),
        (["--lower=true"], "lower", True),
        (["--lower"], "lower", True),
        (["--limit", "1_000"], "limit", 1000),
        (["--limit", "none"], "limit", None),
        (["--column", "3"], "column", 3),
        (["--column", "review"], "column", "review"),
        (["--widths", "3,4,5"], "widths", (3, 4, 5)),
        (["--widths", "3", "4"], "widths", (3, 4)),
        (["--widths="], "widths", ()),
        (["--names", "a,b", "c"], "names", ("a,b", "c")),
        (["--train", "a", "--train", "b"], "train", "b"),
        (["--names", "a", "--names", "b", "c"], "names", ("a", "b", "c")),
        (["--widths", "3,4", "--widths", "5"], "widths", (5,)),
        (["-v", "--train", "a"], "train", "a"),
    ],
)
def test_a_flag_sets_its_field(words, field, value):
    assert getattr(parse(Recipe, words), field) == value


def test_a_dotted_flag_changes_one_field_and_keeps_the_other_defaults():
    recipe = parse(Recipe, ["--training.rate", "0.1", "--training.batch-size=8"])
    assert recipe.training == Inner(epochs=7, rate=0.1, batch_size=8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epoch", "3"], "Unknown flag --epoch. Did you mean --training.epochs?"),
        (["--trian", "x"], "Unknown flag --trian. Did you mean --train?"),
        (["--zzz"], "Unknown flag --zzz. All flags: --help."),
        (
            ["--training.epochs", "many"],
            "--training.epochs must be int. Received: many.",
        ),
        (["--training.epochs"], "--training.epochs must be int. Received: nothing."),
        (["--encoder", "ccn"], "bow or cnn. Received: ccn. Did you mean 'cnn'?"),
        (["--lower", "maybe"], "--lower must be true or false. Received: maybe."),
        (["--lower", "true", "x"], "A value must follow its flag. Received: 'x'"),
        (["--lower=maybe"], "--lower must be true or false. Received: maybe."),
        (["--limit", "x"], "--limit must be int or none. Received: x."),
        (["--widths", "3,x"], "--widths must be int,…. Received: 3,x."),
        (["stray"], "A value must follow its flag. Received: 'stray' alone."),
        (["--training.epochs", "-1"], "epochs must be 1 or more. Received: -1."),
    ],
)
def test_what_cannot_be_names_flag_expected_and_received(words, message):
    with pytest.raises(UsageError) as caught:
        parse(Recipe, words)
    assert message in str(caught.value)


def test_an_unknown_flag_is_said_before_a_missing_one():
    with pytest.raises(UsageError, match=r"--trian. Did you mean --train\?"):
        parse(Demanding, ["--trian", "a.csv"])


def test_a_required_flag_must_be_given():
    with pytest.raises(UsageError, match="--train is required"):
        parse(Demanding, [])


def test_a_field_may_stand_by_position():
    options, others = parse_open(
        Demanding, ["a.csv", "--text", "b", "c"], positional=("train",)
    )
    assert (options.train, others) == ("a.csv", {"text": ["b", "c"]})


def test_help_shows_every_flag_with_its_comment_and_default(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Recipe, ["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    assert "--train text file or built-in set (default: rotten_tomatoes)" in shown
    assert "--training.epochs int passes over the rows (default: 7)" in shown


def test_help_of_a_recipe_without_docstring_is_that_of_its_script(capsys):
    with pytest.raises(SystemExit):
        parse(Recipe, ["-h"])
    assert __doc__ in capsys.readouterr().out


def test_help_of_a_required_flag_and_of_metadata(capsys):
    with pytest.raises(SystemExit):
        parse(Demanding, ["--help"])
    shown = capsys.readouterr().out
    assert "Needs a file." in shown
    assert "the file (required)" in shown
    assert "from metadata (default: x)" in shown


YAML = """\
train: a.csv
widths: [4, 5]
limit: null
training:
  rate: 1e-2
"""


def test_a_yaml_recipe_sets_many_and_flags_win(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(YAML)
    recipe = parse(Recipe, ["--train", "b.csv", "--recipe", str(file)])
    expected = Recipe(train="b.csv", widths=(4, 5), training=Inner(7, 0.01))
    assert recipe == expected


def test_a_saved_recipe_reads_back(tmp_path):
    recipe = Recipe(limit=3, lower=False, names=("a,b",), training=Inner(2, 0.5))
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(to_dict(recipe)))
    assert parse(Recipe, [f"--recipe={file}"]) == recipe


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"trian": "x"}', "sets 'trian', which is no flag. Did you mean 'train'?"),
        ('{"training": {"epochs": 2.5}}', "--training.epochs must be int. Received: 2"),
        ('{"widths": 3.5}', "--widths must be int,…. Received: 3.5"),
        ('{"train": null}', "--train must be text. Received: null"),
        ('{"train": [1]}', "--train must be text. Received: [1]"),
        ("[1]", "A recipe file holds names and values."),
        ("{", "must be a readable JSON or YAML file. Received: "),
    ],
)
def test_a_recipe_file_is_checked_like_flags(content, message, tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text(content)
    with pytest.raises(UsageError) as caught:
        parse(Recipe, ["--recipe", str(file)])
    assert message in str(caught.value)


def test_a_missing_recipe_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        parse(Recipe, ["--recipe", str(tmp_path / "none.yaml")])


def test_a_broken_yaml_file_is_one_line(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("a: [1\nb: }")
    with pytest.raises(UsageError, match="JSON or YAML") as caught:
        parse(Recipe, ["--recipe", str(file)])
    assert "\n" not in str(caught.value)


def test_help_shows_own_flags_first_and_those_of_a_base_under_what_it_is(capsys):
    @dataclass(frozen=True)
    class Base:
        """Where rows are."""

        data: str = "rows.csv"

    @dataclass(frozen=True)
    class Own(Base):
        """Counts rows."""

        limit: int = 3

    with pytest.raises(SystemExit):
        parse(Own, ["--help"])

    shown = capsys.readouterr().out
    places = [shown.index(text) for text in ("--limit", "Where rows are:", "--data")]
    assert places == sorted(places)
