"""Search for the settings of a classifier: of its text, its network and its training.

    python pipelines/tune_text_classification.py --train reviews.csv --text review \\
        --label sentiment --name reviews --trials 30
    python pipelines/text_classification.py --recipe runs/reviews/best.json

What is tried is said by flags of the other script, `--space length=100,400
training.learning_rate=1e-4..1e-2 split=words,bpe`; what is not stays as it is given. A
search that was killed goes on, also with more --trials; one with other flags or rows
needs another --name. The test side is not looked at.
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
    """Tries settings of a classifier, and writes the best as a recipe."""

    trials: int = 20  # settings that are tried, the given ones first
    method: Literal["random", "bayesian", "hyperband", "grid"] = "bayesian"
    score: str = "accuracy"  # that decides, of held-out rows: also f1_macro, loss …
    folds: int = 0  # of a cross-validation for each trial; 0: the valid side decides
    space: tuple[str, ...] = (
        "encoder=bow,cnn,rnn",
        "size=10000,30000,100000",
        "dropout=0.1..0.6",
        "word_dropout=0.0..0.3",
        "training.learning_rate=3e-4..1e-2",
        "training.batch_size=32,64,128",
    )  # flag=value,value or flag=low..high


def main(recipe: Recipe) -> Path:
    """Reads, tries and writes; returns the file of the best recipe."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        base = given(recipe)
        space = cli.read_space(type(base), recipe.space)
        text_classification.rehearse(text_classification.settled(base))
        picked(recipe, measured(recipe, base, ("good", "bad")))
    with clock.phase("read and audit"):
        sides = recipe.sides()
        audit = recipe.audit(sides, length=recipe.length or 400).check()
        picked(recipe, measured(recipe, base, audit.classes))
        sides = recipe.clean(sides)

    def asked(hp):
        return cli.asked(hp, space, base)

    with clock.phase("search"):
        found = tfnlp.explore(
            lambda hp, epochs: attempt(recipe, asked(hp), sides, epochs),
            direction=tfnlp.TrainConfig(monitor=recipe.score).watched("")[1],
            epochs=most_epochs(recipe, space),
            space=asked,
            name=recipe.score,
            trials=recipe.trials,
            method=recipe.method,
            folder=Path("runs") / recipe.name,
            seed=recipe.training.seed,
            common=common(recipe, base, space, sides),
        )
    return written(recipe, asked(tfnlp.Defaults(found.values)), found, clock)


def measured(recipe: Recipe, base, labels) -> dict[str, float]:
    """The scores that rows with these labels have; their values say nothing."""
    import tensorflow as tf  # not for --help

    rows = base.made_up(labels)
    tiny = dataclasses.replace(text_classification.settled(base), minimum_count=1)
    task = text_classification.learnt(tiny, rows)

    def network(features):
        size = tf.shape(next(iter(features.values())))[0]
        return tf.zeros([size, len(task.labels)])

    if not recipe.folds:
        return tfnlp.evaluate(task, network, rows, repeats=0).scores
    gold, answered = tfnlp.answers(task, network, rows)
    return task.headline(gold, answered)


def picked(recipe: Recipe, scores) -> float:
    """The score that decides."""
    if recipe.score in scores:
        return scores[recipe.score]
    raise tfnlp.errors.UsageError(
        f"--score must be one that these rows have: {', '.join(scores)}. "
        f"Received: {recipe.score}.{tfnlp.errors.nearest(recipe.score, scores)}"
    )


def most_epochs(recipe: Recipe, space) -> int:
    """Of any trial."""
    tried = space.get("training.epochs", (recipe.training.epochs,))
    return max(map(int, tried))


def common(recipe: Recipe, base, space, sides) -> dict:
    """What all trials share, and a search that goes on must share with them."""
    own = ("training.epochs", "training.seed")  # that explore is told itself
    flags = {k: v for k, v in cli.fixed(base, space).items() if k not in own}
    watched = {} if recipe.folds else {"held-out rows": sides.valid}
    return {"folds": recipe.folds, **flags, "rows": sides.train, **watched}


def attempt(recipe: Recipe, tried, sides, epochs: int) -> float:
    """The held-out score of settings."""
    tried = text_classification.settled(tried)
    epochs = min(epochs, tried.training.epochs)  # hyperband gives fewer
    config = dataclasses.replace(tried.training, epochs=epochs)
    if recipe.folds:
        return folded(recipe, tried, sides.train, config)
    task, build, encoded = text_classification.prepared(
        tried, sides.train, tfnlp.Clock()
    )
    model = tfnlp.fit(task, build, sides.train, sides.valid, config, encoded=encoded)
    return picked(recipe, tfnlp.evaluate(task, model, sides.valid, repeats=0).scores)


def folded(recipe: Recipe, tried, rows, config: tfnlp.TrainConfig) -> float:
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
        label=None if recipe.several else "label",
        fold_seed=recipe.training.seed,  # the same folds for all trials
    )
    return picked(recipe, found.mean)


def written(recipe: Recipe, best, found, clock: tfnlp.Clock) -> Path:
    """The best recipe, and all trials as a report; the chief of several writes them."""
    folder = Path("runs") / recipe.name
    file = folder / "best.json"
    if not os.environ.get("KERASTUNER_TUNER_ID", "chief").startswith("chief"):
        return file
    report = tfnlp.Report({recipe.score: found.score}, seconds=clock.seconds)
    report.with_figures(*found.figures(recipe.score)).save(folder)
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
