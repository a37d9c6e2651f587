"""Exceptions of tfnlp, and the exit code of each.

::

    TfnlpError                 1  anything that went wrong at run time
    ├── UsageError             2  a flag, a recipe or an argument has a wrong value
    ├── DataError              3  a file or its rows were rejected
    │   └── SchemaError        3  rows lack a field, or a field has another type
    ├── TrainingError          1  training failed (NaN loss, a lost worker)
    ├── ArtefactError          1  a folder is not an artefact, or lacks a file
    ├── ExportError            5  an artefact could not be written or does not agree
    ├── RequestError           1  a request that an artefact cannot answer
    └── ServerError            1  a server that cannot start, or does not answer

A message says what the rule is, what was received and what to do next.
"""

import difflib
from collections.abc import Iterable


class TfnlpError(Exception):
    """Base class: catches every exception that tfnlp raises itself."""

    exit_code = 1


class UsageError(TfnlpError):
    """A flag, a recipe or an argument has a wrong value."""

    exit_code = 2


class DataError(TfnlpError):
    """A file cannot be read as rows, or its rows cannot be trained on."""

    exit_code = 3


class SchemaError(DataError):
    """Rows lack a field that the task needs, or carry it with another type."""


class TrainingError(TfnlpError):
    """Training failed, for example because the loss is not a number."""


class ArtefactError(TfnlpError):
    """A folder is not an artefact of tfnlp, or one of its files is missing."""


class ExportError(TfnlpError):
    """An artefact could not be written, or answers otherwise than the network."""

    exit_code = 5


class RequestError(TfnlpError):
    """A request does not fit the artefact it was sent to, or there is no such one."""


class ServerError(TfnlpError):
    """A server cannot be started, or does not answer in time."""


def nearest(name: str, candidates: Iterable[str]) -> str:
    """A hint with the nearest candidate ("Did you mean …?"), or nothing.

    Example:
    >>> nearest("lable", ["text", "label"])
    " Did you mean 'label'?"
    >>> nearest("zzz", ["text", "label"])
    ''
    """
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""
