"""Training throughput of every encoder: `tfnlp.fit` against PyTorch.

    pip install -r benchmarks/requirements.txt
    python benchmarks/encoders.py --train imdb.csv --encoders bow,cnn,rnn,transformer

Both train classifiers of the same sizes with Adam. The peer is written as PyTorch's
users write it: ids encoded once and kept in memory, shuffled batches padded to their
longest text, packed sequences for the LSTM, and for the bag of words an `EmbeddingBag`
with sparse gradients and `SparseAdam`. `fit` reads and encodes texts in every epoch.
Both get all cores. The first epoch is not counted; the table has the fastest of the
others. The
table goes to standard output.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import UsageError
from tfnlp.recipes.reading import Reading

with quiet_start():
    import keras
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    from training import EpochSeconds

Ids = list[torch.Tensor]
"""The ids of each text, int64 [T]."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Reading):
    """Measures texts per second of an epoch."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    text: str = "text"  # column: name, number from 1, or several joined with +
    label: str = "label"  # column of the label
    encoders: str = "bow,cnn,rnn,transformer"  # which ones, joined with commas
    vocabulary_size: int = 30_000  # entries of the vocabulary
    terms: int = 300_000  # the same for the bag of words, which has pairs of words
    sequence_length: int = 400  # tokens kept of a text; the bag of words keeps 1,000
    epochs: int = 3  # the first is not counted
    batch_size: int = 64
    threads: int = 2  # of PyTorch


class Bag(nn.Module):
    """A bag of words and pairs of words."""

    def __init__(self, size: int, classes: int):
        super().__init__()
        self.table = nn.EmbeddingBag(size, 64, mode="sum", sparse=True)
        self.logits = nn.Linear(64, classes)

    def forward(self, ids: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits [B, C]."""
        lengths = torch.tensor([len(each) for each in ids])
        starts = lengths.cumsum(0) - lengths
        bags = self.table(torch.cat(list(ids)), starts)
        return self.logits(bags / lengths.clamp(min=1).sqrt().unsqueeze(1))


