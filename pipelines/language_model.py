"""Learn a language: running text in, a model that goes on after a prompt out.

    python pipelines/language_model.py --train plays.txt --name plays
    tfnlp generate saved_models/plays --prompt "ROMEO:" --max_tokens 200

The artefact answers a prompt with text, and at a second endpoint a text with how
probable each token of it is.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tfnlp
from tfnlp import cli

Tokenizer = Literal["characters", "words", "bpe", "unigram"]


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Texts):
    """Trains, tests and saves a language model."""

    name: str = "language_model"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped

    tokenizer: Tokenizer = "characters"  # what a token is
    vocabulary_size: int | None = (
        None  # ids at most; default: 8,000 subwords, 20,000 of others
    )
    sequence_length: int | None = None  # tokens read at a time; default: by the decoder
    decoder: Literal["transformer", "recurrent"] = "transformer"
    width: int | None = None  # of the decoder's vectors; default: by the decoder
    depth: int | None = None  # layers; default: by the decoder
    dropout: float | None = None  # default: by the decoder
    network: tuple[str, ...] = ()  # more of the decoder: num_heads=8 positions=learned
    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=12,
            batch_size=20,
            learning_rate=2e-3,
            optimizer="adamw",
            weight_decay=0.01,
            schedule="cosine",
            warmup_ratio=0.02,
            global_clipnorm=1.0,
            patience=3,
        )
    )

    @property
    def own(self) -> dict[str, Any]:
        """Sequence length, width, depth and dropout: given, or the decoder's own."""
        defaults = {
            "transformer": {
                "sequence_length": 128,
                "width": 128,
                "depth": 4,
                "dropout": 0.1,
            },
            "recurrent": {
                "sequence_length": 35,
                "width": 256,
                "depth": 1,
                "dropout": 0.25,
            },
        }[self.decoder]
        given = {name: getattr(self, name) for name in defaults}
        return defaults | {n: value for n, value in given.items() if value is not None}

    @property
    def slots(self) -> int:
        """Parts of the text that a recurrent decoder reads side by side."""
        return self.training.batch_size if self.decoder == "recurrent" else 0

    @property
    def most(self) -> int:
        """How many ids there are at most."""
        return self.vocabulary_size or (
            20_000 if self.tokenizer in ("words", "characters") else 8_000
        )

    def blocks(self, rows: Any, *, before: bool = False) -> Any:
        """The text in blocks; see `tfnlp.blocks`.

        Args:
            before: whether blocks that stand alone have what stands before them.
        """
        return tfnlp.blocks(
            rows,
            size=self.own["sequence_length"],
            unit="characters" if self.tokenizer == "characters" else "words",
            context=self.own["sequence_length"] if before and not self.slots else 1,
            fresh=0 if before else 8,
            slots=self.slots,
        )


def main(recipe: Recipe) -> Path:
    """Reads, checks, trains, tests and saves; returns the folder of the version."""
    clock = tfnlp.Clock()
    with clock.phase("start"):
        tfnlp.check_output(recipe.name, recipe.output)
        rehearse(recipe)
    with clock.phase("read and audit"):
        splits = recipe.read_splits()
        audit = tfnlp.audit(splits.train, label_field=None).check()
        print(audit.table(), file=sys.stderr)
    with clock.phase("vocabulary"):
        task = learnt(
            recipe,
            splits.train,
            tokenizer=recipe.tokenizer,
            vocabulary_size=recipe.most,
        )
        train = recipe.blocks(splits.train)
        valid = recipe.blocks(splits.valid, before=bool(recipe.slots))
        test = recipe.blocks(splits.test, before=True)

    def build(hp):
        hidden_dim = hp.Int(
            "hidden_dim", 64, 1024, step=16, default=recipe.own["width"]
        )
        dropout = hp.Float("dropout", 0.0, 0.7, default=recipe.own["dropout"])
        return network(recipe, task, hidden_dim=hidden_dim, dropout=dropout)

    with clock.phase("train"):
        model = cli.fit(recipe, task, build, train, valid)
    report = tfnlp.evaluate(
        task,
        model,
        test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": len(train), "valid": len(valid)},
        batch_size=recipe.training.batch_size,
    )
    alone, plain = task.alone(), task.plain(model)
    plain.history = model.history
    report = report.with_figures(alone.samples(plain, test))
    return cli.finish(recipe, alone, plain, report, audit=audit, clock=clock)


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    task = learnt(recipe, recipe.made_up(), tokenizer="characters", vocabulary_size=50)
    own = recipe.own
    network(recipe, task, hidden_dim=own["width"], dropout=own["dropout"])


def learnt(
    recipe: Recipe, rows: Any, *, tokenizer: str, vocabulary_size: int
) -> tfnlp.LanguageModel:
    """The task, with a tokenizer trained on the text."""
    lines = {"lines": True} if tokenizer == "words" else {}
    return tfnlp.LanguageModel.from_rows(
        rows,
        tokenizer=tokenizer,
        vocabulary_size=vocabulary_size,
        sequence_length=recipe.own["sequence_length"],
        slots=recipe.slots,
        **lines,
    )


def network(recipe: Recipe, task: tfnlp.LanguageModel, *, hidden_dim, dropout):
    """The decoder; the options of --network come last."""
    decoders = {
        "transformer": tfnlp.TransformerDecoder,
        "recurrent": tfnlp.RecurrentDecoder,
    }
    decoder = decoders[recipe.decoder]
    options = {
        "hidden_dim": hidden_dim,
        "num_layers": recipe.own["depth"],
        "dropout": dropout,
    }
    if recipe.decoder == "transformer":
        options["sequence_length"] = recipe.own["sequence_length"]
    options |= cli.assignments(recipe.network, decoder)
    return task.network(decoder(task.tokenizer.vocabulary_size, **options))


if __name__ == "__main__":
    cli.run(main, Recipe)
