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
    from tfnlp.cli.parsing.search_space import asked as asked
    from tfnlp.cli.parsing.search_space import fixed as fixed
    from tfnlp.cli.parsing.search_space import read_space as read_space
    from tfnlp.recipes.finishing import finish as finish
    from tfnlp.recipes.fitting import fit as fit
    from tfnlp.recipes.keywords import assignments as assignments
    from tfnlp.recipes.pairs import Pairs as Pairs
    from tfnlp.recipes.reading import Reading as Reading
    from tfnlp.recipes.settings import to_dict as to_dict
    from tfnlp.recipes.source import Source as Source
    from tfnlp.recipes.tagger import Tagger as Tagger
    from tfnlp.recipes.texts import Texts as Texts
    from tfnlp.recipes.writer import Writer as Writer

_HOMES = {
    "Batch": "tfnlp.cli.io.batch",
    "Counts": "tfnlp.cli.io.manifest",
    "Pairs": "tfnlp.recipes.pairs",
    "Progress": "tfnlp.cli.io.progress",
    "Reading": "tfnlp.recipes.reading",
    "Rejected": "tfnlp.cli.io.portions",
    "Row": "tfnlp.cli.io.portions",
    "Source": "tfnlp.recipes.source",
    "Tagger": "tfnlp.recipes.tagger",
    "Texts": "tfnlp.recipes.texts",
    "Writer": "tfnlp.recipes.writer",
    "asked": "tfnlp.cli.parsing.search_space",
    "assignments": "tfnlp.recipes.keywords",
    "finish": "tfnlp.recipes.finishing",
    "fit": "tfnlp.recipes.fitting",
    "fixed": "tfnlp.cli.parsing.search_space",
    "parse": "tfnlp.cli.parsing.command_line",
    "read_portion": "tfnlp.cli.io.portions",
    "read_space": "tfnlp.cli.parsing.search_space",
    "record": "tfnlp.cli.io.batch",
    "run": "tfnlp.cli.exit_codes",
    "to_dict": "tfnlp.recipes.settings",
}

__all__ = [
    "Batch",
    "Counts",
    "Pairs",
    "Progress",
    "Reading",
    "Rejected",
    "Row",
    "Source",
    "Tagger",
    "Texts",
    "Writer",
    "asked",
    "assignments",
    "finish",
    "fit",
    "fixed",
    "parse",
    "read_portion",
    "read_space",
    "record",
    "run",
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
