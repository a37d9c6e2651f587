"""Sum a text up: articles in, summaries out.

    python pipelines/summarisation.py --train news.csv --source article \\
        --target summary --name news

Summaries are scored by ROUGE; several of one text are several columns of the test
file: `--test_target summary1 summary2`. The artefact answers a source with the best
text, at `n_best` with several, and at `align` with where each token looked.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tfnlp
from tfnlp import cli, recipes


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.Translation):
    """Trains, tests and saves a network that sums texts up."""

    name: str = "summarisation"  # of the artefact
    source_length: int = 400  # tokens kept of a source
    target_length: int = 100  # tokens learnt of a target, and generated at most
    hidden_dim: int = 192  # of encoder and decoder
    num_layers: int = 2  # of encoder and decoder
    no_repeat_ngram_size: int = 3  # n-grams of this size occur once only; 0 is off
    metrics: tuple[str, ...] = ("rouge",)  # also bleu chrf exact_match …
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=20,
            batch_size=32,
            learning_rate=1e-3,
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
