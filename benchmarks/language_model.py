"""Training tokens per second: `tfnlp.fit` against PyTorch, the same language model.

    pip install -r benchmarks/requirements.txt
    python benchmarks/language_model.py

Both train a Transformer of characters, then an LSTM of words by truncated
back-propagation through time, on the same synthetic text, with Adam and gradient
clipping. The peer is written as PyTorch's users write it: `nn.TransformerEncoder` with
a causal mask, `nn.LSTM`, ids encoded once and kept in memory. Both get all cores. The
first epoch is not counted, the fastest of the others is. The table goes to standard
output.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import UsageError

with quiet_start():
    import keras
    import numpy as np
    import torch
    from torch import nn
    from training import EpochSeconds

    from tfnlp.data.blocks import blocks
    from tfnlp.data.rows import from_list


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Measures the tokens per second of an epoch."""

    characters: int = 400_000  # of the Transformer's text
    words: int = 60_000  # of the LSTM's text
    vocabulary_size: int = 10_000  # different words
    sequence_length: int = 128  # tokens of a block of the Transformer
    hidden_dim: int = 128  # of the Transformer
    num_layers: int = 4
    num_heads: int = 4
    segment: int = 35  # tokens of a block of the LSTM
    state: int = 256  # width of the LSTM
    batch_size: int = 32
    dropout: float = 0.1
    epochs: int = 3  # the first is not counted
    threads: int = 2  # of PyTorch


class Transformer(nn.Module):
    """Ids [B, T] → logits [B, T, V]."""

    def __init__(self, size: int, recipe: Recipe):
        super().__init__()
        width = recipe.hidden_dim
        self.table = nn.Embedding(size, width)
        self.places = nn.Embedding(recipe.sequence_length, width)
        block = nn.TransformerEncoderLayer(
            width,
            recipe.num_heads,
            4 * width,
            recipe.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(
            block, recipe.num_layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.logits = nn.Linear(width, size)
        self.logits.weight = self.table.weight

    def forward(self, ids: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
        length = ids.shape[1]
        vectors = self.table(ids) + self.places(torch.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.logits(self.blocks(vectors, mask=mask, is_causal=True)), state


class Recurrent(nn.Module):
    """Ids [B, T] and a state → logits [B, T, V] and the state behind them."""

    def __init__(self, size: int, recipe: Recipe):
        super().__init__()
        self.table = nn.Embedding(size, recipe.state)
        self.lstm = nn.LSTM(recipe.state, recipe.state, batch_first=True)
        self.dropout = nn.Dropout(recipe.dropout)
        self.logits = nn.Linear(recipe.state, size)
        self.logits.weight = self.table.weight

    def forward(self, ids: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        hidden, state = self.lstm(self.dropout(self.table(ids)), state)
        return self.logits(self.dropout(hidden)), tuple(s.detach() for s in state)


def main(recipe: Recipe) -> None:
    """Generates texts, trains each model twice and prints a table.

    Raises:
        UsageError: there is no epoch to count.
    """
    if recipe.epochs < 2:
        raise UsageError(
            "--epochs is 2 or more, since the first is not counted. "
            f"Received: {recipe.epochs}."
        )
    lines = []
    for name, text, tokenizer, length, peer in (
        (
            "Transformer",
            letters(recipe),
            "characters",
            recipe.sequence_length,
            Transformer,
        ),
        ("LSTM", words(recipe), "words", recipe.segment, Recurrent),
    ):
        slots = recipe.batch_size if peer is Recurrent else 0
        rows = from_list([{"text": text}])
        task = tfnlp.LanguageModel.from_rows(
            rows, tokenizer=tokenizer, sequence_length=length, slots=slots
        )
        ids = task.tokenizer.encode([text]).flat_values.numpy()
        slow = of_torch(
            recipe, peer(task.tokenizer.vocabulary_size, recipe), ids, length, slots
        )
        train = blocks(rows, size=length, unit=tokenizer, slots=slots)
        fast = of_fit(recipe, task, train)
        speeds = len(ids) / slow, len(ids) / fast
        lines.append(
            f"| {name} | {speeds[0]:,.0f} | {speeds[1]:,.0f} "
            f"| {speeds[1] / speeds[0]:.2f} |"
        )
    print("| language model | PyTorch, tokens a second | `tfnlp.fit` | ratio |")
    print("| --- | ---: | ---: | ---: |", *lines, sep="\n")


def letters(recipe: Recipe) -> str:
    """Random text of 64 letters, as frequent as in language."""
    dice = np.random.default_rng(0)
    alphabet = [chr(ord("0") + n) for n in range(64)]
    share = 1.0 / np.arange(1, 65)
    return "".join(dice.choice(alphabet, recipe.characters, p=share / share.sum()))


def words(recipe: Recipe) -> str:
    """Random words, as frequent as in language."""
    dice = np.random.default_rng(0)
    share = 1.0 / np.arange(1, recipe.vocabulary_size + 1)
    found = dice.choice(recipe.vocabulary_size, recipe.words, p=share / share.sum())
    return " ".join(f"w{word}" for word in found)


def of_torch(
    recipe: Recipe, peer: nn.Module, ids: np.ndarray, length: int, slots: int
) -> float:
    """Seconds of an epoch of PyTorch."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(0)
    adam = torch.optim.Adam(peer.parameters(), lr=1e-3)
    scored = nn.CrossEntropyLoss()
    took = []
    for _ in range(recipe.epochs):
        start, state = time.perf_counter(), None
        for block in segments(ids, recipe.batch_size, length, slots > 0):
            logits, state = peer(block[:, :-1], state)
            loss = scored(logits.flatten(0, 1), block[:, 1:].flatten())
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(peer.parameters(), 1.0)
            adam.step()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def segments(
    ids: np.ndarray, batch: int, length: int, carried: bool
) -> Iterator[torch.Tensor]:
    """Blocks [B, length + 1] of ids, that follow each other or are shuffled."""
    tensor = torch.tensor(ids).long()
    if carried:
        parts = tensor[: len(ids) // batch * batch].reshape(batch, -1)
        for start in range(0, parts.shape[1] - 1, length):
            yield parts[:, start : start + length + 1]
        return
    starts = torch.randperm((len(ids) - 1) // length) * length
    for some in starts.split(batch):
        yield torch.stack([tensor[s : s + length + 1] for s in some])


def of_fit(recipe: Recipe, task: tfnlp.LanguageModel, train: Any) -> float:
    """Seconds of an epoch of `tfnlp.fit`."""
    clock = EpochSeconds()

    def build(hp: Any) -> keras.Model:
        if task.slots:
            return task.network(
                tfnlp.RecurrentDecoder(
                    task.tokenizer.vocabulary_size,
                    hidden_dim=recipe.state,
                    dropout=recipe.dropout,
                )
            )
        return task.network(
            tfnlp.TransformerDecoder(
                task.tokenizer.vocabulary_size,
                hidden_dim=recipe.hidden_dim,
                num_layers=recipe.num_layers,
                num_heads=recipe.num_heads,
                sequence_length=recipe.sequence_length,
                dropout=recipe.dropout,
            )
        )

    config = tfnlp.TrainConfig(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=1e-3,
        global_clipnorm=1.0,
        patience=recipe.epochs,
    )
    valid = train.take(recipe.batch_size)
    tfnlp.fit(task, build, train, valid, config, callbacks=(clock,))
    return clock.fastest


if __name__ == "__main__":
    cli.run(main, Recipe)
