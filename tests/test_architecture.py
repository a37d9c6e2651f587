"""Architecture: imports only go down, and every task has its conformance test."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tfnlp"

FLOOR = {
    **dict.fromkeys(["errors", "naive_bayes_prior", "saving", "specs", "timing"], 0),
    **dict.fromkeys(["data", "text", "media", "layers", "decoding", "scores"], 1),
    "networks": 2,
    "task": 3,
    "prediction": 3.5,  # below the engines that share it
    **dict.fromkeys(["tasks", "training", "evaluation", "export"], 4),
    **dict.fromkeys(["tuning", "serving"], 5),
    "recipes": 6,  # what the scripts share; the command line is above
    **dict.fromkeys(["testing", "cli"], 7),
    **dict.fromkeys(["__init__", "__main__"], 8),
}

FORMS = {"intent_and_slots": "tagging", "semantic_roles": "tagging"}
"""A form of a task → the task that it is one of; other tasks are strangers."""


def place(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(path: Path) -> list[tuple[str, ...]]:
    """Modules of tfnlp that a file imports, without the leading ``tfnlp``."""
    package = ("tfnlp", *path.relative_to(PACKAGE).parts[:-1])
    found: list[tuple[str, ...]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = package[: len(package) - node.level + 1] if node.level else ()
            whole = (*stem, *(node.module or "").split("."))
            whole = tuple(part for part in whole if part)
            if whole == ("tfnlp",):
                found += [(*whole, alias.name) for alias in node.names]
            else:
                found.append(whole)
    return [parts[1:] for parts in found if parts[0] == "tfnlp" and len(parts) > 1]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_go_down(path):
    mine = place(path.relative_to(PACKAGE).parts)
    for module in imported(path):
        theirs = place(module)
        inside = (theirs == mine and mine != "tasks") or theirs == "errors"
        form = mine == "tasks" and module == ("tasks", FORMS.get(path.stem))
        assert FLOOR[theirs] < FLOOR[mine] or inside or form, (
            f"{path.name} on floor {FLOOR[mine]} may not import "
            f"tfnlp.{'.'.join(module)} on floor {FLOOR[theirs]}: imports only go "
            "down. Hand the thing in as an argument, or move it to a lower floor."
        )


WINGS = {
    ("serving", "protocol"): ["serving.client", "serving.server", "serving.beam"],
    ("serving", "client"): ["serving.server", "serving.beam"],
    ("serving", "server"): ["serving.client", "serving.beam"],
    ("serving", "beam"): ["serving.server"],
    ("recipes",): ["cli"],
}
"""Wing → wings that it must not import, although its floor would allow it."""


@pytest.mark.parametrize(
    ("wing", "path"),
    [(w, p) for w in WINGS for p in sorted(PACKAGE.joinpath(*w).rglob("*.py"))],
    ids=lambda value: value.name if isinstance(value, Path) else ".".join(value),
)
def test_wings_do_not_import_one_another(wing, path):
    for module in imported(path):
        name = ".".join(module)
        for other in WINGS[wing]:
            assert not f"{name}.".startswith(f"{other}."), (
                f"{'.'.join(wing)}/{path.name} may not import tfnlp.{name}. Move what "
                "both need to a lower room, such as tfnlp.serving.protocol."
            )


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "recipes").rglob("*.py")), ids=lambda p: p.name
)
def test_recipes_do_not_read_the_command_line(path):
    """Recipes take typed options; only `tfnlp.cli` reads `sys.argv`."""
    tree = ast.parse(path.read_text())
    attributes = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    names = [n.name for n in ast.walk(tree) if isinstance(n, ast.alias)]
    modules = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert "argv" not in [*attributes, *names]
    assert "argparse" not in [*names, *modules]


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((PACKAGE / "tasks").glob("*.py")) if p.stem != "__init__"],
    ids=lambda p: p.stem,
)
def test_every_task_has_its_conformance_test(path):
    test = Path(__file__).parent / "tasks" / f"test_{path.stem}.py"
    assert test.exists(), f"tasks/{path.name} needs tests/tasks/test_{path.stem}.py"
    assert "check_task(" in test.read_text(), f"{test.name} must call check_task(...)"


@pytest.mark.parametrize("folder", ["layers", "networks"])
def test_a_package_registers_all_its_layers_with_keras(folder):
    """A saved network loads in a process that has seen none of them."""
    imported_here = {".".join(m) for m in imported(PACKAGE / folder / "__init__.py")}
    for path in sorted((PACKAGE / folder).glob("*.py")):
        if "register_keras_serializable" in path.read_text():
            assert f"{folder}.{path.stem}" in imported_here, f"import {path.stem} there"
