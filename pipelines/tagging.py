"""Tag the words of texts: names, chunks, slots, parts of speech.

    python pipelines/tagging.py --train train.txt --valid valid.txt --test test.txt \\
        --vectors glove.6B.50d.txt --name names

The last column of a file has the tags, in BIO, BIOES or BMES, or plain ones; the
artefact takes raw texts, and words as `tokens` at a second endpoint.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.Tagging):
    """Trains, tests and saves a tagger."""

    name: str = "tagging"  # of the artefact
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=30,
            max_steps=8_700,
            batch_size=32,
            learning_rate=2e-3,
            schedule="linear",
            global_clipnorm=5.0,
            ema_momentum=0.999,
            patience=8,
        )
    )


def build(recipe: Recipe, task, start, hp):
    """Word vectors, encoder, and a softmax or a CRF."""
    dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
    inputs = recipe.inputs(task, start)
    encoder = recipe.encode(inputs, hp, dropout=dropout)
    return task.network(
        encoder, crf=recipe.crf, dropout=dropout, variational=recipe.variational
    )


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
