"""Recipe files: many flags at once, in JSON or YAML."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfnlp.cli.parsing.flags import Flag
from tfnlp.cli.parsing.renamed_flags import new_name
from tfnlp.errors import UsageError, nearest


def read_recipe(path: Path, known: Mapping[str, Flag]) -> dict[str, Any]:
    """Flag → value out of a JSON or YAML file, nested or with dotted names.

    Raises:
        UsageError: the file is unreadable, or sets what is no flag or value.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            "--recipe must be a readable JSON or YAML file. "
            f"Received: {path} ({reason})."
        ) from error
    if not isinstance(content, dict):
        raise UsageError(
            "A recipe file holds names and values. "
            f"Received: {path} with a {type(content).__name__}."
        )
    values = {}
    for name, value in _flatten(content).items():
        if name not in known:
            renamed = new_name(name, known)
            meant = f" It is called {renamed} now." if renamed else nearest(name, known)
            raise UsageError(
                f"{path} sets {name!r}, which is no flag.{meant} All flags: --help."
            )
        values[name] = known[name].load(value)
    return values


def _yaml(text: str) -> Any:
    import yaml  # 20 ms that most commands need not spend

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
