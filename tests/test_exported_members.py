"""The public surface: what `tfnlp` offers, and that it costs nothing to import."""

import ast
import importlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import tfnlp

ROOT = Path(tfnlp.__file__).parent
PACKAGES = sorted(
    ".".join(["tfnlp", *stub.parent.relative_to(ROOT).parts])
    for stub in ROOT.rglob("__init__.pyi")
)


def run(code):
    """Runs Python in a process of its own, where nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )


def declared(package: str) -> dict[str, str]:
    """Name → home, as the stub of a package declares them to type checkers."""
    stub = Path(importlib.import_module(package).__file__).with_suffix(".pyi")
    imports = ast.walk(ast.parse(stub.read_text(encoding="utf-8")))
    return {
        alias.name: ".".join(filter(None, [package, node.module]))
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_all_is_sorted_and_agrees_with_what_type_checkers_see():
    assert tfnlp.__all__ == sorted(tfnlp.__all__)
    assert set(tfnlp.__all__) == {"__version__", *declared("tfnlp")} == set(dir(tfnlp))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_what_type_checkers_see(package):
    public = importlib.import_module(package)
    for name, home in declared(package).items():
        if home == package:
            expected = importlib.import_module(f"{package}.{name}")
        else:
            expected = getattr(importlib.import_module(home), name)
        assert getattr(public, name) is expected


@pytest.mark.parametrize("package", PACKAGES)
def test_a_stub_exports_every_name_under_itself(package):
    """lazy_loader ignores what stands behind `as`."""
    stub = Path(importlib.import_module(package).__file__).with_suffix(".pyi")
    for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.asname == alias.name for alias in node.names)


def test_tfnlp_itself_has_at_most_40_names():
    assert len(tfnlp.__all__) <= 40


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'tfnlp' has no attribute 'nope'"):
        _ = tfnlp.nope


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_hidden_by_a_module(package):
    folder = Path(importlib.import_module(package).__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.stem[0] != "_"}
    offered = {n for n, home in declared(package).items() if home != package}
    assert not offered & modules


def test_importing_tfnlp_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys, tfnlp, tfnlp.cli; print({'tensorflow', 'keras'} & {*sys.modules})"
    )
    assert run(code).stdout == "set()\n"


def test_help_answers_at_once():
    """Counted in CPU time, which other work on the machine does not lengthen."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "tfnlp"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 1.0  # 0.15 s on an idle machine


SIDE_EFFECTS = """
import atexit, gc, os, sys
environment, descriptor = dict(os.environ), os.fstat(2)
meta_path, callbacks = list(sys.meta_path), atexit._ncallbacks()

import tfnlp
{use}
assert dict(os.environ) == environment
assert os.path.samestat(os.fstat(2), descriptor)
assert gc.isenabled() and gc.get_freeze_count() == 0
assert sys.meta_path == meta_path
assert atexit._ncallbacks() == callbacks
print("unchanged")
"""


def test_importing_tfnlp_changes_nothing_in_the_process():
    assert run(SIDE_EFFECTS.format(use="")).stdout == "unchanged\n"


@pytest.mark.slow
def test_using_tfnlp_changes_no_more_than_importing_tensorflow_does():
    before = "import keras, tensorflow\n"  # with its own environment and callbacks
    found = run(before + SIDE_EFFECTS.format(use="tfnlp.Task, tfnlp.load, tfnlp.fit"))
    assert found.stdout == "unchanged\n"


@pytest.mark.slow
def test_the_command_line_keeps_the_logs_of_tensorflow_away():
    code = "from tfnlp.cli import tensorflow_logs as t; t.load_tensorflow()"
    assert run(code).stderr == ""
