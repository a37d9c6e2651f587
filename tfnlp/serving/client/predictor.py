"""In-process prediction with an artefact: the graph that a server would run."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfnlp.layers
import tfnlp.networks  # noqa: F401  (Keras must know the layers of a network)
from tfnlp.errors import ArtefactError, RequestError, nearest
from tfnlp.export import format_number
from tfnlp.export.savedmodel.artefact import SIDE_FILES
from tfnlp.export.savedmodel.runner import SavedModelRunner
from tfnlp.export.savedmodel.versions import versions
from tfnlp.saving import from_json
from tfnlp.serving.client.requests import Fields
from tfnlp.serving.client.row_requests import RequestBuilder, Row
from tfnlp.serving.protocol.signatures import DEFAULT, assertion_message
from tfnlp.task import Arrays, Task
from tfnlp.text.optional_packages import register


def load(path: str | Path, *, classes: Iterable[type] = ()) -> "Predictor":
    """Loads an artefact: its newest version, or the version whose folder is given.

    Args:
        path: ``saved_models/NAME`` or ``saved_models/NAME/VERSION``.
        classes: task classes from outside tfnlp that it may need.

    Raises:
        ArtefactError: the folder is no artefact, a file of it is missing, or a newer
            version of tfnlp wrote it.
    """
    return Predictor(_version(Path(path)), classes=tuple(classes))


class Predictor:
    """Predicts with one version of an artefact.

    Args:
        folder: the folder of the version.
        classes: task classes from outside tfnlp.
    """

    def __init__(self, folder: Path, *, classes: tuple[type, ...] = ()):
        self.path, self._classes = folder, classes
        _check_files(folder)
        format_number.read(folder / SIDE_FILES)
        try:
            register(_task_file(folder).read_text("utf-8", "replace"))
            self._runner = SavedModelRunner(folder)
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise _broken(folder, error) from error
        self.definitions = definitions = self._runner.definitions
        if DEFAULT not in definitions:
            raise ArtefactError(
                f"An artefact has a signature {DEFAULT}. Received: {folder} "
                f"with {', '.join(definitions) or 'none'}."
            )
        self._builder = RequestBuilder(definitions, str(folder))

    @property
    def endpoints(self) -> dict[str, Fields]:
        """The fields of a request to each signature, those of `inputs` first."""
        return self._builder.endpoints

    @property
    def inputs(self) -> Fields:
        """The fields of a request to ``serving_default``, by name."""
        return self.endpoints[DEFAULT]

    @property
    def defaults(self) -> dict[str, dict[str, Any]]:
        """Default values of optional fields, per signature."""
        return self._builder.defaults

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
        """The Keras network, to fine-tune or inspect.

        Raises:
            ArtefactError: model.keras is missing or damaged.
        """
        file = self.path / SIDE_FILES / "model.keras"
        try:
            return keras.models.load_model(file)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise _broken(file, error) from error

    def forms(self, names: Collection[str] = ()) -> dict[str, Fields]:
        """Fields of a request per endpoint: the required ones, and those in `names`."""
        return self._builder.forms(names)

    def predict(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> list[dict[str, Any]]:
        """Predicts every row, in order.

        Args:
            rows: dictionaries with the fields of one of the `endpoints`, which is
                selected by them; plain strings if one field is enough. The
                field ``tokens`` may be a list of words.
            endpoint: signature to use, such as ``n_best``, where several accept a
                row; by default the first that does.

        Returns:
            One dictionary of plain Python values per row; lists carry no padding,
            and spans are dictionaries: see `tfnlp.serving.client.answers`.

        Raises:
            RequestError: a row lacks a field or has an unknown one, or a value has
                the wrong type.
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
        requests = self._builder.requests(
            rows, batch_size=batch_size, endpoint=endpoint
        )
        for name, request in requests:
            yield from self._builder.rows(name, self.run(name, request))

    def answer(self, columns: Mapping[str, Any]) -> Arrays:
        """Predicts a batch of columns: columns in, columns out.

        Runs the first of the `endpoints` whose fields are all present. Arrays have
        one order, whatever order the SavedModel has: by name, those with one value per
        row first. Rows of a list are padded with "" or 0.

        Raises:
            RequestError: a field is missing, or a value has the wrong type.
        """
        endpoint, request = self._builder.request(columns)
        return self._builder.ordered(endpoint, self.run(endpoint, request))

    def run(self, endpoint: str, request: Mapping[str, tf.Tensor]) -> Arrays:
        """Calls a signature: one tensor per field in, arrays out.

        Raises:
            RequestError: an assertion in the graph failed.
        """
        try:
            return self._runner.run(endpoint, request)
        except tf.errors.InvalidArgumentError as error:
            message = assertion_message(error.message)
            if not message:
                raise
            raise RequestError(message) from error


def _version(path: Path) -> Path:
    """Resolves a path to the folder of one version."""
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
    """The error for a file, or for a SavedModel in a folder, that cannot be read."""
    reason = str(getattr(error, "message", error)).strip().splitlines() or [""]
    return ArtefactError(
        f"{path} is damaged, lacks something or is of another version. "
        f"Received: {reason[0].rstrip('.')[:300]}. "
        "Copy the whole folder again, or export it again."
    )