class Tokens(nn.Module):
    """Embedding, encoder, max pooling and logits."""

    def __init__(self, size: int, width: int, found: int, classes: int):
        super().__init__()
        self.table = nn.Embedding(size, width, padding_idx=0)
        self.logits = nn.Linear(found, classes)

    def forward(self, ids: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits [B, C]."""
        lengths = torch.tensor([len(each) for each in ids])
        padded = nn.utils.rnn.pad_sequence(list(ids), batch_first=True)
        padding = padded == 0
        vectors = self.read(self.table(padded), lengths, padding)
        pooled = vectors.masked_fill(padding.unsqueeze(2), -1e9).amax(dim=1)
        return self.logits(pooled)

    def read(
        self, vectors: torch.Tensor, lengths: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """The encoder: vectors [B, T, E] to [B, T, D]."""
        return vectors


class Convolution(Tokens):
    """Convolutions with kernel sizes 3 to 5."""

    def __init__(self, size: int, classes: int):
        super().__init__(size, 128, 192, classes)
        self.windows = nn.ModuleList(
            nn.Conv1d(128, 64, window, padding="same") for window in (3, 4, 5)
        )

    def read(
        self, vectors: torch.Tensor, lengths: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """See `Tokens.read`."""
        turned = vectors.transpose(1, 2)
        found = torch.cat([window(turned) for window in self.windows], dim=1)
        return torch.relu(found).transpose(1, 2)


class Recurrence(Tokens):
    """A bidirectional LSTM."""

    def __init__(self, size: int, classes: int):
        super().__init__(size, 128, 128, classes)
        self.lstm = nn.LSTM(128, 64, batch_first=True, bidirectional=True)

    def read(
        self, vectors: torch.Tensor, lengths: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """See `Tokens.read`."""
        packed = pack_padded_sequence(
            vectors, lengths, batch_first=True, enforce_sorted=False
        )
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]


class Attention(Tokens):
    """One block of self-attention."""

    def __init__(self, size: int, classes: int):
        super().__init__(size, 64, 64, classes)
        self.places = nn.Embedding(1000, 64)
        block = nn.TransformerEncoderLayer(
            64, 4, 128, 0.2, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            block, 1, nn.LayerNorm(64), enable_nested_tensor=False
        )

    def read(
        self, vectors: torch.Tensor, lengths: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """See `Tokens.read`."""
        places = self.places(torch.arange(vectors.shape[1]))
        return self.blocks(vectors + places, src_key_padding_mask=padding)


PEERS: dict[str, Callable[[int, int], nn.Module]] = {
    "bow": Bag,
    "cnn": Convolution,
    "rnn": Recurrence,
    "transformer": Attention,
}
SIZES: dict[str, dict[str, Any]] = {
    "bow": {"hidden_dim": 64},
    "cnn": {"hidden_dim": 192},
    "rnn": {"hidden_dim": 128},
    "transformer": {"hidden_dim": 64},
}
"""What makes our encoders as large as those of PyTorch."""


def main(recipe: Recipe) -> None:
    """Reads, trains each encoder twice and prints.

    Raises:
        UsageError: there is no epoch to count, or no such encoder.
    """
    names = recipe.encoders.split(",")
    if recipe.epochs < 2 or not set(names) <= set(PEERS):
        raise UsageError(
            "--epochs is 2 or more, since the first is not counted, and --encoders are "
            f"of {', '.join(PEERS)}. Received: {recipe.epochs} and {recipe.encoders!r}."
        )
    columns = {"text": recipe.text, "label": recipe.label}
    splits = tfnlp.read_splits(recipe.train, columns, **recipe.options())
    print("| encoder | PyTorch, texts a second | `tfnlp.fit` | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name in names:
        text = {
            "vocabulary_size": recipe.vocabulary_size,
            "sequence_length": recipe.sequence_length,
        }
        if name == "bow":
            text = {
                "vocabulary_size": recipe.terms,
                "sequence_length": 1_000,
                "ngrams": 2,
            }
        task = tfnlp.Classification.from_rows(splits.train, **text)
        texts = len(splits.train)
        slow = texts / of_torch(recipe, name, task, splits.train)
        fast = texts / of_fit(recipe, name, task, splits)
        print(f"| {name} | {slow:,.0f} | {fast:,.0f} | {fast / slow:.2f} |", flush=True)


def of_torch(recipe: Recipe, name: str, task: tfnlp.Classification, rows: Any) -> float:
    """Seconds of an epoch of PyTorch."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(0)
    ids, labels = encoded(task, rows)
    peer = PEERS[name](len(task.text.vocabulary), len(task.labels))
    adams: list[torch.optim.Optimizer]
    if isinstance(peer, Bag):
        adams = [
            torch.optim.SparseAdam(peer.table.parameters(), lr=1e-3),
            torch.optim.Adam(peer.logits.parameters(), lr=1e-3),
        ]
    else:
        adams = [torch.optim.Adam(peer.parameters(), lr=1e-3)]
    took = []
    for _ in range(recipe.epochs):
        start = time.perf_counter()
        for batch in torch.randperm(len(ids)).split(recipe.batch_size):
            for adam in adams:
                adam.zero_grad()
            logits = peer([ids[row] for row in batch])
            nn.functional.cross_entropy(logits, labels[batch]).backward()
            for adam in adams:
                adam.step()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def encoded(task: tfnlp.Classification, rows: Any) -> tuple[Ids, torch.Tensor]:
    """The ids of all texts without padding, and their labels."""
    ids: Ids = []
    labels = []
    for features, y, _ in task.dataset(rows.batch(256)).as_numpy_iterator():
        lengths = features["padding_mask"].sum(axis=1)
        ids += [
            torch.from_numpy(np.ascontiguousarray(row[:length], "int64"))
            for row, length in zip(features["token_ids"], lengths, strict=True)
        ]
        labels.append(y)
    return ids, torch.from_numpy(np.concatenate(labels).astype("int64"))


def of_fit(
    recipe: Recipe, name: str, task: tfnlp.Classification, splits: tfnlp.Splits
) -> float:
    """Seconds of an epoch of `tfnlp.fit`."""
    clock = EpochSeconds()

    def build(hp: Any) -> keras.Model:
        encoder = getattr(tfnlp, name).encoder(len(task.text.vocabulary), **SIZES[name])
        return task.network(encoder, pooling="sqrt" if name == "bow" else "max")

    config = tfnlp.TrainConfig(
        epochs=recipe.epochs, batch_size=recipe.batch_size, patience=recipe.epochs
    )
    valid = splits.valid.take(recipe.batch_size)
    tfnlp.fit(task, build, splits.train, valid, config, callbacks=(clock,))
    return clock.fastest


if __name__ == "__main__":
    cli.run(main, Recipe)
