"""Model manager: loads, labels, replaces and unloads the versions of models.

A thread polls the folders and loads new versions next to the served ones. A new version
takes over when it is loaded and has answered its warm-up requests; the old one is
unloaded after its last request. A version that fails to load leaves the others as they
are. Knows nothing of HTTP and gRPC.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tfnlp.errors import TfnlpError
from tfnlp.export.savedmodel.versions import versions
from tfnlp.serving.protocol.status import StatusError, invalid

LOG = logging.getLogger(__name__)
START, LOADING, AVAILABLE, UNLOADING, END = 10, 20, 30, 40, 50
"""States of a version, numbered as `ModelVersionStatus.State`."""
MAX_RETRIES = 5
"""Retries of a version that failed to load, as in TF Serving."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Configuration of one served model: folder, version policy and labels.

    Args:
        name: in requests.
        base: the folder of its versions.
        latest: number of newest versions to serve; 0 serves all.
        specific: versions to serve instead of the newest.
        labels: version label → version.
    """

    name: str
    base: Path
    latest: int = 1
    specific: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def wanted(self) -> list[int]:
        """The existing versions that the policy selects."""
        there = versions(self.base)
        if self.specific:
            return [version for version in there if version in self.specific]
        return there[-self.latest :] if self.latest else there


class _Version(NamedTuple):
    """A version of a model and its loading state."""

    loaded: Any = None
    state: int = START
    error: StatusError | None = None
    tries: int = 0
    tried: float = 0.0  # seconds, monotonic


class ModelManager:
    """Loads the configured versions of models and polls for new ones.

    Args:
        wanted: returns the configured models; called at every poll, may raise a
            TfnlpError.
        load: loads the folder of a version of a model.
        poll: poll interval in seconds; 0 looks once.
        retry: seconds until a version that failed to load is retried.
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[ModelConfig]],
        load: Callable[[str, int, Path], Any],
        *,
        poll: float = 1.0,
        retry: float = 60.0,
    ):
        self._wanted, self._load = wanted, load
        self._poll, self._retry = poll, retry
        self._models: dict[str, ModelConfig] = {}
        self._versions: dict[str, dict[int, _Version]] = {}
        self._given: Sequence[ModelConfig] | None = None
        self._looking = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Loads the current versions and starts polling.

        Raises:
            TfnlpError: the configuration is invalid.
        """
        self.look()
        if self._poll > 0:
            self._thread = threading.Thread(
                target=self._poll_versions, name="tfnlp-versions", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stops polling. Loaded versions still answer."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Polls once: loads new versions and unloads those no longer configured."""
        with self._looking:
            wanted = self._wanted() if self._given is None else self._given
            models = {model.name: model for model in wanted}
            self._models = {**self._models, **models}  # the old ones keep answering
            for model in models.values():
                self._update(model)
            self._models = models
            for name in self._versions.keys() - models.keys():
                self._unload(name, keep=[])

    def replace(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the configured models; returns when they are loaded.

        Raises:
            StatusError: one has no loadable version; the others are served.
        """
        self._given = list(models)
        self.look()
        for model in models:
            if not self._available(model.name):
                raise StatusError(
                    "UNKNOWN",
                    f"{model.name} has no version in {model.base} that is available",
                )

    def find(self, name: str, *, version: int | None = None, label: str = "") -> Any:
        """Finds the loaded version of a number or label, by default the newest.

        Raises:
            StatusError: ``NOT_FOUND`` if it is not served, ``INVALID_ARGUMENT`` if
                there is no such label.
        """
        available = self._available(name)
        if label:
            model = self._models.get(name)
            if model is None or label not in model.labels:
                raise invalid(f"Unrecognized servable version label: {label}")
            version = model.labels[label]
        if version is None:
            if not available:
                raise StatusError(
                    "NOT_FOUND", f"Servable not found for request: Latest({name})"
                )
            version = max(available)
        if version not in available:
            raise StatusError(
                "NOT_FOUND",
                f"Servable not found for request: Specific({name}, {version})",
            )
        return available[version]

    def statuses(
        self, name: str, *, version: int | None = None, label: str = ""
    ) -> list[tuple[int, int, StatusError | None]]:
        """Version, state and load error, the newest version first.

        Raises:
            StatusError: there is no such model or version.
        """
        if label:
            version = self.find(name, label=label).number
        known = self._versions.get(name, {})
        if version is not None and version not in known:
            raise StatusError(
                "NOT_FOUND", f"Could not find version {version} of model {name}"
            )
        if not known:
            raise StatusError(
                "NOT_FOUND", f"Could not find any versions of model {name}"
            )
        numbers = sorted(known, reverse=True) if version is None else [version]
        return [(n, known[n].state, known[n].error) for n in numbers]

    @property
    def ready(self) -> bool:
        """Whether every model has an available version."""
        return all(self._available(name) for name in self._models)

    @property
    def names(self) -> list[str]:
        """Names of the served models."""
        return sorted(self._models)

    def _available(self, name: str) -> dict[int, Any]:
        known = self._versions.get(name, {})
        return {n: each.loaded for n, each in known.items() if each.state == AVAILABLE}

    def _set(self, name: str, number: int, version: _Version) -> None:
        """Replaces the state atomically: requests read it at any time."""
        self._versions[name] = {**self._versions.get(name, {}), number: version}

    def _poll_versions(self) -> None:
        while not self._ended.wait(self._poll):
            try:
                self.look()
            except (OSError, TfnlpError) as error:
                LOG.warning("polling for versions failed: %s", error)

    def _update(self, model: ModelConfig) -> None:
        wanted = model.wanted()
        for number in wanted:
            each = self._versions.get(model.name, {}).get(number, _Version())
            if each.state != AVAILABLE and self._is_due(each):
                self._try(model, number, each.tries)
        available = self._available(model.name)
        if any(number in available for number in wanted):
            self._unload(model.name, keep=wanted)
        # Otherwise loaded versions stay: no new one is available, or the disk is away.

    def _is_due(self, each: _Version) -> bool:
        waited = time.monotonic() - each.tried >= self._retry
        return not each.tries or (waited and each.tries <= MAX_RETRIES)

    def _try(self, model: ModelConfig, number: int, tries: int) -> None:
        trying = _Version(None, LOADING, None, tries + 1, time.monotonic())
        self._set(model.name, number, trying)
        try:
            loaded = self._load(model.name, number, model.base / str(number))
        except StatusError as error:
            LOG.error("%s %d failed to load: %s", model.name, number, error.message)
            trying = trying._replace(state=END, error=error)
        else:
            LOG.info("%s %d is available", model.name, number)
            trying = trying._replace(state=AVAILABLE, loaded=loaded)
        self._set(model.name, number, trying)

    def _unload(self, name: str, *, keep: Collection[int]) -> None:
        """Unloads versions; a running request keeps its own alive."""
        gone = [number for number in self._available(name) if number not in keep]
        for number in gone:
            LOG.info("%s %d is unloaded", name, number)
            self._set(name, number, _Version(state=END))
        if gone:
            gc.collect()  # versions are held by reference cycles
