"""The command line: dataclasses as flags, errors as exit codes, and the verbs.

Nothing in this folder imports TensorFlow before a verb needs it, so that
``tfnlp --help`` answers at once. The names below are found on first use, so that the
console script listens to Ctrl-C before it loads anything else.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfnlp.cli.batch import Batch as Batch
    from tfnlp.cli.batch import record as record
    from tfnlp.cli.finishing import finish as finish
    from tfnlp.cli.fitting import fit as fit
    from tfnlp.cli.guard import run as run
    from tfnlp.cli.keywords import assignments as assignments
    from tfnlp.cli.manifest import Counts as Counts
    from tfnlp.cli.pairs import Pairs as Pairs
    from tfnlp.cli.portions import Rejected as Rejected
    from tfnlp.cli.portions import Row as Row
    from tfnlp.cli.portions import read_portion as read_portion
    from tfnlp.cli.progress import Progress as Progress
    from tfnlp.cli.reading import Reading as Reading
    from tfnlp.cli.recipes import parse as parse
    from tfnlp.cli.recipes import to_dict as to_dict
    from tfnlp.cli.source import Source as Source
    from tfnlp.cli.space import asked as asked
    from tfnlp.cli.space import fixed as fixed
    from tfnlp.cli.space import read_space as read_space
    from tfnlp.cli.tagger import Tagger as Tagger
    from tfnlp.cli.texts import Texts as Texts
    from tfnlp.cli.writer import Writer as Writer

_HOMES = {
    "Batch": "tfnlp.cli.batch",
    "Counts": "tfnlp.cli.manifest",
    "Pairs": "tfnlp.cli.pairs",
    "Progress": "tfnlp.cli.progress",
    "Reading": "tfnlp.cli.reading",
    "Rejected": "tfnlp.cli.portions",
    "Row": "tfnlp.cli.portions",
    "Source": "tfnlp.cli.source",
    "Tagger": "tfnlp.cli.tagger",
    "Texts": "tfnlp.cli.texts",
    "Writer": "tfnlp.cli.writer",
    "asked": "tfnlp.cli.space",
    "assignments": "tfnlp.cli.keywords",
    "finish": "tfnlp.cli.finishing",
    "fit": "tfnlp.cli.fitting",
    "fixed": "tfnlp.cli.space",
    "parse": "tfnlp.cli.recipes",
    "read_portion": "tfnlp.cli.portions",
    "read_space": "tfnlp.cli.space",
    "record": "tfnlp.cli.batch",
    "run": "tfnlp.cli.guard",
    "to_dict": "tfnlp.cli.recipes",
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
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tfnlp.cli' has no attribute {name!r}")
    found: Any = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
