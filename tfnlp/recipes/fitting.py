"""How every script trains: as a run of its name, which `--resume` goes on with."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.settings import to_dict

if TYPE_CHECKING:
    import keras

    from tfnlp.data.cache import Encoded
    from tfnlp.specs import Rows
    from tfnlp.task import Task

LOG = logging.getLogger("tfnlp")
RUNS = Path("runs")
"""Folder of all runs that are going on."""
_OTHERS = {"training", "name", "output", "resume", "train", "valid", "test"}
"""Flags that may be others when a run goes on, or that `tfnlp.fit` compares itself.

Files may have been moved: it is their rows that count.
"""


def fit(
    recipe: Any,
    task: "Task",
    build: Any,
    train: "Rows",
    valid: "Rows",
    *,
    encoded: "Encoded | None" = None,
) -> "keras.Model":
    """Fits with the settings of a recipe; see `tfnlp.fit`.

    Of several workers only the chief returns: it evaluates and saves.

    Args:
        recipe: a dataclass with `name`, `training` and `resume`.
        encoded: the rows of `train` as `tfnlp.encoded` gave them, if it was called.

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
        settings=_settings(recipe),
        encoded=encoded,
    )
    own = worker(create(recipe.training.strategy))
    if not own.is_chief:
        LOG.info("worker %d of %d is done; the chief saves", own.number, own.total)
        raise SystemExit(0)
    return model


def forget(recipe: Any) -> None:
    """Removes what `fit` left to go on from: the artefact has been written."""
    from tfnlp.training import checkpoints  # TensorFlow

    checkpoints.remove(RUNS / recipe.name)


def _settings(recipe: Any) -> dict[str, Any]:
    """The flags that a run depends on; those of tests are none."""
    flags = to_dict(recipe).items()
    kept = (f for f in flags if f[0] not in _OTHERS and not f[0].startswith("test_"))
    return {f"--{name}": value for name, value in kept}
