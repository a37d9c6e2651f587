"""Training in a recipe: a run of its name, which `--resume` continues."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.recipe import Prepared, Recipe
from tfnlp.recipes.settings import to_dict

if TYPE_CHECKING:
    from tfnlp.training.trained_model import TrainedModel

LOG = logging.getLogger("tfnlp")
RUNS = Path("runs")
"""Folder of the checkpoints and logs of all runs."""
_OTHERS = {"training", "name", "output", "resume", "train", "valid", "test"}
"""Flags that may differ when a run is resumed, or that `tfnlp.fit` compares itself.

Files may have been moved: it is their rows that count.
"""


def fit(
    recipe: Recipe, prepared: Prepared, build: Callable[[Any], Any]
) -> "TrainedModel":
    """Trains with the settings of a recipe; see `tfnlp.fit`.

    Of several workers only the chief returns: it evaluates and saves.

    Raises:
        SystemExit: this worker is not the chief, and is done.
    """
    from tfnlp.training.strategy import create, worker  # TensorFlow

    trained = tfnlp.fit(
        prepared.task,
        build,
        prepared.splits.train,
        prepared.splits.valid,
        recipe.training,
        run=RUNS / recipe.name,
        resume=recipe.resume,
        settings=_settings(recipe),
        encoded=prepared.encoded,
    )
    own = worker(create(recipe.training.strategy))
    if not own.is_chief:
        LOG.info("worker %d of %d is done; the chief saves", own.number, own.total)
        raise SystemExit(0)
    return trained


def remove_checkpoints(recipe: Recipe) -> None:
    """Removes what `--resume` would continue from: the artefact has been written."""
    from tfnlp.training import checkpoints  # TensorFlow

    checkpoints.remove(RUNS / recipe.name)


def _settings(recipe: Recipe) -> dict[str, Any]:
    """The flags that a run depends on; those of the test data do not count."""
    flags = to_dict(recipe).items()
    kept = (f for f in flags if f[0] not in _OTHERS and not f[0].startswith("test_"))
    return {f"--{name}": value for name, value in kept}
