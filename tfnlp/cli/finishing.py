"""How every script ends: the artefact with its report, and the report as text."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.cli.fitting import forget
from tfnlp.cli.recipes import to_dict

if TYPE_CHECKING:
    import keras

    from tfnlp.clock import Clock
    from tfnlp.data.audit import Audit
    from tfnlp.evaluation.report import Report
    from tfnlp.task import Task


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

    What `--resume` would have gone on from until now is removed then.
    Prints where it is to stderr, and the report to stdout.

    Args:
        recipe: a dataclass with `name` and `output`.
        model: with the ``history`` that `tfnlp.fit` left.

    Raises:
        ExportError: see `tfnlp.save`.
    """
    settings = to_dict(recipe)
    cost = {"tokens": model.history.tokens, **tfnlp.clock.peak_memory()}
    report = dataclasses.replace(
        report, cost=cost, recipe=settings, audit=audit.to_json()
    )
    with clock.phase("save"):
        version = tfnlp.save(
            task,
            model,
            recipe.name,
            output=recipe.output,
            report=report,
            recipe=settings,
        )
    forget(recipe)
    print(f"saved as {version} in {clock.seconds['save']:.1f} s", file=sys.stderr)
    print(report)  # last: whoever reads this may have left
    return version
