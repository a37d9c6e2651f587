"""How many words a second train: `tfnlp.fit` against PyTorch, the same tagger.

    pip install -r benchmarks/requirements.txt
    python benchmarks/tagging.py --train train.txt --epochs 3

Both train a BiLSTM-CRF on vectors of words and a convolution over their characters,
encoded alike, with Adam and a clipped gradient. The peer is written as PyTorch's users
write it: shuffled batches, packed sequences, and a CRF that goes forward word by word
over [B, C, C], as in torchcrf. It is measured a second time on the batches of `fit`,
which hold sentences of one length. Both get all cores. The first epoch is not
counted, the fastest of the others is. Without a file, sentences are made up of random
words. The table goes to standard output.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tfnlp
from tfnlp import cli, recipes
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import UsageError

with quiet_start():
    import keras
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    from training import EpochSeconds

    from tfnlp.data.batching import batches
    from tfnlp.data.rows import from_list
    from tfnlp.specs import check_rows
    from tfnlp.training.fit import counted

PEER = "PyTorch, shuffled batches, packed"
SORTED = "PyTorch, batches of `fit`, packed"


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.Tagging):
    """Measures the words a second of an epoch."""

    train: str = ""  # file of tagged sentences; default: made-up ones
    training: tfnlp.TrainConfig = field(
        default_factory=lambda: tfnlp.TrainConfig(
            epochs=3,  # the first is not counted
            patience=1_000,
            batch_size=32,
            learning_rate=2e-3,
            global_clipnorm=5.0,
        )
    )
    threads: int = field(default=2, metadata={"help": "of PyTorch"})

    def read_splits(self) -> tfnlp.Splits:
        """The rows of a file, or made-up ones."""
        if self.train:
            return super().read_splits()
        rows = from_list(list(sentences()))
        return tfnlp.Splits(rows, rows, rows)


def sentences(count: int = 4_000) -> Iterator[dict[str, str]]:
    """Sentences as long as those of the news, of words as frequent as in language."""
    dice = np.random.default_rng(0)
    for _ in range(count):
        length = int(dice.gamma(1.7, 8.5)) + 1
        words = dice.zipf(1.2, length) % 20_000
        tags = dice.choice(
            ["O", "B-PER", "B-LOC", "B-ORG"], length, p=[0.82] + [0.06] * 3
        )
        yield {"tokens": " ".join(f"w{w}" for w in words), "tags": " ".join(tags)}


class Peer(nn.Module):
    """Features of words → emissions, and the loss of a CRF on them."""

    def __init__(self, sizes: Mapping[str, int], tags: int, recipe: Recipe):
        super().__init__()
        word_dim = recipe.embedding_dim or 100
        letters, filters = recipe.character_dim, recipe.character_filters
        self.words = nn.Embedding(sizes["token_ids"], word_dim, padding_idx=0)
        self.letters = nn.Embedding(sizes["character_ids"], letters, padding_idx=0)
        self.casing = nn.Embedding(sizes["casing_ids"], 8, padding_idx=0)
        self.window = nn.Conv1d(letters, filters, 3, padding=1)
        self.lstm = nn.LSTM(
            word_dim + filters + 8,
            recipe.encoder_options.hidden_dim // 2,
            batch_first=True,
            bidirectional=True,
        )
        self.dropout = nn.Dropout(recipe.dropout)
        self.logits = nn.Linear(recipe.encoder_options.hidden_dim, tags)
        self.pairs = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def forward(self, features: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Emissions [B, T, C]."""
        lengths = features["padding_mask"].sum(1)
        vectors = self.dropout(
            torch.cat(
                [
                    self.words(features["token_ids"]),
                    self._read(features["character_ids"]),
                    self.casing(features["casing_ids"]),
                ],
                dim=-1,
            )
        )
        packed = pack_padded_sequence(
            vectors, lengths, batch_first=True, enforce_sorted=False
        )
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.logits(self.dropout(hidden))

    def _read(self, letters: torch.Tensor) -> torch.Tensor:
        """The strongest answer of each filter to a word's letters: [B, T, F]."""
        rows, words, length = letters.shape
        vectors = self.letters(letters.reshape(-1, length)).transpose(1, 2)
        found = torch.relu(self.window(vectors)).amax(dim=2)
        return found.reshape(rows, words, -1)

    def loss(
        self, emissions: torch.Tensor, tags: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """The negative log-likelihood of all tags of a batch, by word."""
        likelihood = self._of_tags(emissions, tags, mask) - self._of_all(
            emissions, mask
        )
        return -likelihood.sum() / mask.sum()

    def _of_tags(
        self, emissions: torch.Tensor, tags: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """The score of the gold tags: [B]."""
        each = emissions.gather(2, tags.unsqueeze(2)).squeeze(2) * mask
        pairs = self.pairs[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]
        last = tags.gather(1, mask.sum(1, keepdim=True).long() - 1).squeeze(1)
        return each.sum(1) + pairs.sum(1) + self.start[tags[:, 0]] + self.end[last]

    def _of_all(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The log of the sum over all paths, word by word: [B]."""
        score = self.start + emissions[:, 0]
        for place in range(1, emissions.shape[1]):
            further = score.unsqueeze(2) + self.pairs + emissions[:, place].unsqueeze(1)
            further = torch.logsumexp(further, dim=1)
            score = torch.where(mask[:, place].unsqueeze(1) > 0, further, score)
        return torch.logsumexp(score + self.end, dim=1)


def main(recipe: Recipe) -> None:
    """Reads, trains twice and prints.

    Raises:
        UsageError: there is no epoch to count.
    """
    config = recipe.training
    if config.epochs < 2:
        raise UsageError(
            "--training.epochs is 2 or more, since the first is not counted. "
            f"Received: {config.epochs}."
        )
    recipe = recipe.resolved()
    splits = recipe.read_splits()
    task = recipe.learn_task(splits.train)
    words = sum(len(row["tokens"].split()) for row in splits.train.as_numpy_iterator())
    seconds = {
        PEER: of_torch(recipe, task, splits, config, bucket=False),
        SORTED: of_torch(recipe, task, splits, config, bucket=True),
        "tfnlp.fit": of_fit(recipe, task, splits, config),
    }
    print(table({name: words / value for name, value in seconds.items()}))


def of_torch(
    recipe: Recipe,
    task: tfnlp.Tagging,
    splits: tfnlp.Splits,
    config: Any,
    *,
    bucket: bool,
) -> float:
    """Seconds of an epoch of PyTorch, on batches that tfnlp encodes.

    Args:
        bucket: whether sentences of one length come together, as in `fit`.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(config.seed)
    peer = Peer(task.words.sizes, len(task.tags), recipe)
    adam = torch.optim.Adam(peer.parameters(), lr=config.learning_rate)
    rows = check_rows(counted(splits.train), {**task.inputs, **task.targets})
    shuffled = batches(
        rows, batch_size=config.batch_size, fields=("tokens",), bucket=bucket
    )
    encoded = task.dataset(shuffled).prefetch(2)
    took = []
    for _ in range(config.epochs):
        start = time.perf_counter()
        for features, y, _ in encoded.as_numpy_iterator():
            tensors = {k: torch.tensor(v).long() for k, v in features.items()}
            tags = torch.tensor(y).long()
            mask = (tags >= 0).float()
            adam.zero_grad()
            peer.loss(peer(tensors), tags.clamp(min=0), mask).backward()
            nn.utils.clip_grad_norm_(peer.parameters(), config.global_clipnorm)
            adam.step()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def of_fit(
    recipe: Recipe, task: tfnlp.Tagging, splits: tfnlp.Splits, config: Any
) -> float:
    """Seconds of an epoch of `tfnlp.fit`."""
    clock = EpochSeconds()

    def build(hp: Any) -> keras.Model:
        inputs = recipe.inputs(task, recipes.StartValues())
        encoder = recipe.encode(inputs, hp, dropout=recipe.dropout)
        return task.network(encoder, dropout=recipe.dropout)

    valid = splits.valid.take(config.batch_size)
    tfnlp.fit(task, build, splits.train, valid, config, callbacks=(clock,))
    return clock.fastest


def table(speeds: dict[str, float]) -> str:
    """Words a second as a Markdown table, with their ratio to the peer's."""
    lines = [
        f"| {name} | {speed:,.0f} | {speed / speeds[PEER]:.2f} |"
        for name, speed in speeds.items()
    ]
    head = ["| BiLSTM-CRF | words a second | ratio |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    cli.run(main, Recipe)
