"""Find what requests want, and of what: an intent and tagged words, by one network.

    python pipelines/intent_and_slots.py --train snips/train --valid snips/valid \\
        --test snips/test --name assistant

A folder holds `seq.in`, `seq.out` and `label`; a table or JSON has the columns
tokens, tags and intent. The artefact takes raw texts, and words as `tokens` at a
second endpoint.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Tagger):
    """Trains, tests and saves a network that finds intents and slots."""

    WIDTHS: ClassVar = {**cli.Tagger.WIDTHS, "rnn": 256}

    word_dropout: float = 0.05  # share of unknown words while training
    character_filters: int = 50  # width of what is made of the characters
    intent: str = "intent"  # column of the intent
    intent_weight: float = 3.0  # how many words an intent weighs in the loss
    pooling: tuple[str, ...] = ("mean", "max")  # of words, for the intent: attention …
    name: str = "intent_and_slots"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=30,
            batch_size=32,
            learning_rate=2e-3,
            schedule="linear",
            global_clipnorm=5.0,
            patience=5,
        )
    )

    @property
    def columns(self) -> dict[str, str]:
        """Field → column."""
        return {**super().columns, "intent": self.intent}


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = recipe.checked(splits, label_field="intent")
        splits = splits.map(lambda rows: tfnlp.clean(rows, label_field="intent"))
    with clock.phase("vocabulary"):
        task = learnt(recipe, splits.train)
        vectors = recipe.pretrained(task)

    def build(hp):
        hidden_dim = hp.Int("hidden_dim", 64, 800, step=8, default=recipe.own_width)
        dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
        return network(recipe, task, vectors, hidden_dim=hidden_dim, dropout=dropout)

    with clock.phase("train"):
        model = cli.fit(recipe, task, build, splits.train, splits.valid)
    report = tfnlp.evaluate(
        task,
        model,
        splits.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": audit.rows, "valid": audit.others["valid"]},
    )
    return cli.finish(recipe, task.for_texts(), model, report, audit=audit, clock=clock)


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    rows = recipe.made_up({"intent": "book"}, {"intent": "play"})
    task = learnt(recipe, rows, tiny=True)
    vectors = recipe.pretrained(task, at_most=1)
    network(recipe, task, vectors, hidden_dim=recipe.own_width, dropout=recipe.dropout)


def learnt(recipe: Recipe, rows, *, tiny=False) -> tfnlp.IntentAndSlots:
    """Words, characters, tags and intents."""
    return tfnlp.IntentAndSlots.from_rows(
        rows, intent_weight=recipe.intent_weight, **recipe.learning(tiny=tiny)
    )


def network(
    recipe: Recipe, task: tfnlp.IntentAndSlots, vectors, *, hidden_dim, dropout
):
    """Vectors of words, encoder and both heads."""
    start = recipe.embedding_inputs(task.words, vectors)
    encoder = recipe.encoder_on(start, hidden_dim=hidden_dim, dropout=dropout)
    return task.network(
        encoder,
        crf=recipe.crf,
        dropout=dropout,
        variational=recipe.variational,
        pooling=recipe.pooling,
    )


if __name__ == "__main__":
    cli.run(main, Recipe)
