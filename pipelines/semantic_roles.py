"""Tell who did what to whom: the roles that words play for a predicate.

    python pipelines/semantic_roles.py --train train.jsonl --valid dev.jsonl \\
        --test test.jsonl --vectors glove.6B.50d.txt --name roles

A line of a file is a sentence with its predicates: {"tokens": ["Ann", "left"],
"props": [{"pred": 1, "args": [["ARG0", 0, 0], ["V", 1, 1]]}]}. The artefact takes a
text and where a predicate begins in it (`predicate`, in characters from 0), and at
a second endpoint words (`tokens`) and the number of one of them.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Tagger):
    """Trains, tests and saves a tagger of semantic roles."""

    WIDTHS: ClassVar = {"rnn": 300, "cnn": 300, "transformer": 128}

    predicate: str = "predicate"  # column of the predicate, a word's number from 0
    name: str = "semantic_roles"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped

    scheme: Literal["IO", "BIO", "BIOES"] | None = "BIO"  # learnt; answers: as read
    trainable_vectors: bool = True  # change them, in the place of others beside them
    dropout: float = 0.3  # before and behind the encoder
    word_dropout: float = 0.05  # share of unknown words while training
    character_filters: int = 50  # width of what is made of the characters
    network: tuple[str, ...] = (
        "num_layers=2",
    )  # of the encoder: cell=gru num_layers=1
    distance_dim: int = 50  # of the vector of a distance from the predicate
    predicate_dim: int = 100  # of what each word hears of the predicate
    max_distance: int = (
        30  # words from the predicate; what is farther counts as this far
    )
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=12,
            batch_size=32,
            learning_rate=2e-3,
            schedule="linear",
            global_clipnorm=5.0,
            patience=4,
        )
    )

    @property
    def columns(self) -> dict[str, str]:
        """Field → column."""
        return {**super().columns, "predicate": self.predicate}


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        splits = recipe.read_splits().map(tfnlp.parse_predicates)
        audit = recipe.checked(splits, key_fields=("predicate",))
    with clock.phase("vocabulary"):
        task = tfnlp.SemanticRoles.from_rows(splits.train, **recipe.learning())
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
    rows = tfnlp.parse_predicates(recipe.made_up({"predicate": "0"}))
    task = tfnlp.SemanticRoles.from_rows(rows, **recipe.learning(tiny=True))
    vectors = recipe.pretrained(task, at_most=1)
    network(recipe, task, vectors, hidden_dim=recipe.own_width, dropout=recipe.dropout)


def network(recipe: Recipe, task: tfnlp.SemanticRoles, vectors, *, hidden_dim, dropout):
    """Vectors of words, with features of the predicate; encoder and head."""
    start = tfnlp.predicate.add_predicate_features(
        recipe.embedding_inputs(task.words, vectors),
        distance_dim=recipe.distance_dim,
        predicate_dim=recipe.predicate_dim,
        max_distance=recipe.max_distance,
    )
    encoder = recipe.encoder_on(start, hidden_dim=hidden_dim, dropout=dropout)
    return task.network(
        encoder, crf=recipe.crf, dropout=dropout, variational=recipe.variational
    )


if __name__ == "__main__":
    cli.run(main, Recipe)
