"""How every script trains: as a run of its name, which `--resume` goes on with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp

if TYPE_CHECKING:
    import keras

    from tfnlp.specs import Rows
    from tfnlp.task import Task

RUNS = Path("runs")
"""Folder of all runs that are going on."""


def fit(
    recipe: Any, task: "Task", build: Any, train: "Rows", valid: "Rows"
) -> "keras.Model":
    """Fits with the settings of a recipe; see `tfnlp.fit`.

    Args:
        recipe: a dataclass with `name`, `training` and `resume`.
    """
    return tfnlp.fit(
        task,
        build,
        train,
        valid,
        recipe.training,
        run=RUNS / recipe.name,
        resume=recipe.resume,
    )
