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
    from tfnlp.data.audit.texts import Audit
    from tfnlp.evaluation.report import Report
    from tfnlp.timing import Clock
    from tfnlp.training.trained_model import TrainedModel


def finish(
    recipe: Recipe,
    trained: "TrainedModel",
    report: "Report",
    *,
    audit: "Audit",
    clock: "Clock",
) -> Path:
    """Saves a version with its recipe, audit and report; returns its folder.

    With ``--training.keep_weights both``, ``last.weights.h5`` is there, too: what
    `load_weights` of the network takes to continue from the last epoch.

    Removes the checkpoints of the run. Prints the first score and then the folder to
    standard error, and the report to standard output.

    Args:
        trained: what `tfnlp.fit` returned, with the task and network that are saved.

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
    cost = {"tokens": trained.tokens, **peak_memory()}
    report = dataclasses.replace(
        report, cost=cost, recipe=settings, audit=audit.to_json()
    )
    with clock.phase("save"):
        version = tfnlp.save(
            trained.task,
            trained.network,
            recipe.name,
            output=recipe.output,
            report=_SideFiles(report, trained),
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
    trained: "TrainedModel"

    def save(self, folder: Path) -> None:
        self.report.save(folder)
        network, last = self.trained.network, self.trained.last_weights
        if last is None:
            return
        best = network.get_weights()
        network.set_weights(last)
        try:
            network.save_weights(folder / "last.weights.h5")
        finally:
            network.set_weights(best)
