"""Saves artefacts after a parity check of all backends."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tfnlp.export.savedmodel.artefact import Savable, export
from tfnlp.serving import verify
from tfnlp.task import Task


def save(
    task: Task,
    model: keras.Model,
    name: str,
    *,
    output: str | Path = "saved_models",
    report: Savable | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> Path:
    """Writes the next version of an artefact and returns its folder.

    Also writes what TF Serving needs: warm-up requests, and files beside the versions,
    see `tfnlp.export.deployment.bundle`. Before the version is published, the network
    loaded from its file, the SavedModel and the embedded server must answer golden and
    odd rows like the network in memory, see `tfnlp.serving.verify`.

    Args:
        task: text in, answers out.
        model: the network of the task.
        name: letters, digits, ``_``, ``-`` and ``.``.
        output: the folder of all artefacts.
        report: written beside the task, as JSON, Markdown and HTML.
        recipe: the settings of the run, written as JSON.

    Raises:
        UsageError: the name is not valid for a server.
        ExportError: the folder cannot be written, or a backend gives other answers
            than the network.
    """
    return export(
        task,
        model,
        name,
        output=output,
        report=report,
        recipe=recipe,
        check=verify.check,
    )
