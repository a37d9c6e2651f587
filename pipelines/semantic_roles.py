"""Tell who did what to whom: the roles that words play for a predicate.

    python pipelines/semantic_roles.py --train train.jsonl --valid dev.jsonl \\
        --test test.jsonl --vectors glove.6B.50d.txt --name roles

A line of a file is a sentence with its predicates: {"tokens": ["Ann", "left"],
"props": [{"pred": 1, "args": [["ARG0", 0, 0], ["V", 1, 1]]}]}. The artefact takes a
text and where a predicate begins in it (`predicate`, in characters from 0), and at
a second endpoint words (`tokens`) and the number of one of them.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.SemanticRoles):
    """Trains, tests and saves a tagger of semantic roles."""

    name: str = "semantic_roles"  # of the artefact
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=12,
            batch_size=32,
            learning_rate=2e-3,
            schedule="linear",
            global_clipnorm=5.0,
            patience=4,
        )
    )


def build(recipe: Recipe, task, start, hp):
    """Word vectors with the predicate marked, encoder, and a CRF."""
    dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
    inputs = tfnlp.networks.predicate.add_predicate_features(
        recipe.inputs(task, start),
        distance_dim=recipe.distance_dim,
        predicate_dim=recipe.predicate_dim,
        max_distance=recipe.max_distance,
    )
    encoder = recipe.encode(inputs, hp, dropout=dropout)
    return task.network(
        encoder, crf=recipe.crf, dropout=dropout, variational=recipe.variational
    )


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
