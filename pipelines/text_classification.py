"""Classify texts: a file in, a servable model out.

    python pipelines/text_classification.py --train reviews.csv \\
        --text review --label sentiment --encoder rnn --name reviews

Without flags it learns the built-in reviews of films in half a minute on two CPU cores;
expect accuracy near 0.785 on unseen films. Other sets: see the table in README.md.
"""

from dataclasses import dataclass
from pathlib import Path

from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.TextClassification):
    """Trains, tests and saves a classifier of texts or of pairs of texts."""

    name: str = "text_classification"  # of the artefact


def build(recipe: Recipe, task, start, hp):
    """Encoder, pooling and logits; a linear layer beside them that starts from naive
    Bayes, which for `--encoder linear` is all there is."""
    dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
    return task.network(
        recipe.encode(task, start, hp),
        pooling=recipe.pooling or "max",
        dropout=dropout,
        log_ratios=start.log_ratios,
        nb_prior=recipe.nb_prior,
        symmetric=recipe.symmetric,
    )


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
