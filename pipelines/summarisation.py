"""Sum a text up: articles in, summaries out.

    python pipelines/summarisation.py --train news.csv --source article \\
        --target summary --name news

Summaries are scored by ROUGE; several of one text are several columns of the test
file: `--test_target summary1 summary2`. The artefact answers a source with the best
text, at `n_best` with several, and at `align` with where each token looked.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tfnlp
from tfnlp import cli

Split = Literal["bpe", "unigram", "wordpiece", "words", "characters"]


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Pairs):
    """Trains, tests and saves a network that sums texts up."""

    name: str = "summarisation"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts

    split: Split = "bpe"  # what a token is, on both sides
    size: int = 8_000  # ids at most
    shared: bool = True  # whether both sides have the same tokens
    standardize: tuple[str, ...] = ()  # e.g. nfkc,lower
    source_length: int = 400  # tokens kept of a source
    target_length: int = 100  # tokens learnt of a target, and written at most
    decoder: Literal["transformer", "recurrent"] = "transformer"
    attention: Literal["luong", "bahdanau"] = "luong"  # of the recurrent decoder
    width: int = 192  # of encoder and decoder
    depth: int = 2  # layers of both
    dropout: float = 0.2
    network: tuple[str, ...] = ()  # more of the decoder: heads=8 tied=false
    smoothing: float = 0.1  # of the target
    num_beams: int = 5  # texts followed side by side
    length_penalty: float = 1.0  # more favours long texts
    no_repeat_ngram: int = 3  # so many tokens in a row come once only; 0 is off
    measures: tuple[str, ...] = ("rouge",)  # also bleu chrf exact_match …
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=20,
            batch_size=32,
            rate=1e-3,
            schedule="cosine",
            warm_up=0.05,
            clip=1.0,
            patience=3,
        )
    )


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        sides = recipe.sides()
        audit = recipe.checked(sides)
        sides = recipe.cleaned(sides)
    with clock.phase("vocabulary"):
        task = learnt(recipe, sides.train)

    def build(hp):
        width = hp.Int("width", 64, 512, step=32, default=recipe.width)
        dropout = hp.Float("dropout", 0.0, 0.5, default=recipe.dropout)
        return network(recipe, task, width=width, dropout=dropout)

    with clock.phase("train"):
        model = tfnlp.fit(task, build, sides.train, sides.valid, recipe.training)
    report = tfnlp.evaluate(
        task,
        model,
        sides.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": len(sides.train), "valid": len(sides.valid)},
        batch_size=32,
    )
    return cli.finish(recipe, task, model, report, audit=audit, clock=clock)


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    rows = recipe.made_up()
    task = learnt(recipe, rows, pieces={"split": "characters"})
    network(recipe, task, width=recipe.width, dropout=recipe.dropout)


def learnt(recipe: Recipe, rows: Any, **options: Any) -> tfnlp.Translation:
    """The pieces of both sides."""
    pieces = {
        "split": recipe.split,
        "size": recipe.size,
        "standardize": recipe.standardize,
    }
    if recipe.split in ("bpe", "unigram"):
        pieces |= {"exact": False, "leading_blank": True}
    return tfnlp.Translation.from_rows(
        rows,
        shared=recipe.shared,
        source_length=recipe.source_length,
        target_length=recipe.target_length,
        num_beams=recipe.num_beams,
        length_penalty=recipe.length_penalty,
        no_repeat_ngram=recipe.no_repeat_ngram,
        smoothing=recipe.smoothing,
        measures=recipe.measures,
        **{"pieces": pieces, **options},
    )


def network(recipe: Recipe, task: tfnlp.Translation, *, width: int, dropout: float):
    """Encoder and decoder of one kind; the options of --network come last."""
    sizes: dict[str, Any] = {"width": width, "depth": recipe.depth, "dropout": dropout}
    if recipe.decoder == "transformer":
        kind: Any = tfnlp.TransformerDecoder
        encoder = tfnlp.transformer.encoder(task.source.size, **sizes)
        options = {**sizes, "source": True, "length": recipe.target_length + 1}
    else:
        kind = tfnlp.RecurrentDecoder
        encoder = tfnlp.rnn.encoder(task.source.size, **sizes)
        options = {**sizes, "attention": recipe.attention}
    options |= cli.assignments(recipe.network, kind)
    return task.network(encoder, kind(task.target.size, **options))


if __name__ == "__main__":
    cli.run(main, Recipe)
