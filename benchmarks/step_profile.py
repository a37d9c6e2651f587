"""Profiles a training step with the TensorFlow profiler, by operation.

    python benchmarks/step_profile.py --train imdb.csv --encoder cnn

One step of `tfnlp.fit` on a batch of median length. An operation that runs in several
threads counts once, from its start to its end, and some run side by side: shares are of
their sum. The table goes to standard output.
"""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.recipes.reading import Reading

with quiet_start():
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from tfnlp.training.fit import batched, compiled, counted


@dataclass(frozen=True, kw_only=True)
class Recipe(Reading):
    """Profiles a step."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    text: str = "text"  # column: name, number from 1, or several joined with +
    label: str = "label"  # column of the label
    encoder: Literal["bow", "cnn", "rnn", "transformer"] = "cnn"
    vocabulary_size: int = 30_000  # entries of the vocabulary
    sequence_length: int = 400  # tokens kept of a text
    ngrams: int = 1  # longest run of words
    hidden_dim: int = 192  # size of the encoder's vectors
    batch_size: int = 64
    steps: int = 20  # profiled steps
    most: int = 12  # rows of the table


def main(recipe: Recipe) -> None:
    """Reads, takes steps and prints."""
    columns = {"text": recipe.text, "label": recipe.label}
    splits = tfnlp.read_splits(recipe.train, columns, **recipe.options())
    text = {
        "vocabulary_size": recipe.vocabulary_size,
        "sequence_length": recipe.sequence_length,
        "ngrams": recipe.ngrams,
    }
    task = tfnlp.Classification.from_rows(splits.train, **text)

    def build(hp: Any) -> Any:
        encoder_of = getattr(tfnlp, recipe.encoder).encoder
        encoder = encoder_of(len(task.text.vocabulary), hidden_dim=recipe.hidden_dim)
        pooling = "sqrt" if recipe.encoder == "bow" else "max"
        return task.network(encoder, pooling=pooling)

    config = tfnlp.TrainConfig(batch_size=recipe.batch_size)
    trainable = compiled(task, build, config, steps=1000)
    batches = list(islice(batched(task, counted(splits.train), config), 51))
    batches.sort(key=lambda each: each[0]["token_ids"].shape[1])
    batch = batches[len(batches) // 2]
    step = tf.function(lambda: trainable.train_step(batch), autograph=False)
    for _ in range(5):
        step()
    start = time.perf_counter()
    for _ in range(recipe.steps):
        step()
    seconds = (time.perf_counter() - start) / recipe.steps
    shape = list(batch[0]["token_ids"].shape)
    print(f"{recipe.encoder}, ids {shape}: {1000 * seconds:.1f} ms a step\n")
    spent = profiled(step, recipe.steps)
    total = sum(spent.values())
    print("| operation | ms | share |")
    print("| --- | ---: | ---: |")
    for name, each in spent.most_common(recipe.most):
        print(f"| {name} | {each / recipe.steps:.2f} | {each / total:.0%} |")


def profiled(step: Any, steps: int) -> Counter[str]:
    """Milliseconds of each kind of operation in a number of steps."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(steps):
            step()
        tf.profiler.experimental.stop()
        file = next(Path(folder).rglob("*.xplane.pb"))
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    spent: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                place, _, kind = name.rpartition(":")
                if (
                    place and place[-1] != ":" and kind.isidentifier()
                ):  # others are functions of the runtime
                    spent[kind] += event.duration_ps / 1e9
    return spent


if __name__ == "__main__":
    cli.run(main, Recipe)
