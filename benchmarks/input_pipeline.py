"""How fast texts come in: from a table on disk to padded batches.

    python benchmarks/input_pipeline.py --train imdb.csv

What `tfnlp.fit` trains on, without the training: the table is read, rows are encoded,
shuffled and cut into batches of similar length; later passes take the rows that are
encoded already. The peer does as tutorials of plain Keras do: the csv module,
`TextVectorization` in a tf.data pipeline with AUTOTUNE, shuffled batches, each as long
as its longest text; cached after the first pass. The vocabulary is learnt before and
not counted. Both get all cores. Megabytes are those of the texts. The table goes to
standard output.
"""

import csv
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import UsageError
from tfnlp.recipes.reading import Reading

with quiet_start():
    import keras
    import tensorflow as tf

    from tfnlp.training.fit import batched, counted

PEER = "csv module, TextVectorization of Keras, AUTOTUNE"
OURS = "tfnlp"


@dataclass(frozen=True, kw_only=True)
class Recipe(Reading):
    """Measures the first pass over a table, and the passes behind it."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    text: str = "text"  # column: name, number from 1, or several joined with +
    label: str = "label"  # column of the label
    vocabulary_size: int = 30_000  # entries of the vocabulary
    sequence_length: int = 400  # tokens kept of a text
    batch_size: int = 64
    passes: int = 3  # the first reads and encodes, the fastest of the others counts


def main(recipe: Recipe) -> None:
    """Writes the texts as a table, measures both ways and prints.

    Raises:
        UsageError: there is no later pass.
    """
    if recipe.passes < 2:
        raise UsageError(
            "--passes is 2 or more: the first one, and later ones. "
            f"Received: {recipe.passes}."
        )
    columns = {"text": recipe.text, "label": recipe.label}
    rows = tfnlp.read_splits(recipe.train, columns, **recipe.options()).train
    task = tfnlp.Classification.from_rows(
        rows,
        vocabulary_size=recipe.vocabulary_size,
        sequence_length=recipe.sequence_length,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.csv"
        count, megabytes = write(rows, path)
        updates = -(-count // recipe.batch_size)
        begin = {
            PEER: lambda: of_keras(recipe, task, path),
            OURS: lambda: of_tfnlp(recipe, task, path),
        }
        speeds = {
            name: [
                megabytes / took
                for took in seconds(each, updates=updates, passes=recipe.passes)
            ]
            for name, each in begin.items()
        }
    print(table(speeds))


def write(rows: Any, path: Path) -> tuple[int, float]:
    """Writes rows as a table; returns how many there are, and megabytes of text."""
    count = total = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for row in rows.as_numpy_iterator():
            count, total = count + 1, total + len(row["text"])
            writer.writerow([row["text"].decode(), row["label"].decode()])
    return count, total / 1e6


def of_tfnlp(recipe: Recipe, task: tfnlp.Classification, path: Path) -> Iterable[Any]:
    """The batches of `tfnlp.fit`, pass after pass."""
    rows = counted(tfnlp.read(str(path), {"text": "text", "label": "label"}))
    config = tfnlp.TrainConfig(batch_size=recipe.batch_size)
    return batched(task, rows, config, from_step=0)


def of_keras(recipe: Recipe, task: tfnlp.Classification, path: Path) -> Iterable[Any]:
    """What a tutorial's `model.fit` is given, pass after pass."""
    vectorize = keras.layers.TextVectorization(
        vocabulary=list(task.text.vocabulary.entries[2:])
    )
    numbers = {label: n for n, label in enumerate(task.labels.entries)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    labels = [numbers[row["label"]] for row in rows]
    return (
        tf.data.Dataset.from_tensor_slices((texts, labels))
        .map(
            lambda text, label: (vectorize(text)[: recipe.sequence_length], label),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .cache()
        .shuffle(len(texts))
        .padded_batch(recipe.batch_size)
        .repeat()
        .prefetch(tf.data.AUTOTUNE)
    )


def seconds(
    begin: Callable[[], Iterable[Any]], *, updates: int, passes: int
) -> tuple[float, float]:
    """Seconds of the first pass, from the file on, and of the fastest behind it."""
    took = []
    start = time.perf_counter()
    batches = iter(begin())
    for _ in range(passes):
        for _ in range(updates):
            next(batches)
        took.append(time.perf_counter() - start)
        start = time.perf_counter()
    return took[0], min(took[1:])


def table(speeds: dict[str, list[float]]) -> str:
    """Speeds as a Markdown table, with their ratio to the peer's."""
    lines = [
        f"| {name} | {first:.1f} | {first / speeds[PEER][0]:.2f} "
        f"| {later:.1f} | {later / speeds[PEER][1]:.2f} |"
        for name, (first, later) in speeds.items()
    ]
    head = [
        "| table to padded batches | first pass, MB/s | ratio | later, MB/s | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    cli.run(main, Recipe)
