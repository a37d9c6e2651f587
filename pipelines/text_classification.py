"""Classify texts: a file in, a servable model out.

    python pipelines/text_classification.py --train reviews.csv \\
        --text review --label sentiment --encoder rnn --name reviews

Without flags it learns the built-in reviews of films in 50 seconds on two CPU cores;
expect accuracy near 0.785 on unseen films. Other sets: see the table in README.md.
"""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Reading):
    """Trains, tests and saves a classifier of texts or of pairs of texts."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    valid: str | None = None  # default: a split of the set, or a tenth by hash
    test: str | None = None  # default: a split of the set, or a tenth by hash
    text: str = "text"  # column: name, number from 1, or several joined with +
    second: str | None = None  # column of the second text, for pairs
    label: str = "label"  # column of the label
    test_text: str | None = None  # column of the text in the test file, if another
    several: bool = False  # whether a row has several labels, see --separator
    name: str = "text_classification"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts

    encoder: Literal["bow", "cnn", "rnn", "transformer"] = "cnn"
    size: int | None = None  # entries of the vocabulary; default: by the encoder
    length: int | None = None  # tokens kept of a text; default: by the encoder
    ngrams: int | None = None  # longest run of words; default: by the encoder
    split: Literal["words", "characters", "bytes"] = "words"
    character_ngrams: tuple[int, int] | None = None  # e.g. 3,5: pieces of words too
    standardize: tuple[str, ...] | None = None  # e.g. nfkc,lower,strip_accents
    minimum_count: int = 1  # rarer tokens are unknown
    stop_words: str | None = None  # leave out frequent words: english
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    tune_vectors: bool = True  # whether training changes the vectors

    width: int | None = None  # of the encoder's vectors; default: by the encoder
    pooling: str | None = None  # mean, max, attention …; default: by the encoder
    dropout: float | None = None  # before the logits; default: by the encoder
    word_dropout: float | None = None  # share of unknown words while training
    spatial_dropout: float | None = None  # share of features dropped from a text
    network: tuple[str, ...] = ()  # more of the encoder: cell=gru depth=2 l2=1e-5
    wide: float = 0.5  # a linear layer starts from naive Bayes times this; 0: none
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    smoothing: float = 0.0  # of the labels
    balanced: bool = False  # weigh classes by the inverse of their share
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(epochs=10)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.wide < float("inf"):
            raise tfnlp.errors.UsageError(
                f"wide must be a number, 0 or more. Received: {self.wide}. "
                "1 starts from naive Bayes itself, 0 leaves the layer out."
            )


DEFAULTS = {
    "bow": {"size": 300_000, "length": 1000, "ngrams": 2, "width": 64, "dropout": 0.3}
    | {"pooling": "sqrt", "word_dropout": 0.1, "spatial_dropout": 0.0},
    "cnn": {"size": 30_000, "length": 400, "ngrams": 1, "width": 192, "dropout": 0.5}
    | {"pooling": "max", "word_dropout": 0.0, "spatial_dropout": 0.2},
    "rnn": {"size": 30_000, "length": 300, "ngrams": 1, "width": 128, "dropout": 0.5}
    | {"pooling": "max", "word_dropout": 0.1, "spatial_dropout": 0.2},
    "transformer": {"size": 30_000, "length": 300, "ngrams": 1, "width": 64}
    | {"pooling": "mean", "word_dropout": 0.1, "spatial_dropout": 0.1, "dropout": 0.3},
}


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    recipe = settled(recipe)
    tfnlp.check_output(recipe.name, recipe.output)
    clock = tfnlp.Clock()
    with clock.phase("read and audit"):
        sides, audit = read(recipe)
    with clock.phase("vocabulary"):
        task = tfnlp.Classification.from_rows(
            sides.train,
            pairs=recipe.second is not None,
            separator=recipe.separator if recipe.several else None,
            balanced=recipe.balanced,
            smoothing=recipe.smoothing,
            loss=recipe.loss,
            size=recipe.size,
            length=recipe.length,
            ngrams=recipe.ngrams,
            split=recipe.split,
            minimum_count=recipe.minimum_count,
            stop_words=recipe.stop_words or (),
            character_ngrams=recipe.character_ngrams,
            **({"standardize": recipe.standardize} if recipe.standardize else {}),
        )

    encoder_of = getattr(tfnlp, recipe.encoder).encoder
    own = pretrained(recipe, task) | cli.assignments(recipe.network, encoder_of)
    ratios = task.log_ratios(sides.train) if recipe.wide else None

    def build(hp):
        width = hp.Int("width", 32, 512, step=32, default=recipe.width)
        dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
        options = {
            "width": width,
            "word_dropout": recipe.word_dropout,
            "spatial_dropout": recipe.spatial_dropout,
        }
        encoder = encoder_of(len(task.text.vocabulary), **options | own)
        return task.network(
            encoder,
            pooling=recipe.pooling,
            dropout=dropout,
            wide=None if ratios is None else recipe.wide * ratios,
        )

    with clock.phase("train"):
        model = tfnlp.fit(task, build, sides.train, sides.valid, recipe.training)
        task = task.calibrate(*tfnlp.answers(task, model, sides.valid))
    report = tfnlp.evaluate(
        task,
        model,
        sides.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": audit.rows, "valid": audit.others["valid"]},
    )
    settings = cli.to_dict(recipe)
    report = dataclasses.replace(report, recipe=settings, audit=audit.to_json())
    version = tfnlp.save(
        task, model, recipe.name, output=recipe.output, report=report, recipe=settings
    )
    print(f"saved as {version}", file=sys.stderr)
    print(report)  # last: whoever reads this may have left
    return version


def settled(recipe: Recipe) -> Recipe:
    """The recipe with the encoder's own settings where none was given."""
    own = DEFAULTS[recipe.encoder].items()
    missing = {name: value for name, value in own if getattr(recipe, name) is None}
    return dataclasses.replace(recipe, **missing)


def read(recipe: Recipe) -> tuple[tfnlp.Sides, tfnlp.Audit]:
    """The rows to train, choose and test with, after a look at what they hold."""
    pairs = recipe.second is not None
    fields = ("first", "second") if pairs else ("text",)
    columns = dict(zip(fields, (recipe.text, recipe.second), strict=pairs))
    sides = tfnlp.read_sides(
        recipe.train,
        columns | {"label": recipe.label},
        valid=recipe.valid,
        test=recipe.test,
        test_columns={fields[0]: recipe.test_text or recipe.text},
        fields=fields,
        **recipe.options(),
    )
    separator = recipe.separator if recipe.several else None
    audit = tfnlp.audit(
        sides.train,
        text_fields=fields,
        separator=separator,
        others={"valid": sides.valid, "test": sides.test},
        length=recipe.length,
    )
    print(audit.table(), file=sys.stderr)
    audit.check()
    return sides.map(lambda rows: tfnlp.clean(rows, separator=separator)), audit


def pretrained(recipe: Recipe, task: tfnlp.Classification) -> dict:
    """Options of the encoder if its vectors start from a file, else none."""
    if recipe.vectors is None:
        return {}
    vectors = tfnlp.load_vectors(recipe.vectors, task.text.vocabulary)
    own = {"vectors": vectors.matrix, "tune_vectors": recipe.tune_vectors}
    return own | {"width": None} if recipe.encoder == "bow" else own


if __name__ == "__main__":
    cli.run(main, Recipe)
