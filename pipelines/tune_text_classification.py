"""Hyperparameter search for a classifier: its text, its network and its training.

    python pipelines/tune_text_classification.py --train reviews.csv --text review \\
        --label sentiment --name reviews --max_trials 30
    python pipelines/text_classification.py --recipe runs/reviews/best.json

The search space names flags of the other script: `--space sequence_length=100,400
training.learning_rate=1e-4..1e-2 tokenizer=words,bpe`; all other flags are the same in
every trial. A search that was killed resumes, also with a larger --max_trials; one with
other flags or rows needs another --name. The test rows are not used.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import text_classification

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(text_classification.Recipe):
    """Searches the hyperparameters of a classifier, and writes the best as a recipe."""

    max_trials: int = 20  # the first trial has the flags as given
    method: Literal["random", "bayesian", "hyperband", "grid"] = "bayesian"
    objective: str = "accuracy"  # score of the validation rows: also f1_macro, loss …
    folds: int = 0  # cross-validation in each trial; 0: score the validation rows
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
    clock = tfnlp.Clock()
    with clock.phase("start"):
        base = given(recipe)
        space = cli.read_space(type(base), recipe.space)
        text_classification.rehearse(text_classification.settled(base))
        objective_of(recipe, scores_of(recipe, base, ("good", "bad")))
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = recipe.audit(
            splits, sequence_length=recipe.sequence_length or 400
        ).check()
        objective_of(recipe, scores_of(recipe, base, audit.classes))
        splits = recipe.clean(splits)

    def sample(hp):
        return cli.asked(hp, space, base)

    with clock.phase("search"):
        found = tfnlp.search(
            lambda hp, epochs: run_trial(recipe, sample(hp), splits, epochs),
            objective=recipe.objective,
            epochs=max_epochs(recipe, space),
            space=sample,
            max_trials=recipe.max_trials,
            method=recipe.method,
            folder=Path("runs") / recipe.name,
            seed=recipe.training.seed,
            fixed=fixed(recipe, base, space, splits),
        )
    return write(recipe, sample(tfnlp.Defaults(found.values)), found, clock)


def scores_of(recipe: Recipe, base, labels) -> dict[str, float]:
    """The scores that exist for these labels; their values mean nothing."""
    import tensorflow as tf  # not for --help

    rows = base.made_up(labels)
    tiny = dataclasses.replace(text_classification.settled(base), min_frequency=1)
    task = text_classification.learnt(tiny, rows)

    def network(features):
        size = tf.shape(next(iter(features.values())))[0]
        return tf.zeros([size, len(task.labels)])

    if not recipe.folds:
        return tfnlp.evaluate(task, network, rows, repeats=0).scores
    gold, answered = tfnlp.answers(task, network, rows)
    return task.headline(gold, answered)


def objective_of(recipe: Recipe, scores) -> float:
    """The value of the objective among the scores."""
    if recipe.objective in scores:
        return scores[recipe.objective]
    raise tfnlp.errors.UsageError(
        f"--objective must be a score of these rows: {', '.join(scores)}. "
        f"Received: {recipe.objective}.{tfnlp.errors.nearest(recipe.objective, scores)}"
    )


def max_epochs(recipe: Recipe, space) -> int:
    """Of any trial."""
    epochs = space.get("training.epochs", (recipe.training.epochs,))
    return max(map(int, epochs))


def fixed(recipe: Recipe, base, space, splits) -> dict:
    """What is the same in all trials, and must be when a search resumes."""
    own = ("training.epochs", "training.seed")  # `search` records these itself
    flags = {k: v for k, v in cli.fixed(base, space).items() if k not in own}
    valid = {} if recipe.folds else {"validation rows": splits.valid}
    return {"folds": recipe.folds, **flags, "rows": splits.train, **valid}


def run_trial(recipe: Recipe, tried, splits, epochs: int) -> float:
    """Trains a classifier of this recipe, and returns its validation score."""
    tried = text_classification.settled(tried)
    epochs = min(epochs, tried.training.epochs)  # hyperband gives fewer
    config = dataclasses.replace(tried.training, epochs=epochs)
    if recipe.folds:
        return cross_validated(recipe, tried, splits.train, config)
    task, build, encoded = text_classification.prepared(
        tried, splits.train, tfnlp.Clock()
    )
    model = tfnlp.fit(task, build, splits.train, splits.valid, config, encoded=encoded)
    scores = tfnlp.evaluate(task, model, splits.valid, repeats=0).scores
    return objective_of(recipe, scores)


def cross_validated(recipe: Recipe, tried, rows, config: tfnlp.TrainConfig) -> float:
    """The mean score of a cross-validation."""
    builds = {}

    def learn(train):
        task, builds["last"], _ = text_classification.prepared(
            tried, train, tfnlp.Clock()
        )
        return task

    found = tfnlp.cross_validate(
        learn,
        lambda task, hp: builds["last"](hp),
        rows,
        recipe.folds,
        config,
        field=recipe.fields,
        label=None if recipe.multi_label else "label",
        fold_seed=recipe.training.seed,  # the same folds for all trials
    )
    return objective_of(recipe, found.mean)


def write(recipe: Recipe, best, found, clock: tfnlp.Clock) -> Path:
    """Writes the best recipe and a report of all trials, unless this is a worker."""
    folder = Path("runs") / recipe.name
    file = folder / "best.json"
    if not os.environ.get("KERASTUNER_TUNER_ID", "chief").startswith("chief"):
        return file
    report = tfnlp.Report({recipe.objective: found.score}, seconds=clock.seconds)
    report.with_figures(*found.figures(recipe.objective)).save(folder)
    file.write_text(json.dumps(cli.to_dict(best), indent=1) + "\n")
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
