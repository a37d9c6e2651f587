"""Every flag of every verb and of every script is explained in --help."""

import importlib
import importlib.util
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tfnlp.cli import verbs
from tfnlp.cli.parsing.flags import flags

VERBS = [module.name for module in pkgutil.iter_modules(verbs.__path__)]
SCRIPTS = sorted((Path(__file__).parents[3] / "pipelines").glob("*.py"))


def unexplained(recipe: type) -> list[str]:
    return [name for name, flag in flags(recipe).items() if not flag.help]


@pytest.mark.parametrize("verb", VERBS)
def test_every_flag_of_a_verb_is_explained(verb):
    assert unexplained(importlib.import_module(f"tfnlp.cli.verbs.{verb}").Options) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_flag_of_a_script_is_explained(script, monkeypatch):
    monkeypatch.syspath_prepend(str(script.parent))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, script.stem, module)
    spec.loader.exec_module(module)
    assert unexplained(module.Recipe) == []


@dataclass(frozen=True)
class Wrapped:
    """A recipe whose lines the formatter has wrapped."""

    inside: tuple[int, int, int] | None = (
        None  # a comment that the formatter moved to the line of the default
    )
    behind: tuple[str, ...] = (
        "a",
        "b",
    )  # a comment after the last line


def test_a_comment_of_a_wrapped_field_is_its_help():
    found = {name: flag.help for name, flag in flags(Wrapped).items()}
    assert found == {
        "inside": "a comment that the formatter moved to the line of the default",
        "behind": "a comment after the last line",
    }
