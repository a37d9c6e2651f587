"""The scripts of benchmarks/ and pipelines/ as modules."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LABELS = {"pos": "a fine warm film", "neg": "a dull cold film"}


@pytest.fixture(scope="session")
def script():
    """Loads a script by its path from the root, once."""
    loaded = {}

    def load(path):
        if path not in loaded:
            name = "script_" + path.removesuffix(".py").replace("/", "_")
            spec = importlib.util.spec_from_file_location(name, ROOT / path)
            loaded[path] = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded[path])
        return loaded[path]

    yield load
    for module in loaded.values():
        del sys.modules[module.__name__]


@pytest.fixture
def films(tmp_path):
    """A file of 80 texts whose labels are plain to see."""
    rows = [f"{text} {n}\t{label}" for n in range(40) for label, text in LABELS.items()]
    path = tmp_path / "films.tsv"
    path.write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    return str(path)
