"""The command line: dataclasses as flags, errors as exit codes, and the verbs.

Nothing in this folder imports TensorFlow before a verb needs it, so that
``tfnlp --help`` answers at once.
"""

from tfnlp.cli.assignments import assignments as assignments
from tfnlp.cli.guard import run as run
from tfnlp.cli.reading import Reading as Reading
from tfnlp.cli.recipes import parse as parse
from tfnlp.cli.recipes import to_dict as to_dict
from tfnlp.cli.source import Source as Source

__all__ = ["Reading", "Source", "assignments", "parse", "run", "to_dict"]
