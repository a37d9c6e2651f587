"""How every script ends: the artefact with its report, and the report as text."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.fitting import forget
from tfnlp.recipes.settings import to_dict

if TYPE_CHECKING:
    import keras

    from tfnlp.data.audit.texts import Audit
    from tfnlp.evaluation.report import Report
    from tfnlp.task import Task
    from tfnlp.timing import Clock


def finish(
    recipe: Any,
    task: "Task",
    model: "keras.Model",
    report: "Report",
    *,
    audit: "Audit",
    clock: "Clock",
) -> Path:
    """Saves a version with its recipe, audit and report; returns its folder.

    With `--training.keep_weights both`, `last.weights.h5` is there, too: what
    `load_weights` of the network takes to go on from the last epoch.

    What `--resume` would have gone on from until now is removed then.
    Prints the first score and then where it is to stderr, and the report to stdout.

    Args:
        recipe: a dataclass with `name` and `output`.
        model: with the ``history`` that `tfnlp.fit` left.

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
    cost = {"tokens": model.history.tokens, **tfnlp.timing.peak_memory()}
    report = dataclasses.replace(
        report, cost=cost, recipe=settings, audit=audit.to_json()
    )
    with clock.phase("save"):
        version = tfnlp.save(
            task,
            model,
            recipe.name,
            output=recipe.output,
            report=_Beside(report, model),
            recipe=settings,
        )
    forget(recipe)
    print(f"saved as {version} in {clock.seconds['save']:.1f} s", file=sys.stderr)
    print(report)  # last: whoever reads this may have left
    return version


@dataclasses.dataclass(frozen=True)
class _Beside:
    """What a version has besides the network: its report, and the last weights."""

    report: "Report"
    model: "keras.Model"

    def save(self, folder: Path) -> None:
        self.report.save(folder)
        last = self.model.history.last_weights
        if last is None:
            return
        trained = self.model.history.model  # what is saved has its variables
        best = trained.get_weights()
        trained.set_weights(last)
        try:
            self.model.save_weights(folder / "last.weights.h5")
        finally:
            trained.set_weights(best)
