"""Asks an artefact in this process: the same graph that a server would run."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfnlp.layers
import tfnlp.networks  # noqa: F401  (Keras must know the layers of a network)
from tfnlp.errors import ArtefactError, RequestError, nearest
from tfnlp.export.savedmodel.artefact import SIDE_FILES
from tfnlp.export.savedmodel.versions import versions
from tfnlp.saving import from_json
from tfnlp.serving.client.requests import Fields
from tfnlp.serving.client.row_requests import Asking, Row
from tfnlp.serving.protocol.signatures import DEFAULT, asserted, read_definitions
from tfnlp.task import Columns, Task
from tfnlp.text.optional_packages import register


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
            self.definitions = definitions = read_definitions(folder)
            self._model = tf.saved_model.load(str(folder))
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise _broken(folder, error) from error
        if DEFAULT not in definitions:
            raise ArtefactError(
                f"An artefact has a signature {DEFAULT}. Received: {folder} "
                f"with {', '.join(definitions) or 'none'}."
            )
        self._asking = Asking(definitions, str(folder))

    @property
    def endpoints(self) -> dict[str, Fields]:
        """The fields of a request to each signature, those of `inputs` first."""
        return self._asking.endpoints

    @property
    def inputs(self) -> Fields:
        """The fields of a request to ``serving_default``, by name."""
        return self.endpoints[DEFAULT]

    @property
    def defaults(self) -> dict[str, dict[str, Any]]:
        """Of each signature, the fields that a request may leave out: their numbers."""
        return self._asking.defaults

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
        return self._asking.forms(names)

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
            does, and spans are dictionaries: see `tfnlp.serving.client.answers`.

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
        requests = self._asking.requests(rows, batch_size=batch_size, endpoint=endpoint)
        for name, request in requests:
            yield from self._asking.rows(name, self.ask(name, request))

    def answer(self, columns: Mapping[str, Any]) -> Columns:
        """Answers many rows at once: columns in, columns out.

        The first of the `endpoints` answers whose fields are all there. Columns come
        in one order, whatever order the SavedModel has them in: by name, those with
        one value a row first. Rows of a list are filled up with "" or 0.

        Raises:
            RequestError: a field is missing, or a value is of another type.
        """
        endpoint, request = self._asking.request(columns)
        return self._asking.ordered(endpoint, self.ask(endpoint, request))

    def ask(self, endpoint: str, request: Mapping[str, tf.Tensor]) -> Columns:
        """Answers one request to an endpoint: a tensor a field in, arrays out.

        Raises:
            RequestError: the graph says no.
        """
        try:
            answers = self._model.signatures[endpoint](**request)
        except tf.errors.InvalidArgumentError as error:
            said = asserted(error.message)
            if not said:
                raise
            raise RequestError(said) from error
        return {name: answers[name].numpy() for name in answers}


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
