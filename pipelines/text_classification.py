"""Classify texts: a file in, a servable model out.

    python pipelines/text_classification.py --train reviews.csv \\
        --text review --label sentiment --encoder rnn --name reviews

Without flags it learns the built-in reviews of films in half a minute on two CPU cores;
expect accuracy near 0.785 on unseen films. Other sets: see the table in README.md.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tfnlp
from tfnlp import cli

Tokenizer = Literal["words", "characters", "bytes", "bpe", "unigram", "wordpiece"]


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Source):
    """Trains, tests and saves a classifier of texts or of pairs of texts."""

    name: str = "text_classification"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped

    encoder: Literal["linear", "bow", "cnn", "rnn", "transformer"] = "cnn"
    vocabulary_size: int | None = (
        None  # entries of the vocabulary; default: by the encoder
    )
    sequence_length: int | None = None  # tokens kept of a text; default: by the encoder
    ngrams: int | None = None  # longest n-gram of words; default: by the encoder
    tokenizer: Tokenizer = "words"  # bpe, unigram and wordpiece are subwords
    character_ngrams: tuple[int, int] | None = (
        None  # e.g. 3,5: n-grams of characters too
    )
    standardize: tuple[str, ...] | None = None  # e.g. nfkc,lower,strip_accents
    min_frequency: int = 1  # rarer tokens are unknown
    stop_words: str | None = None  # leave out frequent words: english
    vectors: str | None = None  # GloVe, word2vec or fastText text file
    trainable_vectors: bool = True  # whether training changes the vectors

    width: int | None = None  # of the encoder's vectors; default: by the encoder
    pooling: str | None = None  # mean, max, attention …; default: by the encoder
    dropout: float | None = None  # before the logits; default: by the encoder
    word_dropout: float | None = None  # share of unknown words while training
    spatial_dropout: float | None = None  # share of features dropped from a text
    network: tuple[str, ...] = ()  # more of the encoder: cell=gru num_layers=2
    symmetric: bool = False  # pairs: whether swapped texts have the same label
    nb_prior: tfnlp.NaiveBayesPrior = dataclasses.field(
        default_factory=tfnlp.NaiveBayesPrior  # default: by the encoder
    )
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    label_smoothing: float = 0.0  # share of the target spread over all classes
    class_weight: Literal["balanced"] | None = None  # by the inverse of their share
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(epochs=10)
    )


DEFAULTS = {
    "linear": {"vocabulary_size": 400_000, "sequence_length": 1000, "ngrams": 3}
    | {"dropout": 0.5},
    "bow": {"vocabulary_size": 300_000, "sequence_length": 1000, "ngrams": 2}
    | {"width": 64, "dropout": 0.3, "pooling": "sqrt"}
    | {"word_dropout": 0.1, "spatial_dropout": 0.0},
    "cnn": {"vocabulary_size": 30_000, "sequence_length": 400, "ngrams": 1}
    | {"width": 192, "dropout": 0.5, "pooling": "max"}
    | {"word_dropout": 0.0, "spatial_dropout": 0.2},
    "rnn": {"vocabulary_size": 30_000, "sequence_length": 300, "ngrams": 1}
    | {"width": 128, "dropout": 0.5, "pooling": "max"}
    | {"word_dropout": 0.1, "spatial_dropout": 0.2},
    "transformer": {"vocabulary_size": 30_000, "sequence_length": 450, "ngrams": 1}
    | {"width": 64, "dropout": 0.3, "pooling": "mean"}
    | {"word_dropout": 0.3, "spatial_dropout": 0.1},
}
NB_PRIORS = {
    "linear": tfnlp.NaiveBayesPrior(scale=0.03, pooling="sum"),
    "transformer": tfnlp.NaiveBayesPrior(scale=1.0, pooling="sqrt"),
    **dict.fromkeys(
        ("bow", "cnn", "rnn"), tfnlp.NaiveBayesPrior(scale=0.5, pooling="sqrt")
    ),
}


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        recipe = settled(recipe)
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = recipe.audit(splits, sequence_length=recipe.sequence_length)
        print(audit.table(), file=sys.stderr)
        audit.check()
        splits = recipe.clean(splits)
    task, build, encoded = prepared(recipe, splits.train, clock)
    with clock.phase("train"):
        model = cli.fit(
            recipe, task, build, splits.train, splits.valid, encoded=encoded
        )
    del encoded  # it may be large
    if recipe.multi_label:
        with clock.phase("thresholds"):
            task = task.calibrate(*tfnlp.answers(task, model, splits.valid))
    report = tfnlp.evaluate(
        task,
        model,
        splits.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": audit.rows, "valid": audit.others["valid"]},
    )
    return cli.finish(recipe, task, model, report, audit=audit, clock=clock)


def prepared(recipe: Recipe, rows, clock: tfnlp.Clock):
    """The task that rows teach, what builds its network, and the rows as ids."""
    with clock.phase("vocabulary"):
        task = learnt(recipe, rows)
        vectors = pretrained(recipe, task)
    encoded = ratios = None
    if recipe.nb_prior.scale:
        with clock.phase("naive Bayes"):
            encoded = tfnlp.encoded(task, rows) if recipe.training.cache else None
            ratios = task.log_ratios(rows, encoded=encoded)

    def build(hp):
        dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.dropout)
        hidden_dim = None
        if recipe.width is not None:  # a linear classifier has none
            hidden_dim = hp.Int("hidden_dim", 32, 512, step=32, default=recipe.width)
        return network(
            recipe,
            task,
            vectors,
            hidden_dim=hidden_dim,
            dropout=dropout,
            log_ratios=ratios,
        )

    return task, build, encoded


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    tiny = dataclasses.replace(recipe, min_frequency=min(recipe.min_frequency, 1))
    task = learnt(tiny, recipe.made_up())
    vectors = pretrained(recipe, task, at_most=1)
    network(recipe, task, vectors, hidden_dim=recipe.width, dropout=recipe.dropout)


def learnt(recipe: Recipe, rows) -> tfnlp.Classification:
    """Vocabulary and classes."""
    return tfnlp.Classification.from_rows(
        rows,
        text_pair=recipe.text_pair is not None,
        label_separator=recipe.joined_by,
        class_weight=recipe.class_weight,
        label_smoothing=recipe.label_smoothing,
        loss=recipe.loss,
        vocabulary_size=recipe.vocabulary_size,
        sequence_length=recipe.sequence_length,
        ngrams=recipe.ngrams,
        tokenizer=recipe.tokenizer,
        min_frequency=recipe.min_frequency,
        stop_words=recipe.stop_words or (),
        character_ngrams=recipe.character_ngrams,
        **({"standardize": recipe.standardize} if recipe.standardize else {}),
    )


def network(
    recipe: Recipe, task, vectors: dict, *, hidden_dim, dropout, log_ratios=None
):
    """Encoder and head, or the linear layer alone."""
    encoder = None
    if recipe.encoder == "linear":
        import numpy as np  # not for --help

        entries = len(task.text.vocabulary), len(task.labels)
        log_ratios = np.zeros(entries, "float32") if log_ratios is None else log_ratios
    else:
        encoder = encoder_on(recipe, task, vectors, hidden_dim=hidden_dim)
    return task.network(
        encoder,
        pooling=recipe.pooling or "max",
        dropout=dropout,
        log_ratios=log_ratios,
        nb_prior=recipe.nb_prior,
        symmetric=recipe.symmetric,
    )


def encoder_on(recipe: Recipe, task, vectors: dict, *, hidden_dim):
    """The encoder; the options of --network come last."""
    encoder_of = getattr(tfnlp, recipe.encoder).encoder
    options = {"word_dropout": recipe.word_dropout, "hidden_dim": hidden_dim}
    options |= {"spatial_dropout": recipe.spatial_dropout, **vectors}
    options |= cli.assignments(recipe.network, encoder_of)
    return encoder_of(len(task.text.vocabulary), **options)


def settled(recipe: Recipe) -> Recipe:
    """The recipe with the encoder's own settings where none was given."""
    own = DEFAULTS[recipe.encoder]
    if recipe.tokenizer in ("bpe", "unigram", "wordpiece"):
        own = own | {"ngrams": 1}  # there are no n-grams of subwords
    missing = {k: value for k, value in own.items() if getattr(recipe, k) is None}
    given, usual = recipe.nb_prior, NB_PRIORS[recipe.encoder]
    prior = dataclasses.replace(
        given,
        scale=usual.scale if given.scale is None else given.scale,
        pooling=given.pooling or usual.pooling,
    )
    return dataclasses.replace(recipe, nb_prior=prior, **missing)


def pretrained(recipe: Recipe, task, **options) -> dict:
    """Options of the encoder if its vectors start from a file, else none."""
    if recipe.vectors is None:
        return {}
    vectors = tfnlp.load_vectors(recipe.vectors, task.text.vocabulary, **options)
    own = {"vectors": vectors.matrix, "trainable_vectors": recipe.trainable_vectors}
    return own | {"hidden_dim": None} if recipe.encoder == "bow" else own


if __name__ == "__main__":
    cli.run(main, Recipe)
