"""Objects to JSON and back: ``{"class": "module:Class", "config": {...}}``.

Only classes of tfnlp itself are imported by name. A class from elsewhere must be
handed in, so that a file never decides which code runs.
"""

import importlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

from tfnlp.errors import ArtefactError


class Configurable(Protocol):
    """Anything that can say its own constructor arguments as JSON values."""

    def config(self) -> dict[str, Any]: ...


def pack(thing: Configurable) -> dict[str, Any]:
    """Describes an object as JSON values.

    Example:
    >>> from tfnlp.text.vocabulary import Vocabulary
    >>> pack(Vocabulary(("a", "b")))["class"]
    'tfnlp.text.vocabulary:Vocabulary'
    """
    kind = type(thing)
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "config": thing.config(),
    }


def unpack(packed: dict[str, Any], *, classes: Sequence[type] = ()) -> Any:
    """Builds the object that `pack` described; nested descriptions included.

    Args:
        classes: classes from outside tfnlp that the description may name.

    Raises:
        ArtefactError: the description names a class that is unknown here.
    """
    kind = _find_class(packed["class"], classes)
    config = {
        name: unpack(value, classes=classes) if _is_packed(value) else value
        for name, value in packed["config"].items()
    }
    return kind(**config)


def to_json(thing: Configurable) -> str:
    """Writes an object as JSON text, keeping every character of every token."""
    return json.dumps(pack(thing), ensure_ascii=True, indent=1)


def from_json(text: str, *, classes: Sequence[type] = ()) -> Any:
    """Reads what `to_json` wrote."""
    return unpack(json.loads(text), classes=classes)


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"class", "config"}


def _find_class(path: str, classes: Sequence[type]) -> type:
    for kind in classes:
        if f"{kind.__module__}:{kind.__qualname__}" == path:
            return kind
    module, _, name = path.partition(":")
    if not module.startswith("tfnlp."):
        raise ArtefactError(
            "A class from outside tfnlp must be handed in to be loaded. "
            f"Received: {path}. Pass classes=[{name}]."
        )
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ArtefactError(
            f"This version of tfnlp has no class {path}. "
            "Load the artefact with the version that wrote it; "
            "its report.json names it."
        ) from error
