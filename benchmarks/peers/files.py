"""What every peer begins and ends with: three files, and one line of JSON."""

import csv
import json
import sys
from collections.abc import Callable
from typing import NamedTuple


class Split(NamedTuple):
    """Texts and the numbers of their labels."""

    texts: list[str]
    labels: list[int]


def run(learn: Callable[[Split, Split, Split, int], list[int]], *names: str) -> None:
    """Trains on files with the columns text and label, and prints the accuracy.

    Args:
        learn: train, valid and test split and the number of classes → the number of
            the label of each test text.
        names: of the networks that the script knows; one is its last argument.
    """
    if len(sys.argv) != 4 + bool(names) or (names and sys.argv[4] not in names):
        network = f" {'|'.join(names)}" if names else ""
        sys.exit(f"usage: {sys.argv[0]} train.csv valid.csv test.csv{network}")
    csv.field_size_limit(sys.maxsize)
    classes: dict[str, int] = {}
    train, valid, test = (read(path, classes) for path in sys.argv[1:4])
    found = learn(train, valid, test, len(classes))
    right = sum(a == b for a, b in zip(found, test.labels, strict=True))
    print(json.dumps({"accuracy": round(right / len(test.labels), 4)}))


def read(path: str, classes: dict[str, int]) -> Split:
    """Reads a file; labels are numbered in the order in which they come."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [classes.setdefault(row["label"], len(classes)) for row in rows]
    return Split([row["text"] for row in rows], labels)
