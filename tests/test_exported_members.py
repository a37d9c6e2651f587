"""The public surface: what `tfnlp` offers, and that it costs nothing to import."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tfnlp
from tfnlp import cli

SOURCE = Path(tfnlp.__file__).read_text(encoding="utf-8")


def run(code):
    """Runs Python in a process of its own, where nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )


def declared() -> dict[str, str]:
    """Name → home, as the block for type checkers declares them."""
    (block,) = (node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    return {
        alias.asname: f"{node.module}:{alias.name}"
        for node in block.body
        for alias in node.names
    }


def test_all_is_sorted_and_agrees_with_what_type_checkers_see():
    assert tfnlp.__all__ == sorted(tfnlp.__all__)
    assert set(tfnlp.__all__) == {"__version__", *declared()} == set(dir(tfnlp))


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_public_name_is_what_type_checkers_see(name):
    module, _, attribute = declared()[name].partition(":")
    home = __import__(module, fromlist=[attribute])
    assert getattr(tfnlp, name) is getattr(home, attribute)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'tfnlp' has no attribute 'nope'"):
        _ = tfnlp.nope


def test_no_public_name_is_hidden_by_a_subpackage():
    folder = Path(tfnlp.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.stem[0] != "_"}
    assert not (set(tfnlp.__all__) & modules) - {"cli", "errors"}


def test_importing_tfnlp_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys, tfnlp, tfnlp.cli; print({'tensorflow', 'keras'} & {*sys.modules})"
    )
    assert run(code).stdout == "set()\n"


def test_help_answers_at_once():
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tfnlp"], capture_output=True, check=True)
    assert time.perf_counter() - start < 1.0  # 0.15 s on an idle machine


@pytest.mark.slow
def test_tensorflow_says_nothing_when_it_is_loaded():
    assert run("from tfnlp import Task").stderr == ""


def test_no_module_has_the_name_of_what_is_found_on_first_use():
    """Whoever imported it would find the module in the place of the function."""
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(cli.__all__)
