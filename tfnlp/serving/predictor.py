"""Asks an artefact in this process: the same graph that a server would run."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import ArtefactError, RequestError, nearest
from tfnlp.export.artefact import SIDE_FILES, versions
from tfnlp.saving import from_json
from tfnlp.task import Columns, Task

Row = Mapping[str, Any]


def load(path: str | Path, *, classes: Iterable[type] = ()) -> "Predictor":
    """Loads an artefact: its newest version, or the version whose folder is given.

    Args:
        path: ``saved_models/NAME`` or ``saved_models/NAME/VERSION``.
        classes: task classes from outside tfnlp that it may need.

    Raises:
        ArtefactError: the folder is no artefact, or a file of it is missing.
    """
    return Predictor(_version(Path(path)), classes=tuple(classes))


class Predictor:
    """Answers rows with one version of an artefact.

    Args:
        folder: the folder of the version.
        classes: task classes from outside tfnlp.
    """

    def __init__(self, folder: Path, *, classes: tuple[type, ...] = ()):
        self.path, self._classes = folder, classes
        _check_files(folder)
        try:
            self._model = tf.saved_model.load(str(folder))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ArtefactError(
                f"The SavedModel in {folder} cannot be loaded. Received: {error}. "
                "Export it again, or copy the whole folder again."
            ) from error
        if "serving_default" not in self._model.signatures:
            raise ArtefactError(
                f"An artefact has a signature serving_default. Received: {folder} "
                f"with {', '.join(self._model.signatures) or 'none'}."
            )
        self._serve = self._model.signatures["serving_default"]

    @property
    def inputs(self) -> dict[str, tf.TensorSpec]:
        """The fields of a request."""
        return dict(self._serve.structured_input_signature[1])

    @cached_property
    def task(self) -> Task:
        """The task, read from the artefact."""
        text = (self.path / SIDE_FILES / "task.json").read_text(encoding="utf-8")
        return from_json(text, classes=self._classes)

    @cached_property
    def network(self) -> keras.Model:
        """The Keras network, to train on or to look into."""
        return keras.models.load_model(self.path / SIDE_FILES / "model.keras")

    def predict(
        self, rows: Iterable[str | Row], *, batch_size: int = 256
    ) -> list[dict[str, Any]]:
        """Answers every row, in order.

        Args:
            rows: dictionaries with the fields of `inputs`; plain strings if there
                is one field only.

        Returns:
            One dictionary of plain Python values a row.

        Raises:
            RequestError: a row lacks a field or has one too many.
        """
        return list(self.stream(rows, batch_size=batch_size))

    def stream(
        self, rows: Iterable[str | Row], *, batch_size: int = 256
    ) -> Iterator[dict[str, Any]]:
        """Like `predict`, one batch at a time, for more rows than memory holds."""
        for batch in _cut(rows, batch_size):
            requests = [self._request(row) for row in batch]
            columns = {name: [row[name] for row in requests] for name in self.inputs}
            yield from _rows(self.answer(columns))

    def answer(self, columns: Mapping[str, Any]) -> Columns:
        """Answers many rows at once: columns in, columns out."""
        answers = self._serve(
            **{
                name: tf.constant(_encoded(columns[name]), dtype=spec.dtype)
                for name, spec in self.inputs.items()
            }
        )
        return {name: tensor.numpy() for name, tensor in answers.items()}

    def _request(self, row: str | Row) -> Row:
        fields = self.inputs
        if not isinstance(row, Mapping):
            row = {next(iter(fields)): row} if len(fields) == 1 else {}
        if set(row) != set(fields):
            odd = next(iter(set(row) - set(fields)), "")
            raise RequestError(
                f"A row must have exactly the fields {', '.join(fields)}. "
                f"Received: {', '.join(row) or 'none of them'}."
                f"{nearest(odd, fields)}"
            )
        return row


def _version(path: Path) -> Path:
    """The folder of one version, or what is wrong with the path."""
    if (path / "saved_model.pb").exists():
        return path
    numbers = versions(path)
    if numbers:
        return path / str(numbers[-1])
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise ArtefactError(
        "An artefact is a folder with a version, like saved_models/NAME/1. "
        f"Received: {path}, which "
        f"{'has none' if path.is_dir() else 'does not exist'}."
        f"{nearest(path.name, [s for s in siblings if s != path.name])}"
    )


def _check_files(folder: Path) -> None:
    needed = ("saved_model.pb", "variables/variables.index", f"{SIDE_FILES}/task.json")
    missing = [name for name in needed if not (folder / name).exists()]
    shards = list((folder / "variables").glob("variables.data-*"))
    if not shards:
        missing.append("variables/variables.data-00000-of-00001")
    if missing:
        raise ArtefactError(
            f"{folder} is not a complete artefact of tfnlp. "
            f"Missing: {', '.join(missing)}. "
            "Copy the whole folder again, or export it with tfnlp."
        )


def _cut(rows: Iterable, size: int) -> Iterator[list]:
    batch: list = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _encoded(values: Iterable[Any]) -> list[Any]:
    """Text as UTF-8; a lone surrogate becomes a question mark."""
    return [
        value.encode("utf-8", "replace") if isinstance(value, str) else value
        for value in values
    ]


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    values = {name: _plain(column) for name, column in columns.items()}
    for k in range(len(next(iter(values.values()), []))):
        yield {name: column[k] for name, column in values.items()}


def _plain(column: np.ndarray) -> list[Any]:
    """Nested lists of str, int and float."""
    if column.dtype == object:
        decode = np.vectorize(lambda b: b.decode("utf-8", "replace"), otypes=[object])
        column = decode(column) if column.size else column
    return column.tolist()
