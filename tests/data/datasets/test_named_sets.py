"""Named data sets: TensorFlow Datasets, and the built-in film reviews."""

import bz2
import hashlib
import subprocess
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfnlp.data.datasets.builtin import rotten_tomatoes
from tfnlp.data.readers import read, splits_of
from tfnlp.errors import DataError, SchemaError

COLUMNS = {"text": "sentence", "label": "label"}


class TinyFilms(tfds.core.GeneratorBasedBuilder):
    """A set of four rows, as TensorFlow Datasets would prepare it."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = None
    code_path = None

    def _info(self):
        features = {
            "sentence": tfds.features.Text(),
            "stars": tfds.features.Scalar(np.int64),
            "label": tfds.features.ClassLabel(names=["neg", "pos"]),
            "words": tfds.features.Sequence(tfds.features.Text()),
            "names": tfds.features.Sequence(
                tfds.features.ClassLabel(names=["O", "B-FILM"])
            ),
            "vector": tfds.features.Tensor(shape=(2,), dtype=np.float32),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(3),
            "validation": self._generate_examples(1),
        }

    def _generate_examples(self, count):
        for n in range(count):
            label = n % 2 if n < 2 else -1
            yield (
                n,
                {
                    "sentence": f"s{n}",
                    "stars": n,
                    "label": label,
                    "words": ["New York", "!"][:n],
                    "names": [1, 0][:n],
                    "vector": [0, 0],
                },
            )


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    TinyFilms(data_dir=str(tmp_path)).download_and_prepare()


def pairs(rows):
    return sorted((row["text"], row["label"]) for row in rows.as_numpy_iterator())


def test_classes_become_their_names(prepared):
    rows = read("tfds:tiny_films", COLUMNS)
    assert pairs(rows) == [(b"s0", b"neg"), (b"s1", b"pos"), (b"s2", b"")]


def test_numbers_become_strings_and_columns_can_be_joined(prepared):
    rows = read("tfds:tiny_films:train[:1]", {"text": "sentence+stars", "label": "3"})
    assert len(pairs(rows)) == 1


def test_words_and_their_tags_are_joined(prepared):
    rows = read("tfds:tiny_films", {"tokens": "words", "tags": "names"})
    found = {(row["tokens"], row["tags"]) for row in rows.as_numpy_iterator()}
    new_york = "New\N{NO-BREAK SPACE}York".encode()
    assert found == {(b"", b""), (new_york, b"B-FILM"), (new_york + b" !", b"B-FILM O")}


def test_splits_have_house_names(prepared):
    assert splits_of("tfds:tiny_films") == ("train", "valid")
    assert len(pairs(read("tfds:tiny_films", COLUMNS, split="valid"))) == 1


def test_chosen_split_is_the_only_one(prepared):
    assert splits_of("tfds:tiny_films:train") == ()


@pytest.mark.parametrize("source", ["tfds:tiny_films", "tfds:tiny_films:tst"])
def test_unknown_split_is_refused(prepared, source):
    with pytest.raises(DataError, match=r"has the splits train, valid\. Received"):
        read(source, COLUMNS, split="tst")


def test_unknown_column_is_refused(prepared):
    with pytest.raises(SchemaError, match="Did you mean 'sentence'"):
        read("tfds:tiny_films", {"text": "sentences"})


def test_column_of_vectors_is_refused(prepared):
    with pytest.raises(SchemaError, match="'vector', which is Tensor"):
        read("tfds:tiny_films", {"text": "vector"})


def test_unknown_set_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="Did you mean 'imdb_reviews'"):
        read("tfds:imdb_revews", COLUMNS)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A stand-in for the pinned wheel, with a hundred reviews of fifty films."""
    lines = ["category,text,movie_name,has_plot_and_reviews", "plot,story,film_0,True"]
    for n in range(100):
        lines.append(f"{('fresh', 'rotten')[n % 2]},review {n},film_{n % 50},True")
    folder = tmp_path / "downloads"
    folder.mkdir()
    path = folder / rotten_tomatoes.WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        content = bz2.compress("\n".join(lines).encode())
        archive.writestr(rotten_tomatoes.MEMBER, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(rotten_tomatoes, "SHA256", digest)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return path


REVIEWS = {"text": "text", "label": "label", "film": "film"}


def test_built_in_set_reads_without_a_word(wheel, capsys):
    rows = read("rotten_tomatoes", REVIEWS)
    assert {row["label"] for row in rows.as_numpy_iterator()} == {b"fresh", b"rotten"}
    assert capsys.readouterr().out == ""


def test_built_in_set_has_no_film_on_two_sides(wheel):
    splits = [
        {
            row["film"]
            for row in read("rotten_tomatoes", REVIEWS, split=name).as_numpy_iterator()
        }
        for name in splits_of("rotten_tomatoes")
    ]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 50


def test_plots_are_no_reviews(wheel):
    assert len(list(rotten_tomatoes.reviews(wheel))) == 100


def test_wheel_of_another_digest_is_deleted(wheel):
    wheel.write_bytes(b"something else")
    with pytest.raises(DataError, match="the file was deleted"):
        rotten_tomatoes.wheel_in(wheel.parent)
    assert not wheel.exists()


def test_failing_pip_is_told(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(DataError, match="pip failed with 'ERROR: No matching"):
        rotten_tomatoes.wheel_in(tmp_path)
