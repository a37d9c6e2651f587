"""Tag the words of texts: names, chunks, slots, parts of speech.

    python pipelines/tagging.py --train train.txt --valid valid.txt --test test.txt \\
        --vectors glove.6B.50d.txt --name names

The last column of a file has the tags, in BIO, BIOES or BMES, or plain ones; the
artefact takes raw texts, and words as `tokens` at a second endpoint.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Reading):
    """Trains, tests and saves a tagger."""

    train: str  # file of tagged sentences: CoNLL, CoNLL-U, JSON, a folder of slots
    valid: str | None = None  # default: a tenth by hash
    test: str | None = None  # default: a tenth by hash
    split_seed: int = 0  # of the hash: another one cuts other tenths
    tokens: str = "tokens"  # column of the words
    tags: str = "tags"  # column of the tags: a name, or a number from 1
    format: (
        Literal["conll", "conllu", "slots", "spans", "tokens", "propbank"]
        | Literal["csv", "jsonl", "parquet"]
        | None
    ) = None  # told by the file's name and beginning
    name: str = "tagging"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts

    scheme: Literal["IO", "BIO", "BIOES"] | None = "BIOES"  # learnt; answers: as read
    split: Literal["words", "whitespace", "characters"] = "words"  # of raw texts
    size: int = 100_000  # entries of the vocabulary
    minimum_count: int = 1  # rarer words are unknown
    characters: bool = True  # whether the network reads the characters of a word
    casing: bool = True  # whether it is told how a word is cased
    word_length: int = 24  # characters kept of a word
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    tune_vectors: bool = True  # whether training changes the vectors

    encoder: Literal["rnn", "cnn", "transformer"] = "rnn"
    width: int | None = None  # of the encoder's vectors; default: by the encoder
    word_width: int | None = None  # of a word's own vector; default: vectors', or 100
    character_width: int = 30  # of a character's vector
    character_filters: int = 50  # width of what is made of the characters
    dropout: float = 0.5  # before and behind the encoder
    word_dropout: float = 0.05  # share of unknown words while training
    network: tuple[str, ...] = ()  # more of the encoder: cell=gru depth=2
    crf: bool = True  # whether tags of a sentence are scored together
    constrained: bool = False  # with a CRF: leave out what cannot be while training
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=30, batch_size=32, rate=2e-3, schedule="linear", clip=5.0, patience=5
        )
    )

    @property
    def columns(self) -> dict[str, str]:
        """Field → column."""
        return {"tokens": self.tokens, "tags": self.tags}


WIDTHS = {"rnn": 400, "cnn": 300, "transformer": 128}


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        sides = tfnlp.read_sides(
            recipe.train,
            recipe.columns,
            valid=recipe.valid,
            test=recipe.test,
            fields=("tokens",),
            seed=recipe.split_seed,
            **recipe.options(),
        )
        audit = checked(sides)
    with clock.phase("vocabulary"):
        more = tfnlp.vector_words(recipe.vectors) if recipe.vectors else ()
        task = learnt(recipe, sides.train, more)
        vectors = pretrained(recipe, task)

    def build(hp):
        width = hp.Int("width", 64, 800, step=8, default=width_of(recipe))
        dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
        return network(recipe, task, vectors, width=width, dropout=dropout)

    with clock.phase("train"):
        model = tfnlp.fit(task, build, sides.train, sides.valid, recipe.training)
    report = tfnlp.evaluate(
        task,
        model,
        sides.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": audit.rows, "valid": audit.others["valid"]},
    )
    return cli.finish(recipe, task.for_texts(), model, report, audit=audit, clock=clock)


def checked(sides: tfnlp.Sides) -> tfnlp.Audit:
    """Counts what is wrong with the sentences and says it; stops if it is too much."""
    audit = tfnlp.audit(
        sides.train,
        text_fields=("tokens",),
        label_field=None,
        others={"valid": sides.valid, "test": sides.test},
    )
    print(audit.table(), file=sys.stderr)
    for side, rows in sides._asdict().items():
        for message in tfnlp.survey(rows).messages():
            print(f"warning: {side}: {message}", file=sys.stderr)
    return audit.check()


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    import tensorflow as tf  # not for --help

    rows = tf.data.Dataset.from_tensors({"tokens": "aa aa", "tags": "B-A O"})
    task = learnt(dataclasses.replace(recipe, minimum_count=1), rows)
    vectors = pretrained(recipe, task, at_most=1)
    network(recipe, task, vectors, width=width_of(recipe), dropout=recipe.dropout)


def learnt(recipe: Recipe, rows, more=()) -> tfnlp.Tagging:
    """Words, characters and tags."""
    return tfnlp.Tagging.from_rows(
        rows,
        scheme=recipe.scheme,
        split=recipe.split,
        constrained=recipe.constrained,
        size=recipe.size,
        minimum_count=recipe.minimum_count,
        more=more,
        characters=recipe.characters,
        casing=recipe.casing,
        word_length=recipe.word_length,
    )


def network(recipe: Recipe, task: tfnlp.Tagging, vectors, *, width, dropout):
    """Vectors of words, encoder and head; the options of --network come last."""
    start = tfnlp.word_features.front(
        task.words.sizes,
        width=recipe.word_width,
        vectors=vectors,
        tune_vectors=recipe.tune_vectors,
        character_width=recipe.character_width,
        character_filters=recipe.character_filters,
        word_dropout=recipe.word_dropout,
    )
    encoder_of = getattr(tfnlp, recipe.encoder).encoder
    options = {"width": width, "dropout": dropout}
    options |= cli.assignments(recipe.network, encoder_of)
    return task.network(encoder_of(start, **options), crf=recipe.crf, dropout=dropout)


def width_of(recipe: Recipe) -> int:
    """The width of the encoder's vectors."""
    return recipe.width or WIDTHS[recipe.encoder]


def pretrained(recipe: Recipe, task: tfnlp.Tagging, **options):
    """The matrix that the vectors of words start from, if there is a file."""
    if recipe.vectors is None:
        return None
    return tfnlp.load_vectors(recipe.vectors, task.words.vocabulary, **options).matrix


if __name__ == "__main__":
    cli.run(main, Recipe)
