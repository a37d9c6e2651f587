"""Hyperparameter search for a text classifier: its text, network and training.

    python pipelines/tune_text_classification.py --train reviews.csv --text review \\
        --label sentiment --name reviews --max_trials 30
    python pipelines/text_classification.py --recipe runs/reviews/best.json

`--space` names flags of the other script with their values or ranges, as in
`sequence_length=100,400 training.learning_rate=1e-4..1e-2 tokenizer=words,bpe`; all
others stay as given. An interrupted search is resumed by the same command, also with
more --max_trials; one with other flags or rows needs another --name. The test data is
not used.
"""

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import text_classification
from text_classification import build

import tfnlp
from tfnlp import cli, recipes
from tfnlp.recipes.settings import to_dict
from tfnlp.timing import Clock


@dataclass(frozen=True, kw_only=True)
class Recipe(text_classification.Recipe):
    """Searches the settings of a classifier, and writes the best as a recipe."""

    max_trials: int = 20  # settings that are tried, the given ones first
    method: Literal["random", "bayesian", "hyperband", "grid"] = "bayesian"
    """Search algorithm: hyperband and bayesian learn from earlier trials."""
    objective: str = "accuracy"  # score of validation rows: also f1_macro, loss …
    folds: int = 0  # cross-validation in each trial; 0: one validation set
    space: tuple[str, ...] = (
        "encoder=bow,cnn,rnn",
        "vocabulary_size=10000,30000,100000",
        "dropout=0.1..0.6",
        "word_dropout=0.0..0.3",
        "training.learning_rate=3e-4..1e-2",
        "training.batch_size=32,64,128",
    )  # flag=value,value or flag=low..high


def main(recipe: Recipe) -> Path:
    """Reads, searches and writes; returns the file of the best recipe."""
    clock = Clock()
    with clock.phase("start"):
        base = given(recipe)
        space = cli.read_space(type(base), recipe.space)
        recipes.dry_run(base.resolved(), build)
        objective_of(recipe, scores_of(recipe, base, ("good", "bad")))
    with clock.phase("read and audit"):
        splits = base.read_splits()
        audit = base.resolved().audit(splits)
        objective_of(recipe, scores_of(recipe, base, audit.classes))
        splits = base.filter_rows(splits)

    def suggested(hp):
        return cli.suggest(hp, space, base)

    with clock.phase("search"):
        found = tfnlp.search(
            lambda hp, epochs: trial(recipe, suggested(hp), splits, epochs),
            epochs=max_epochs(recipe, space),
            space=suggested,
            objective=recipe.objective,
            max_trials=recipe.max_trials,
            method=recipe.method,
            folder=Path("runs") / recipe.name,
            seed=recipe.training.seed,
            fixed=fixed(recipe, base, space, splits),
        )
    return written(
        recipe, suggested(tfnlp.training.Defaults(found.values)), found, clock
    )


def scores_of(recipe: Recipe, base, labels) -> dict[str, float]:
    """The scores that rows with these labels have; their values mean nothing."""
    import tensorflow as tf  # not for --help

    rows = base.example_rows(labels)
    task = base.resolved().learn_task(rows, dry_run=True)

    def network(features):
        size = tf.shape(next(iter(features.values())))[0]
        return tf.zeros([size, len(task.labels)])

    if not recipe.folds:
        return tfnlp.evaluate(task, network, rows, repeats=0).scores
    from tfnlp.prediction import predict_with_targets  # needs TensorFlow

    gold, answered = predict_with_targets(task, network, rows)
    return task.headline(gold, answered)


def objective_of(recipe: Recipe, scores) -> float:
    """The score that is optimised."""
    if recipe.objective in scores:
        return scores[recipe.objective]
    raise tfnlp.errors.UsageError(
        f"--objective must be a score of these rows: {', '.join(scores)}. "
        f"Received: {recipe.objective}."
        f"{tfnlp.errors.nearest(recipe.objective, scores)}"
    )


def max_epochs(recipe: Recipe, space) -> int:
    """Of any trial."""
    tried = space.get("training.epochs", (recipe.training.epochs,))
    return max(map(int, tried))


def fixed(recipe: Recipe, base, space, splits) -> dict:
    """What all trials share, and a resumed search must share with them."""
    own = ("training.epochs", "training.seed")  # `search` records these itself
    flags = {k: v for k, v in cli.fixed(base, space).items() if k not in own}
    valid = {} if recipe.folds else {"validation rows": splits.valid}
    return {"folds": recipe.folds, **flags, "rows": splits.train, **valid}


def trial(recipe: Recipe, tried, splits, epochs: int) -> float:
    """The validation score of settings."""
    tried = tried.resolved()
    epochs = min(epochs, tried.training.epochs)  # hyperband gives fewer
    config = dataclasses.replace(tried.training, epochs=epochs)
    if recipe.folds:
        return cross_validated(recipe, tried, splits, config)
    prepared = recipes.prepare(tried, splits, Clock())
    trained = tfnlp.fit(
        prepared.task,
        recipes.builder(tried, prepared, build),
        splits.train,
        splits.valid,
        config,
        encoded=prepared.encoded,
    )
    report = tfnlp.evaluate(prepared.task, trained.network, splits.valid, repeats=0)
    return objective_of(recipe, report.scores)


def cross_validated(recipe: Recipe, tried, splits, config: tfnlp.TrainConfig) -> float:
    """The mean score of a cross-validation."""
    builds = {}

    def learn(train):
        folded = splits._replace(train=train)
        prepared = recipes.prepare(tried, folded, Clock())
        builds["last"] = recipes.builder(tried, prepared, build)
        return prepared.task

    found = tfnlp.cross_validate(
        learn,
        lambda task, hp: builds["last"](hp),
        splits.train,
        recipe.folds,
        config,
        field=recipe.fields,
        label=None if recipe.multi_label else "label",
        fold_seed=recipe.training.seed,  # the same folds for all trials
    )
    return objective_of(recipe, found.mean)


def written(recipe: Recipe, best, found, clock: Clock) -> Path:
    """The best recipe, and all trials as a report; the chief of several writes them."""
    folder = Path("runs") / recipe.name
    file = folder / "best.json"
    if not os.environ.get("KERASTUNER_TUNER_ID", "chief").startswith("chief"):
        return file
    report = tfnlp.evaluation.Report(
        {recipe.objective: found.score}, seconds=clock.seconds
    )
    report.with_figures(*found.figures(recipe.objective)).save(folder)
    file.write_text(json.dumps(to_dict(best), indent=1) + "\n")
    print(f"{folder}: report.html, and best.json for --recipe", file=sys.stderr)
    print(found)
    return file


def given(recipe: Recipe) -> text_classification.Recipe:
    """The flags that the other script has, too."""
    fields = dataclasses.fields(text_classification.Recipe)
    return text_classification.Recipe(
        **{f.name: getattr(recipe, f.name) for f in fields}
    )


if __name__ == "__main__":
    cli.run(main, Recipe)
