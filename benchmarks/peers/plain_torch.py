"""Plain PyTorch: a bidirectional LSTM of packed sequences, or a convolution."""

import re
import sys
from collections import Counter
from collections.abc import Iterator

import torch
from files import Split, run
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

SIZE, LENGTH, BATCH, PASSES = 30_000, 400, 64, 5
WORD = re.compile(r"\w+|[^\w\s]")
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Classifier(nn.Module):
    """Ids int64 [B, T] and lengths [B] → logits [B, C]."""

    def __init__(self, network: str, classes: int):
        super().__init__()
        self.table = nn.Embedding(SIZE, 128, padding_idx=0)
        self.lstm = self.windows = None
        if network == "rnn":
            self.lstm = nn.LSTM(128, 64, batch_first=True, bidirectional=True)
        else:
            self.windows = nn.ModuleList(
                nn.Conv1d(128, 64, width, padding="same") for width in (3, 4, 5)
            )
        self.dropout = nn.Dropout(0.5)
        self.logits = nn.Linear(128 if network == "rnn" else 192, classes)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Reads tokens and keeps the largest number of each feature."""
        vectors = self.dropout(self.table(ids))
        if self.lstm is not None:
            packed = pack_padded_sequence(
                vectors, lengths, batch_first=True, enforce_sorted=False
            )
            found, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        else:
            turned = vectors.transpose(1, 2)
            every = torch.cat([window(turned) for window in self.windows], dim=1)
            found = torch.relu(every).transpose(1, 2)
        pooled = found.masked_fill((ids == 0).unsqueeze(2), -1e9).amax(dim=1)
        return self.logits(self.dropout(pooled))


def learn(train: Split, valid: Split, test: Split, classes: int) -> list[int]:
    """See `files.run`; keeps the pass that is best on the validation split."""
    torch.set_num_threads(2)
    torch.manual_seed(0)
    counts = Counter(word for text in train.texts for word in words(text))
    numbers = {
        word: n for n, (word, _) in enumerate(counts.most_common(SIZE - 2), start=2)
    }
    splits = [(encoded(split, numbers), split.labels) for split in (train, valid, test)]
    model = Classifier(sys.argv[4], classes)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    best, answers = -1, []
    for _ in range(PASSES):
        model.train()
        for ids, lengths, gold in batches(*splits[0], shuffle=True):
            adam.zero_grad()
            nn.functional.cross_entropy(model(ids, lengths), gold).backward()
            adam.step()
        found = answer(model, splits[1])
        right = sum(a == b for a, b in zip(found, valid.labels, strict=True))
        if right > best:
            best, answers = right, answer(model, splits[2])
    return answers


def words(text: str) -> list[str]:
    """Words and marks in small letters."""
    return WORD.findall(text.lower())[:LENGTH]


def encoded(split: Split, numbers: dict[str, int]) -> list[torch.Tensor]:
    """The ids of each text; 1 is an unknown word."""
    return [
        torch.tensor([numbers.get(word, 1) for word in words(text)] or [1])
        for text in split.texts
    ]


def batches(
    ids: list[torch.Tensor], labels: list[int], *, shuffle: bool
) -> Iterator[Batch]:
    """Padded batches."""
    order = torch.randperm(len(ids)) if shuffle else torch.arange(len(ids))
    for rows in order.split(BATCH):
        some = [ids[row] for row in rows]
        lengths = torch.tensor([len(each) for each in some])
        gold = torch.tensor([labels[row] for row in rows])
        yield pad_sequence(some, batch_first=True), lengths, gold


@torch.no_grad()
def answer(model: Classifier, split: tuple[list[torch.Tensor], list[int]]) -> list[int]:
    """The number of the label of each text."""
    model.eval()
    found: list[int] = []
    for ids, lengths, _ in batches(*split, shuffle=False):
        found += model(ids, lengths).argmax(dim=1).tolist()
    return found


if __name__ == "__main__":
    run(learn, "cnn", "rnn")
