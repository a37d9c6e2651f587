"""Serialization: ids that outlive moves, older formats, and what is refused."""

import ast
import importlib
import inspect
import json
from pathlib import Path

import pytest
import tensorflow as tf

import tfnlp
from tfnlp import saving
from tfnlp.errors import ArtefactError
from tfnlp.text.vocabulary import Vocabulary

PACKAGE = Path(tfnlp.__file__).parent


class Doubled(tf.Module):
    """A class of somebody else, with one of ours inside."""

    def __init__(self, words):
        super().__init__()
        self.words = words

    def config(self):
        return {"words": saving.pack(self.words)}


def configurable():
    """Every class of the package that can be saved: ``module:Class``."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and any(
                isinstance(each, ast.FunctionDef) and each.name == "config"
                for each in node.body
            ):
                module = ".".join(
                    path.relative_to(PACKAGE.parent).with_suffix("").parts
                )
                found.append(f"{module}:{node.name}")
    return found


def is_abstract(path):
    module, _, name = path.partition(":")
    kind = getattr(importlib.import_module(module), name)
    return inspect.isabstract(kind) or getattr(kind, "_is_protocol", False)


@pytest.mark.parametrize("path", configurable())
def test_every_class_with_a_configuration_has_an_id(path):
    # `Terms` is a part of `Vectorizer`, whose configuration has its options.
    if not is_abstract(path) and not path.endswith(":Terms"):
        assert path in saving.CLASSES.values(), "give it an id in saving.CLASSES"


@pytest.mark.parametrize("name", sorted(saving.CLASSES))
def test_an_id_finds_its_class(name):
    module, _, attribute = saving.CLASSES[name].partition(":")
    kind = getattr(importlib.import_module(module), attribute)
    assert saving.class_id(kind) == name


def test_every_moved_class_has_an_id_of_today():
    assert set(saving.MOVED.values()) <= set(saving.CLASSES)


def test_a_description_begins_with_its_format():
    written = json.loads(saving.to_json(Vocabulary(("a",))))
    assert written["format"] == 2
    assert list(written) == ["format", "class", "config"]


def test_format_1_is_read():
    old = {"class": "tfnlp.text.vocabulary:Vocabulary", "config": {"tokens": ["a"]}}
    assert saving.from_json(json.dumps(old)).config()["tokens"] == ("a",)


def test_format_1_is_read_inside_a_class_of_somebody_else():
    inner = {"class": "tfnlp.text.vocabulary:Vocabulary", "config": {"tokens": ["a"]}}
    name = f"{Doubled.__module__}:{Doubled.__qualname__}"
    old = {"class": name, "config": {"words": inner}}
    found = saving.from_json(json.dumps(old), classes=[Doubled])
    assert found.words.config()["tokens"] == ("a",)


def test_a_newer_format_is_refused():
    written = json.loads(saving.to_json(Vocabulary(("a",)))) | {"format": 3}
    with pytest.raises(ArtefactError, match=r"format 2 and older\. Received: format 3"):
        saving.from_json(json.dumps(written))


def test_a_class_of_somebody_else_must_be_handed_in():
    text = saving.to_json(Doubled(Vocabulary(("a",))))
    with pytest.raises(ArtefactError, match=r"handed in .* Pass classes=\[Doubled\]"):
        saving.from_json(text)


def test_an_unknown_id_is_refused():
    with pytest.raises(ArtefactError, match="has no class tfnlp/Nothing"):
        saving.from_json('{"format": 2, "class": "tfnlp/Nothing", "config": {}}')
