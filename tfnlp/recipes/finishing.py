"""The end of a training run: the artefact with its report, and the report as text."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tfnlp
from tfnlp.recipes.fitting import remove_checkpoints
from tfnlp.recipes.recipe import Recipe
from tfnlp.recipes.settings import to_dict
from tfnlp.timing import peak_memory

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.texts import Audit
    from tfnlp.evaluation.report import Report
    from tfnlp.task import Task
    from tfnlp.timing import Clock


def finish(
    recipe: Recipe,
    task: "Task",
    network: "keras.Model",
    report: "Report",
    *,
    trained: "keras.Model",
    audit: "Audit",
    clock: "Clock",
) -> Path:
    """Saves a version with its recipe, audit and report; returns its folder.

    With ``--training.keep_weights both``, ``last.weights.h5`` is there, too: what
    `load_weights` of the network takes to continue from the last epoch.

    Removes the checkpoints of the run. Prints the first score and then the folder to
    standard error, and the report to standard output.

    Args:
        network: what is saved; its weights are those of the trained one.
        trained: what `tfnlp.fit` returned.

    Raises:
        ExportError: see `tfnlp.save`.
    """
    first = report.ordered()[0]
    print(
        f"scored after {sum(report.seconds.values()):.1f} s: "
        f"{first} {report.scores[first]:.4f}",
        file=sys.stderr,
    )
    settings = to_dict(recipe)
    cost = {"tokens": trained.history.tokens, **peak_memory()}
    report = dataclasses.replace(
        report, cost=cost, recipe=settings, audit=audit.to_json()
    )
    with clock.phase("save"):
        version = tfnlp.save(
            task,
            network,
            recipe.name,
            output=recipe.output,
            report=_SideFiles(report, network, trained),
            recipe=settings,
        )
    remove_checkpoints(recipe)
    print(f"saved as {version} in {clock.seconds['save']:.1f} s", file=sys.stderr)
    print(report)  # last: standard output may be closed by now
    return version


@dataclasses.dataclass(frozen=True)
class _SideFiles:
    """What a version has besides the network: its report, and the last weights."""

    report: "Report"
    network: "keras.Model"
    trained: "keras.Model"

    def save(self, folder: Path) -> None:
        self.report.save(folder)
        last = self.trained.history.last_weights
        if last is None:
            return
        network = self.trained.history.model  # what is saved has its variables
        best = network.get_weights()
        network.set_weights(last)
        try:
            self.network.save_weights(folder / "last.weights.h5")
        finally:
            network.set_weights(best)
