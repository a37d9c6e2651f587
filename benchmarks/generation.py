"""Tokens per second of text generation: with and without a KV cache, and by KerasHub.

    pip install -r benchmarks/requirements.txt
    python benchmarks/generation.py

All continue the same random prompts greedily with Transformers of one size and random
weights, each call from prompt to the last token, batched. "No cache" is the cost of a
network without `step`, which reads all tokens for each new one; the peer is GPT-2 of
KerasHub with its own cache, compiled by XLA by default. The first call of each is not
counted, the fastest of the others is. The table goes to standard output.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start

with quiet_start():
    import keras
    import keras_hub
    import numpy as np
    import tensorflow as tf

    from tfnlp import decoding
    from tfnlp.networks import incremental_decoding
    from tfnlp.networks.transformer_decoder import TransformerDecoder

PEER = "KerasHub, GPT2CausalLM.generate"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Measures the tokens per second of generation."""

    vocabulary_size: int = 5_000
    hidden_dim: int = 256
    num_layers: int = 4
    num_heads: int = 4
    batch_size: int = 8  # prompts
    prompt: int = 16  # tokens of each
    tokens: int = 256  # new ones of each
    repeats: int = 3  # calls that are counted


def main(recipe: Recipe) -> None:
    """Generates in three ways and prints."""
    keras.utils.set_random_seed(0)
    prompts = np.random.randint(
        3, recipe.vocabulary_size, [recipe.batch_size, recipe.prompt]
    ).astype("int32")
    ways = {
        PEER: of_keras_hub(recipe, prompts),
        "tfnlp, no cache": of_tfnlp(recipe, prompts, cached=False),
        "tfnlp, KV cache": of_tfnlp(recipe, prompts, cached=True),
    }
    speeds = {name: speed(recipe, call) for name, call in ways.items()}
    print(table(speeds))


def of_tfnlp(
    recipe: Recipe, prompts: np.ndarray, *, cached: bool
) -> Callable[[], object]:
    """A graph that continues the prompts."""
    decoder = TransformerDecoder(
        recipe.vocabulary_size,
        hidden_dim=recipe.hidden_dim,
        num_layers=recipe.num_layers,
        num_heads=recipe.num_heads,
        sequence_length=recipe.prompt + recipe.tokens,
        dropout=0.0,
    )
    inputs = keras.Input([None], dtype="int32", name="token_ids")
    network = keras.Model({"token_ids": inputs}, decoder(inputs))
    model = network if cached else lambda features: network(features)
    lengths = tf.fill([recipe.batch_size], recipe.prompt)

    @tf.function
    def generate(ids: tf.Tensor) -> tf.Tensor:
        reading = incremental_decoding.prefill(
            model, ids, lengths, max_length=recipe.prompt + recipe.tokens
        )
        config = decoding.GenerationConfig(max_tokens=recipe.tokens, temperature=0.0)
        made = decoding.generate(
            reading.step, reading.logits, reading.cache, config, end_token_id=None
        )
        return made.ids

    given = tf.constant(prompts)
    return lambda: generate(given).numpy()


def of_keras_hub(recipe: Recipe, prompts: np.ndarray) -> Callable[[], object]:
    """GPT-2 of KerasHub, greedy, that never stops early."""
    whole = recipe.prompt + recipe.tokens
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=recipe.vocabulary_size,
        num_layers=recipe.num_layers,
        num_heads=recipe.num_heads,
        hidden_dim=recipe.hidden_dim,
        intermediate_dim=4 * recipe.hidden_dim,
        max_sequence_length=whole,
    )
    peer = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)
    peer.compile(sampler="greedy")
    padding = ((0, 0), (0, recipe.tokens))
    inputs = {
        "token_ids": np.pad(prompts, padding),
        "padding_mask": np.pad(np.ones_like(prompts), padding),
    }
    return lambda: peer.generate(inputs, stop_token_ids=None)


def speed(recipe: Recipe, call: Callable[[], object]) -> float:
    """New tokens a second of the fastest call."""
    call()
    took = []
    for _ in range(recipe.repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return recipe.batch_size * recipe.tokens / min(took)


def table(speeds: dict[str, float]) -> str:
    """Tokens a second as a Markdown table, with their ratio to the peer's."""
    lines = [
        f"| {name} | {each:,.0f} | {each / speeds[PEER]:.2f} |"
        for name, each in speeds.items()
    ]
    head = ["| generation | tokens a second | ratio |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    cli.run(main, Recipe)
