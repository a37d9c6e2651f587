"""Write one text for another: translations, spellings, pronunciations.

    python pipelines/translation.py --train corpus/train --valid corpus/val \\
        --test corpus/test --source en --target de --name english_german
    python pipelines/translation.py --train cmudict --source letters --target phones \\
        --tokenizer words --decoder recurrent --metrics exact_match,phone_error

`corpus/train` stands for the parallel files `corpus/train.en` and `corpus/train.de`;
tables and JSON name columns instead. The artefact answers a source with the best
text, at `n_best` with several, and at `align` with where each token looked.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import tfnlp
from tfnlp import cli


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Writer):
    """Trains, tests and saves a network that writes a target for a source."""

    name: str = "translation"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # go on with a run of this name that was stopped

    training: tfnlp.TrainConfig = dataclasses.field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=10,
            batch_size=128,
            learning_rate=1.5e-3,
            schedule="cosine",
            warmup_ratio=0.05,
            global_clipnorm=1.0,
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
        splits = recipe.read_splits()
        audit = recipe.checked(splits)
        splits = recipe.cleaned(splits)
    with clock.phase("vocabulary"):
        task = recipe.learnt(splits.train)

    def build(hp):
        hidden_dim = hp.Int("hidden_dim", 64, 512, step=32, default=recipe.width)
        dropout = hp.Float("dropout", 0.0, 0.5, default=recipe.dropout)
        return recipe.network_of(task, hidden_dim=hidden_dim, dropout=dropout)

    with clock.phase("train"):
        model = cli.fit(recipe, task, build, splits.train, splits.valid)
    report = tfnlp.evaluate(
        task,
        model,
        splits.test,
        history=model.history.history,
        seconds=clock.seconds,
        counts={"train": len(splits.train), "valid": len(splits.valid)},
        batch_size=64,
    )
    report = report.with_figures(*task.attention(model, splits.test))
    return cli.finish(recipe, task, model, report, audit=audit, clock=clock)


def rehearse(recipe: Recipe) -> None:
    """Builds everything once, tiny: a wrong setting ends here, before any reading."""
    task = recipe.learnt(
        recipe.made_up(), tokenizer_options={"tokenizer": "characters"}
    )
    recipe.network_of(task, hidden_dim=recipe.width, dropout=recipe.dropout)


if __name__ == "__main__":
    cli.run(main, Recipe)
