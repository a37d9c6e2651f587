"""Write one text for another: translations, spellings, pronunciations.

    python pipelines/translation.py --train corpus/train --valid corpus/val \\
        --test corpus/test --source en --target de --name english_german
    python pipelines/translation.py --train cmudict --source letters --target phones \\
        --tokenizer words --decoder recurrent --metrics exact_match,phone_error

`corpus/train` stands for the parallel files `corpus/train.en` and `corpus/train.de`;
tables and JSON name columns instead. The artefact answers a source with the best
text, at `n_best` with several, and at `align` with where each token looked.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.Translation):
    """Trains, tests and saves a network that writes a target for a source."""

    name: str = "translation"  # of the artefact
    training: tfnlp.TrainConfig = field(
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


def build(recipe: Recipe, task, start, hp):
    """Encoder and decoder: both Transformers, or both recurrent with attention."""
    sizes = recipe.sizes(hp)
    if recipe.decoder == "transformer":
        encoder = tfnlp.transformer.encoder(
            task.source_tokenizer.vocabulary_size, **sizes
        )
        options = {
            **sizes,
            "cross_attention": True,
            "sequence_length": recipe.target_length + 1,
            "intermediate_dim": 2 * sizes["hidden_dim"],  # as the encoder's
            **recipe.decoder_arguments(tfnlp.TransformerDecoder),
        }
        decoder = tfnlp.TransformerDecoder(
            task.target_tokenizer.vocabulary_size, **options
        )
    else:
        encoder = tfnlp.rnn.encoder(task.source_tokenizer.vocabulary_size, **sizes)
        options = {
            **sizes,
            "attention": recipe.attention,
            **recipe.decoder_arguments(tfnlp.RecurrentDecoder),
        }
        decoder = tfnlp.RecurrentDecoder(
            task.target_tokenizer.vocabulary_size, **options
        )
    return task.network(encoder, decoder, scheduled_sampling=recipe.scheduled_sampling)


def main(recipe: Recipe) -> Path:
    """Reads, audits, trains, evaluates and saves; returns the folder of the version."""
    return recipes.run(recipe, build)


if __name__ == "__main__":
    cli.run(main, Recipe)
