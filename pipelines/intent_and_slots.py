"""Find what requests want, and of what: an intent and tagged words, by one network.

    python pipelines/intent_and_slots.py --train snips/train --valid snips/valid \\
        --test snips/test --name assistant

A folder holds `seq.in`, `seq.out` and `label`; a table or JSON has the columns
tokens, tags and intent. The artefact takes raw texts, and words as `tokens` at a
second endpoint.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.IntentAndSlots):
    """Trains, tests and saves a network that finds intents and slots."""

    name: str = "intent_and_slots"  # of the artefact
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=30,
            batch_size=32,
            learning_rate=2e-3,
            schedule="linear",
            global_clipnorm=5.0,
            patience=5,
        )
    )


def build(recipe: Recipe, task, start, hp):
    """Word vectors, encoder, and a head each for the intent and the tags."""
    dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
    inputs = recipe.inputs(task, start)
    encoder = recipe.encode(inputs, hp, dropout=dropout)
    return task.network(
        encoder,
        crf=recipe.crf,
        dropout=dropout,
        variational=recipe.variational,
        pooling=recipe.pooling,
    )


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
