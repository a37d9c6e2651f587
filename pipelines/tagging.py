"""Tag the words of texts: names, chunks, slots, parts of speech.

    python pipelines/tagging.py --train train.txt --valid valid.txt --test test.txt \\
        --vectors glove.6B.50d.txt --name names

The last column of a file has the tags, in BIO, BIOES or BMES, or plain ones; the
artefact takes raw texts, and words as `tokens` at a second endpoint.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Tagger):
    """Trains, tests and saves a tagger."""

    name: str = "tagging"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped
    training: tfnlp.TrainConfig = dataclasses.field(
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


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = recipe.checked(splits)
    with clock.phase("vocabulary"):
        task = tfnlp.Tagging.from_rows(splits.train, **recipe.learning())
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
    task = tfnlp.Tagging.from_rows(recipe.made_up(), **recipe.learning(tiny=True))
    vectors = recipe.pretrained(task, at_most=1)
    network(recipe, task, vectors, hidden_dim=recipe.own_width, dropout=recipe.dropout)


def network(recipe: Recipe, task: tfnlp.Tagging, vectors, *, hidden_dim, dropout):
    """Vectors of words, encoder and head."""
    start = recipe.embedding_inputs(task.words, vectors)
    encoder = recipe.encoder_on(start, hidden_dim=hidden_dim, dropout=dropout)
    return task.network(
        encoder, crf=recipe.crf, dropout=dropout, variational=recipe.variational
    )


if __name__ == "__main__":
    cli.run(main, Recipe)
