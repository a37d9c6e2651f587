"""The training run of every pipeline script: from data files to a saved artefact.

It owns the order and the clock: output check, dry run, reading, audit, vocabulary,
training, thresholds, evaluation, saving. What each step means is the recipe's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.recipes.finishing import finish
from tfnlp.recipes.fitting import fit
from tfnlp.recipes.recipe import Prepared, Recipe
from tfnlp.timing import Clock

if TYPE_CHECKING:
    import keras

    from tfnlp.data.train_valid_test import Splits

Build = Callable[..., "keras.Model"]
"""``build(recipe, task, start, hp)``: the network of a task, see `Prepared.start`."""


def run(recipe: Recipe, build: Build) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version.

    Args:
        recipe: its flags say all but the network.
        build: ``build(recipe, task, start, hp)`` returns the network. `hp` answers
            like KerasTuner's hyperparameters, with the defaults.

    Raises:
        DataError: a file cannot be read, or not be learnt from.
        ExportError: the folder cannot be written, or the artefact answers otherwise
            than the network.
        SchemaError: a column is missing.
        UsageError: a setting is wrong; known before any file is read.
    """
    from tfnlp.export.savedmodel.artefact import check_output  # needs TensorFlow
    from tfnlp.prediction import predict_with_targets

    clock = Clock()
    with clock.phase("start"):
        recipe = recipe.resolved()
        check_output(recipe.name, recipe.output)
        dry_run(recipe, build)
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = recipe.audit(splits)
        splits = recipe.filter_rows(splits)
    prepared = prepare(recipe, splits, clock)
    with clock.phase("train"):
        trained = fit(recipe, prepared, builder(recipe, prepared, build))
    task, splits = prepared.task, prepared.splits
    del prepared  # the encoded rows may be large
    if recipe.calibrates:
        with clock.phase("thresholds"):
            task = task.calibrate(
                *predict_with_targets(task, trained.network, splits.valid)
            )
    report = tfnlp.evaluate(
        task,
        trained.network,
        splits.test,
        history=trained.history,
        seconds=clock.seconds,
        counts=recipe.counts(splits, audit),
        batch_size=recipe.evaluation_batch_size,
    )
    trained = trained.for_inference(*recipe.served(task, trained.network))
    figures = recipe.figures(trained.task, trained.network, splits.test)
    return finish(
        recipe, trained, report.with_figures(*figures), audit=audit, clock=clock
    )


def dry_run(recipe: Recipe, build: Build) -> None:
    """Builds everything once from made-up rows: wrong settings are errors here.

    Raises:
        UsageError: a setting is wrong.
    """
    task = recipe.learn_task(recipe.example_rows(), dry_run=True)
    build(
        recipe, task, recipe.start_values(task, dry_run=True), tfnlp.training.Defaults()
    )


def prepare(recipe: Recipe, splits: "Splits", clock: Clock) -> Prepared:
    """Learns the vocabulary, and what weights start from."""
    with clock.phase("vocabulary"):
        task = recipe.learn_task(splits.train)
    return recipe.prepare(task, splits, clock.phase)


def builder(recipe: Recipe, prepared: Prepared, build: Build) -> Callable[[Any], Any]:
    """What `tfnlp.fit` calls: from hyperparameters to the network."""
    return lambda hp: build(recipe, prepared.task, prepared.start, hp)
