"""The commands of README and docs: every flag exists and takes what is typed."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

from tfnlp import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands():
    """Every command that runs a pipeline script: its name and its words."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for line in re.findall(r"^(?:\$ )?python pipelines/(\w+\.py.*)$", text, re.M):
            script, *words = shlex.split(line)
            if "[flags]" not in words:
                found.append((Path(script).stem, words))
    return found


def recipe_of(name):
    """The recipe of a script."""
    spec = importlib.util.spec_from_file_location(
        f"readme_{name}", ROOT / "pipelines" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # the flags are read out of its source
    spec.loader.exec_module(module)
    return module.Recipe


def test_there_are_commands():
    assert {"text_classification", "tagging"} <= {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "words"), commands(), ids=lambda part: str(part)[:60])
def test_a_command_is_typed_as_the_script_reads_it(name, words):
    assert cli.parse(recipe_of(name), words)
