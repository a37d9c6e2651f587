"""Asks an artefact in this process: the same graph that a server would run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfnlp.layers  # noqa: F401  (Keras must know the layers of a network)
from tfnlp.errors import ArtefactError, RequestError, UsageError, nearest
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
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise _broken(folder, error) from error
        if "serving_default" not in self._model.signatures:
            raise ArtefactError(
                f"An artefact has a signature serving_default. Received: {folder} "
                f"with {', '.join(self._model.signatures) or 'none'}."
            )
        self._serve = self._model.signatures["serving_default"]

    @property
    def inputs(self) -> dict[str, tf.TensorSpec]:
        """The fields of a request, by name."""
        return dict(sorted(self._serve.structured_input_signature[1].items()))

    @cached_property
    def task(self) -> Task:
        """The task, read from the artefact.

        Raises:
            ArtefactError: task.json is damaged, or names a class that is unknown.
        """
        file = self.path / SIDE_FILES / "task.json"
        try:
            return from_json(file.read_text("utf-8"), classes=self._classes)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise _broken(file, error) from error

    @cached_property
    def network(self) -> keras.Model:
        """The Keras network, to train on or to look into.

        Raises:
            ArtefactError: model.keras is missing or damaged.
        """
        file = self.path / SIDE_FILES / "model.keras"
        try:
            return keras.models.load_model(file)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise _broken(file, error) from error

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
            RequestError: a row lacks a field or has one too many, or a value is of
                another type.
            UsageError: the batch size is below 1.

        Example:
        >>> load("saved_models/demo").predict(["A fine film."])  # doctest: +SKIP
        [{'label': 'fresh', 'score': 0.97, 'probabilities': [0.97, 0.03]}]
        """
        return list(self.stream(rows, batch_size=batch_size))

    def stream(
        self, rows: Iterable[str | Row], *, batch_size: int = 256
    ) -> Iterator[dict[str, Any]]:
        """Like `predict`, one batch at a time, for more rows than memory holds."""
        if batch_size < 1:
            raise UsageError(f"batch_size must be 1 or more. Received: {batch_size}.")
        if isinstance(rows, str | bytes | Mapping):
            raise RequestError(
                "Rows come in a list, even a single one. "
                f"Received: {_short(rows)} alone. Put it in brackets."
            )
        for batch in _cut(rows, batch_size):
            requests = [self._request(row) for row in batch]
            columns = {name: [row[name] for row in requests] for name in self.inputs}
            yield from _rows(self.answer(columns))

    def answer(self, columns: Mapping[str, Any]) -> Columns:
        """Answers many rows at once: columns in, columns out.

        Columns come in one order, whatever order the SavedModel has them in: by
        name, those with one value a row first.

        Raises:
            RequestError: a value is of another type than its field.
        """
        answers = self._serve(
            **{
                name: _tensor(name, columns[name], spec)
                for name, spec in self.inputs.items()
            }
        )
        ordered = sorted(answers, key=lambda name: (answers[name].shape.rank, name))
        return {name: answers[name].numpy() for name in ordered}

    def _request(self, row: str | Row) -> Row:
        fields = self.inputs
        if not isinstance(row, Mapping) and len(fields) == 1:
            return {next(iter(fields)): row}
        names = [str(name) for name in row] if isinstance(row, Mapping) else []
        if not isinstance(row, Mapping) or set(names) != set(fields):
            odd = next((name for name in names if name not in fields), "")
            raise RequestError(
                f"A row must have exactly the fields {', '.join(fields)}. "
                f"Received: {', '.join(names) or _short(row)}.{nearest(odd, fields)}"
            )
        return row


def _version(path: Path) -> Path:
    """The folder of one version, or what is wrong with the path."""
    numbers = versions(path)
    if numbers:
        return path / str(numbers[-1])
    if path.is_dir() and (path.name.isdecimal() or (path / "saved_model.pb").exists()):
        return path
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


def _broken(path: Path, error: Exception) -> ArtefactError:
    """What is said of a file, or of the SavedModel in a folder, that cannot be read."""
    reason = str(getattr(error, "message", error)).strip().splitlines() or [""]
    return ArtefactError(
        f"{path} is damaged, lacks something or is of another version. "
        f"Received: {reason[0].rstrip('.')[:300]}. "
        "Copy the whole folder again, or export it again."
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


def _tensor(name: str, values: Sequence[Any], spec: tf.TensorSpec) -> tf.Tensor:
    """A column as the signature takes it; text is text, and a number is none."""
    try:
        tensor = tf.constant(_encoded(values), dtype=spec.dtype)
    except (TypeError, ValueError) as error:
        raise _wrong_type(name, values, spec) from error
    if not spec.shape.is_compatible_with(tensor.shape):
        raise _wrong_type(name, values, spec)
    return tensor


def _wrong_type(name: str, values: Sequence[Any], spec: tf.TensorSpec) -> RequestError:
    kinds = (str, bytes) if spec.dtype == tf.string else (int, float)
    odd = next((value for value in values if not isinstance(value, kinds)), values)
    wanted = "text" if spec.dtype == tf.string else "numbers"
    return RequestError(f"The field {name!r} holds {wanted}. Received: {_short(odd)}.")


def _short(value: Any) -> str:
    """A value as Python writes it, cut to what fits into a message."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


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
