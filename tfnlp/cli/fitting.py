"""How every script trains: as a run of its name, which `--resume` goes on with."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp

if TYPE_CHECKING:
    import keras

    from tfnlp.specs import Rows
    from tfnlp.task import Task

LOG = logging.getLogger("tfnlp")
RUNS = Path("runs")
"""Folder of all runs that are going on."""


def fit(
    recipe: Any, task: "Task", build: Any, train: "Rows", valid: "Rows"
) -> "keras.Model":
    """Fits with the settings of a recipe; see `tfnlp.fit`.

    Of several workers only the chief returns: it evaluates and saves.

    Args:
        recipe: a dataclass with `name`, `training` and `resume`.

    Raises:
        SystemExit: this worker is not the chief, and is done.
    """
    from tfnlp.training.strategy import create, worker  # TensorFlow

    model = tfnlp.fit(
        task,
        build,
        train,
        valid,
        recipe.training,
        run=RUNS / recipe.name,
        resume=recipe.resume,
    )
    own = worker(create(recipe.training.strategy))
    if not own.is_chief:
        LOG.info("worker %d of %d is done; the chief saves", own.number, own.total)
        raise SystemExit(0)
    return model
