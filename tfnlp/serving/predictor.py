"""Asks an artefact in this process: the same graph that a server would run."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import tfnlp.layers
import tfnlp.networks  # noqa: F401  (Keras must know the layers of a network)
from tfnlp.errors import ArtefactError, RequestError, UsageError, nearest
from tfnlp.export.artefact import SIDE_FILES
from tfnlp.export.versions import versions
from tfnlp.saving import from_json
from tfnlp.serving import rows as plain_rows
from tfnlp.serving.requests import Fields, short, tensor
from tfnlp.task import Columns, Task
from tfnlp.text.operations import register

Row = Mapping[str, Any]
DEFAULT = "serving_default"


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
            register(_task_file(folder).read_text("utf-8", "replace"))
            self._model = tf.saved_model.load(str(folder))
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise _broken(folder, error) from error
        if DEFAULT not in self._model.signatures:
            raise ArtefactError(
                f"An artefact has a signature {DEFAULT}. Received: {folder} "
                f"with {', '.join(self._model.signatures) or 'none'}."
            )

    @cached_property
    def endpoints(self) -> dict[str, Fields]:
        """The fields of a request to each signature, those of `inputs` first."""
        signatures = self._model.signatures
        names = sorted(signatures, key=lambda name: (name != DEFAULT, name))
        return {
            name: dict(sorted(signatures[name].structured_input_signature[1].items()))
            for name in names
        }

    @property
    def inputs(self) -> Fields:
        """The fields of a request to ``serving_default``, by name."""
        return self.endpoints[DEFAULT]

    @cached_property
    def defaults(self) -> dict[str, dict[str, Any]]:
        """Of each signature, the fields that a request may leave out: their numbers."""
        saved = saved_model_pb2.SavedModel()
        saved.ParseFromString((self.path / "saved_model.pb").read_bytes())
        signatures = saved.meta_graphs[0].signature_def
        return {
            endpoint: {
                name: tf.make_ndarray(number).item()
                for name, number in signatures[endpoint].defaults.items()
            }
            for endpoint in self.endpoints
        }

    @cached_property
    def task(self) -> Task:
        """The task, read from the artefact.

        Raises:
            ArtefactError: task.json is damaged, or names a class that is unknown.
        """
        file = _task_file(self.path)
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

    def forms(self, names: Collection[str] = ()) -> dict[str, Fields]:
        """What a request to each endpoint has: what it needs, and what is named."""
        return {
            endpoint: {
                name: spec
                for name, spec in fields.items()
                if name in names or name in self._needed(endpoint)
            }
            for endpoint, fields in self.endpoints.items()
        }

    def predict(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> list[dict[str, Any]]:
        """Answers every row, in order.

        Args:
            rows: dictionaries with the fields of one of the `endpoints`, which is
                the one that answers; plain strings if it needs one field only. The
                field ``tokens`` may be a list of words.
            endpoint: the one to ask, such as ``n_best``, where several would take a
                row; by default the first that does.

        Returns:
            One dictionary of plain Python values a row; lists end where the row
            does, and spans are dictionaries: see `tfnlp.serving.rows`.

        Raises:
            RequestError: a row lacks a field or has one too many, or a value is of
                another type.
            UsageError: the batch size is below 1, or there is no such endpoint.

        Example:
        >>> load("saved_models/demo").predict(["A fine film."])  # doctest: +SKIP
        [{'label': 'fresh', 'score': 0.97, 'probabilities': [0.97, 0.03]}]
        """
        return list(self.stream(rows, batch_size=batch_size, endpoint=endpoint))

    def stream(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Like `predict`, one batch at a time, for more rows than memory holds."""
        if batch_size < 1:
            raise UsageError(f"batch_size must be 1 or more. Received: {batch_size}.")
        if isinstance(rows, str | bytes | Mapping):
            raise RequestError(
                "Rows come in a list, even a single one. "
                f"Received: {short(rows)} alone. Put it in brackets."
            )
        if endpoint is not None and endpoint not in self.endpoints:
            raise UsageError(
                f"{self.path} answers at {', '.join(self.endpoints)}. "
                f"Received: {endpoint!r}.{nearest(endpoint, list(self.endpoints))}"
            )
        chosen = self.endpoints if endpoint is None else (endpoint,)
        for batch in _cut(rows, batch_size):
            asked = [self._request(row, chosen) for row in batch]
            for name, group in groupby(asked, key=lambda each: each[0]):
                yield from self._rows(name, [row for _, row in group])

    def answer(self, columns: Mapping[str, Any]) -> Columns:
        """Answers many rows at once: columns in, columns out.

        The first of the `endpoints` answers whose fields are all there. Columns come
        in one order, whatever order the SavedModel has them in: by name, those with
        one value a row first. Rows of a list are filled up with "" or 0.

        Raises:
            RequestError: a field is missing, or a value is of another type.
        """
        for endpoint, fields in self.endpoints.items():
            if self._needed(endpoint) <= columns.keys():
                given = [len(columns[name]) for name in fields if name in columns]
                count = max(given, default=0)
                optional = self.defaults[endpoint].items()
                whole = {name: [value] * count for name, value in optional}
                return self._columns(endpoint, {**whole, **columns})
        raise self._wrong_fields(columns)

    def _needed(self, endpoint: str) -> set[str]:
        return self.endpoints[endpoint].keys() - self.defaults[endpoint].keys()

    def _columns(self, endpoint: str, columns: Mapping[str, Any]) -> Columns:
        fields = self.endpoints[endpoint]
        request = {n: tensor(n, columns[n], spec) for n, spec in fields.items()}
        try:
            answers = self._model.signatures[endpoint](**request)
        except tf.errors.InvalidArgumentError as error:
            raise _refused(error) from error
        ordered = sorted(answers, key=lambda name: (answers[name].shape.rank, name))
        return {name: answers[name].numpy() for name in ordered}

    def _rows(self, endpoint: str, requests: Sequence[Row]) -> Iterator[dict[str, Any]]:
        fields = self.endpoints[endpoint]
        columns = {name: [row[name] for row in requests] for name in fields}
        outputs = self._model.signatures[endpoint].structured_outputs
        lists = [
            name
            for name, spec in outputs.items()
            if spec.shape.rank > 1 and spec.shape[1] is None
        ]
        return plain_rows.rows(self._columns(endpoint, columns), lists)

    def _request(self, row: str | Row, chosen: Iterable[str]) -> tuple[str, Row]:
        """The endpoint out of those chosen that a row is for, and its fields."""
        if not isinstance(row, Mapping):
            endpoint = next(iter(chosen))
            needed = self._needed(endpoint)
            if len(needed) != 1:
                raise self._wrong_fields(row)
            return endpoint, {**self.defaults[endpoint], next(iter(needed)): row}
        for endpoint in chosen:
            fields = self.endpoints[endpoint].keys()
            if self._needed(endpoint) <= row.keys() <= fields:
                return endpoint, {**self.defaults[endpoint], **row}
        raise self._wrong_fields(row)

    def _wrong_fields(self, row: Any) -> RequestError:
        known = {name for fields in self.endpoints.values() for name in fields}
        names = [str(name) for name in row] if isinstance(row, Mapping) else []
        odd = next((name for name in names if name not in known), "")
        forms = "; or ".join(map(self._form, self.endpoints))
        return RequestError(
            f"A row must have exactly the fields {forms}. "
            f"Received: {', '.join(names) or short(row)}.{nearest(odd, known)}"
        )

    def _form(self, endpoint: str) -> str:
        """What a request to an endpoint has, and what it may have besides."""
        optional = ", ".join(self.defaults[endpoint])
        needed = [n for n in self.endpoints[endpoint] if n in self._needed(endpoint)]
        return ", ".join(needed) + (
            f" (and, if wanted, {optional})" if optional else ""
        )


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


def _task_file(folder: Path) -> Path:
    return folder / SIDE_FILES / "task.json"


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


def _refused(error: tf.errors.InvalidArgumentError) -> Exception:
    """What the graph says of a request; its own error, if it says nothing of one."""
    said = re.search(r"assertion failed: (\[.*\])", error.message)
    if said is None:
        return error
    words = said[1].replace("] [", " ").strip("[]")
    return RequestError(words.replace(" . ", ". "))


def _cut(rows: Iterable, size: int) -> Iterator[list]:
    batch: list = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
