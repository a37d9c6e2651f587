"""Exporters do not assign attributes of modules and classes that they import."""

import ast
from pathlib import Path

import pytest

EXPORT = Path(__file__).parent.parent.parent / "tfnlp" / "export"


def imported_names(tree):
    """The names that import statements bind, in functions too."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def root(node):
    """The leftmost name of `a.b.c`, or None."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def patches(source):
    """What a module assigns to others: `(line, what)`."""
    tree = ast.parse(source)
    names = imported_names(tree)
    found = [
        (node.lineno, ast.unparse(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and root(node) in names
    ]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found += [
        (call.lineno, ast.unparse(call.func))
        for call in calls
        if ast.unparse(call.func).split(".")[-1] in ("setattr", "delattr", "patch")
    ]
    return found + [(1, name) for name in names & {"mock", "monkeypatch", "unittest"}]


@pytest.mark.parametrize(
    "path", sorted(EXPORT.rglob("*.py")), ids=lambda p: str(p.relative_to(EXPORT))
)
def test_a_module_does_not_patch_others(path):
    assert patches(path.read_text()) == [], (
        "Other threads see what is assigned to a module. Pass a backend with "
        "tfnlp.text.ops.using, or change a copy: tfnlp.export.network_copy."
    )


@pytest.mark.parametrize(
    "source",
    [
        "import a\na.b = 1",
        "import a.b as c\nc.d.e = 1",
        "def f():\n    from a import B\n    B.c += 1",
        "from a import B\ndel B.c",
        "for owner in owners:\n    setattr(owner, 'name', 1)",
        "from unittest import mock",
    ],
)
def test_a_patch_is_found(source):
    assert patches(source)


def test_own_attributes_are_no_patch():
    assert patches("import a\nclass B:\n    def f(self):\n        self.a = a.b") == []
