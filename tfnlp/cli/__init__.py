"""The command line: dataclasses as flags, errors as exit codes, and the verbs.

Nothing in this folder imports TensorFlow before a verb needs it, so that
``tfnlp --help`` answers at once. The names below are found on first use, so that the
console script handles Ctrl-C before it imports anything else.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfnlp.cli.exit_codes import run as run
    from tfnlp.cli.io.batch import Batch as Batch
    from tfnlp.cli.io.batch import record as record
    from tfnlp.cli.io.manifest import Counts as Counts
    from tfnlp.cli.io.portions import Rejected as Rejected
    from tfnlp.cli.io.portions import Row as Row
    from tfnlp.cli.io.portions import read_portion as read_portion
    from tfnlp.cli.io.progress import Progress as Progress
    from tfnlp.cli.parsing.command_line import parse as parse
    from tfnlp.cli.parsing.search_space import fixed as fixed
    from tfnlp.cli.parsing.search_space import read_space as read_space
    from tfnlp.cli.parsing.search_space import suggest as suggest
    from tfnlp.recipes.reading import Reading as Reading
    from tfnlp.recipes.settings import to_dict as to_dict

_HOMES = {
    "Batch": "tfnlp.cli.io.batch",
    "Counts": "tfnlp.cli.io.manifest",
    "Progress": "tfnlp.cli.io.progress",
    "Reading": "tfnlp.recipes.reading",
    "Rejected": "tfnlp.cli.io.portions",
    "Row": "tfnlp.cli.io.portions",
    "fixed": "tfnlp.cli.parsing.search_space",
    "parse": "tfnlp.cli.parsing.command_line",
    "read_portion": "tfnlp.cli.io.portions",
    "read_space": "tfnlp.cli.parsing.search_space",
    "record": "tfnlp.cli.io.batch",
    "run": "tfnlp.cli.exit_codes",
    "suggest": "tfnlp.cli.parsing.search_space",
    "to_dict": "tfnlp.recipes.settings",
}

__all__ = [
    "Batch",
    "Counts",
    "Progress",
    "Reading",
    "Rejected",
    "Row",
    "fixed",
    "parse",
    "read_portion",
    "read_space",
    "record",
    "run",
    "suggest",
    "to_dict",
]


def __getattr__(name: str) -> Any:
    """Imports a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tfnlp.cli' has no attribute {name!r}")
    found: Any = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
