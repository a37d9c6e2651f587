"""How long an epoch takes: `tfnlp.fit` against `model.fit` of plain Keras.

    python benchmarks/training.py --epochs 3

Both train the same bag of words on the same encoded batches. Plain Keras is the
peer: Adam as it comes, which moves every vector of the vocabulary at every step;
`fit` moves those of the batch. Compiling takes place in the first epoch, so the
fastest of the others counts; validation is not part of an epoch here. The table
goes to standard output.
"""

import time
from dataclasses import dataclass
from typing import Any

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import UsageError
from tfnlp.recipes.reading import Reading

with quiet_start():
    import keras

    from tfnlp.training.fit import batched, counted

PEER = "model.fit of Keras, Adam"


@dataclass(frozen=True, kw_only=True)
class Recipe(Reading):
    """Measures the seconds of an epoch."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    text: str = "text"  # column: name, number from 1, or several joined with +
    label: str = "label"  # column of the label
    vocabulary_size: int = 300_000  # entries of the vocabulary of words and bigrams
    width: int = 64  # of a vector
    epochs: int = 3  # the first is not counted
    batch_size: int = 64


class EpochSeconds(keras.callbacks.Callback):
    """Keeps the seconds from the start of each epoch to the end of its last batch."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[float] = []
        self.ends: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts an epoch."""
        self.starts.append(time.perf_counter())
        self.ends.append(self.starts[-1])

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Moves the end of the epoch."""
        self.ends[-1] = time.perf_counter()

    @property
    def fastest(self) -> float:
        """The seconds of the fastest epoch but the first."""
        took = [end - start for start, end in zip(self.starts, self.ends, strict=True)]
        return min(took[1:])


def main(recipe: Recipe) -> None:
    """Reads, trains twice and prints.

    Raises:
        UsageError: there is no epoch to count.
    """
    if recipe.epochs < 2:
        raise UsageError(
            "--epochs is 2 or more, since the first is not counted. "
            f"Received: {recipe.epochs}."
        )
    columns = {"text": recipe.text, "label": recipe.label}
    splits = tfnlp.read_splits(recipe.train, columns, **recipe.options())
    task = tfnlp.Classification.from_rows(
        splits.train,
        vocabulary_size=recipe.vocabulary_size,
        ngrams=2,
        sequence_length=1000,
    )
    config = tfnlp.TrainConfig(
        epochs=recipe.epochs, batch_size=recipe.batch_size, patience=recipe.epochs
    )

    def build(hp: Any) -> keras.Model:
        encoder = tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=recipe.width)
        return task.network(encoder, pooling="sqrt", dropout=0.5)

    seconds = {
        PEER: of_keras(task, build, splits, config),
        "tfnlp.fit": of_fit(task, build, splits, config),
    }
    print(table(seconds))


def of_keras(
    task: tfnlp.Classification, build: Any, splits: tfnlp.Splits, config: Any
) -> float:
    """Seconds of an epoch of plain Keras, on batches that tfnlp encodes."""
    clock = EpochSeconds()
    model = build(None)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA would recompile for every length of a batch
    )
    rows = counted(splits.train)
    model.fit(
        batched(task, rows, config, from_step=0),
        steps_per_epoch=-(-len(rows) // config.batch_size),
        epochs=config.epochs,
        verbose=0,
        shuffle=False,
        callbacks=[clock],
    )
    return clock.fastest


def of_fit(
    task: tfnlp.Classification, build: Any, splits: tfnlp.Splits, config: Any
) -> float:
    """Seconds of an epoch of `tfnlp.fit`."""
    clock = EpochSeconds()
    tfnlp.fit(task, build, splits.train, splits.valid, config, callbacks=(clock,))
    return clock.fastest


def table(seconds: dict[str, float]) -> str:
    """Seconds as a Markdown table, with their ratio to the peer's."""
    lines = [
        f"| {name} | {value:.2f} | {value / seconds[PEER]:.2f} |"
        for name, value in seconds.items()
    ]
    head = ["| bag of words | seconds an epoch | ratio |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    cli.run(main, Recipe)
