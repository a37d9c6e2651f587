"""How fast texts become ids: the vectorizer against scikit-learn and plain Keras.

    python benchmarks/text.py --megabytes 10

All three look up the same vocabulary of words and bigrams, in batches of the same
texts, on one thread; passes take turns and the fastest counts. `CountVectorizer` is the
peer: it counts terms where the others number them. Megabytes are those of the raw
text. The table goes to standard output.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer

import tfnlp
from tfnlp import cli
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.recipes.reading import Reading

with quiet_start():
    import keras
    import tensorflow as tf

PEER = "scikit-learn CountVectorizer"
Encode = Callable[[list[str]], Any]


@dataclass(frozen=True, kw_only=True)
class Recipe(Reading):
    """Measures the throughput of vectorizers."""

    train: str = "rotten_tomatoes"  # file, tfds:NAME[:split] or built-in set
    text: str = "text"  # column: name, number from 1, or several joined with +
    megabytes: float = 5.0  # the texts are repeated up to this size
    vocabulary_size: int = 300_000  # entries of the vocabulary
    batch_size: int = 1024
    passes: int = 5  # the fastest counts
    threads: int = 1  # of TensorFlow; the peer has one


def main(recipe: Recipe) -> None:
    """Reads, learns the vocabulary, measures and prints."""
    tf.config.threading.set_intra_op_parallelism_threads(recipe.threads)
    tf.config.threading.set_inter_op_parallelism_threads(recipe.threads)
    columns = {"text": recipe.text}
    rows = tfnlp.read_splits(recipe.train, columns, **recipe.options()).train
    texts = [row.decode() for row in rows.map(_text).as_numpy_iterator()]
    vectorizer = tfnlp.Vectorizer.from_texts(
        texts, vocabulary_size=recipe.vocabulary_size, ngrams=2, sequence_length=1000
    )
    batches = list(repeated(texts, recipe.megabytes, batch_size=recipe.batch_size))
    speeds = megabytes_a_second(encoders(vectorizer), batches, passes=recipe.passes)
    print(table(speeds))


def repeated(
    texts: Sequence[str], megabytes: float, *, batch_size: int
) -> Iterator[list[str]]:
    """Batches of the texts, over and over, until there are enough bytes."""
    rest = megabytes * 1e6
    endless = itertools.cycle(texts)
    while rest > 0:
        batch = list(itertools.islice(endless, batch_size))
        rest -= _bytes(batch)
        yield batch


def encoders(vectorizer: tfnlp.Vectorizer) -> dict[str, Encode]:
    """Name → function of a batch of texts, all with one vocabulary."""
    terms = list(vectorizer.vocabulary.entries[2:])
    peer = CountVectorizer(
        vocabulary=terms, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b"
    )
    layer = keras.layers.TextVectorization(ngrams=2, vocabulary=terms)
    return {
        PEER: peer.transform,
        "keras.layers.TextVectorization": _in_graph(layer),
        "tfnlp.Vectorizer": _in_graph(vectorizer),
    }


def megabytes_a_second(
    encoders: dict[str, Encode], batches: Sequence[list[str]], *, passes: int
) -> dict[str, float]:
    """Name → speed of the fastest pass, after one batch to warm up.

    Passes take turns, so that what else the machine does slows all of them.
    """
    for encode in encoders.values():
        encode(batches[0])
    seconds = [
        [_seconds(encode, batches) for encode in encoders.values()]
        for _ in range(passes)
    ]
    fastest = map(min, zip(*seconds, strict=True))
    megabytes = sum(map(_bytes, batches)) / 1e6
    return {
        name: megabytes / took for name, took in zip(encoders, fastest, strict=True)
    }


def table(speeds: dict[str, float]) -> str:
    """Speeds as a Markdown table, with their ratio to the peer's."""
    lines = [
        f"| {name} | {speed:.2f} | {speed / speeds[PEER]:.2f} |"
        for name, speed in speeds.items()
    ]
    head = ["| words and bigrams to ids | MB/s | ratio |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines])


def _in_graph(encode: Encode) -> Encode:
    return tf.function(encode, input_signature=[tf.TensorSpec([None], tf.string)])


def _seconds(encode: Encode, batches: Sequence[list[str]]) -> float:
    start = time.perf_counter()
    for batch in batches:
        encode(batch)
    return time.perf_counter() - start


def _bytes(batch: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in batch)


def _text(row: dict[str, tf.Tensor]) -> tf.Tensor:
    return row["text"]


if __name__ == "__main__":
    cli.run(main, Recipe)
