"""Learn a language: running text in, a model that goes on after a prompt out.

    python pipelines/language_model.py --train plays.txt --name plays
    tfnlp generate saved_models/plays --prompt "ROMEO:" --max_tokens 200

The artefact answers a prompt with text, and at a second endpoint a text with how
probable each token of it is.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.LanguageModel):
    """Trains, tests and saves a language model."""

    name: str = "language_model"  # of the artefact
    training: tfnlp.TrainConfig = field(
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


def build(recipe: Recipe, task, start, hp):
    """A causal Transformer, or an LSTM or GRU, with logits for the next token."""
    vocabulary_size = task.tokenizer.vocabulary_size
    if recipe.decoder == "recurrent":
        sizes = recipe.sizes(tfnlp.RecurrentDecoder, hp)
        return task.network(tfnlp.RecurrentDecoder(vocabulary_size, **sizes))
    sizes = recipe.sizes(tfnlp.TransformerDecoder, hp)
    decoder = tfnlp.TransformerDecoder(
        vocabulary_size, sequence_length=recipe.sequence_length, **sizes
    )
    return task.network(decoder)


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
