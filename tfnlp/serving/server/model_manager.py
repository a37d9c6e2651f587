"""The models of a server: which versions are there, loaded, labelled and on their way.

A thread looks at the folders and loads what is new beside what answers; only when a
new version is loaded and has answered its warm-up requests does it take over, and the
old one goes when its last request is answered. A version that cannot be loaded leaves
the others as they are. Knows nothing of HTTP and gRPC.
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
from tfnlp.serving.protocol.status import Refusal, invalid

LOG = logging.getLogger(__name__)
START, LOADING, AVAILABLE, UNLOADING, END = 10, 20, 30, 40, 50
"""States of a version, numbered as `ModelVersionStatus.State`."""
MOST_TRIES = 5
"""How often a version that could not be loaded is tried again, as in TF Serving."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """What is to be served under a name.

    Args:
        name: in requests.
        base: the folder of its versions.
        latest: how many of the newest are served, 0 for all of them.
        specific: versions that are served instead of the newest.
        labels: label → version.
    """

    name: str
    base: Path
    latest: int = 1
    specific: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def wanted(self) -> list[int]:
        """The versions that are there and shall be served."""
        there = versions(self.base)
        if self.specific:
            return [version for version in there if version in self.specific]
        return there[-self.latest :] if self.latest else there


class _Version(NamedTuple):
    """A version of a model, and how far it is."""

    loaded: Any = None
    state: int = START
    refusal: Refusal | None = None
    tries: int = 0
    tried: float = 0.0  # seconds, monotonic


class Models:
    """Serves versions of models, and looks for new ones while it `runs`.

    Args:
        wanted: what shall be served, asked anew each time; it may raise a TfnlpError.
        load: loads the folder of a version of a model.
        poll: seconds between two looks; 0 looks once.
        retry: seconds until a version that could not be loaded is tried again.
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[Model]],
        load: Callable[[str, int, Path], Any],
        *,
        poll: float = 1.0,
        retry: float = 60.0,
    ):
        self._wanted, self._load = wanted, load
        self._poll, self._retry = poll, retry
        self._models: dict[str, Model] = {}
        self._versions: dict[str, dict[int, _Version]] = {}
        self._given: Sequence[Model] | None = None
        self._looking = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Loads what is there, and looks for more from now on, if at all.

        Raises:
            TfnlpError: what shall be served cannot be.
        """
        self.look()
        if self._poll > 0:
            self._thread = threading.Thread(
                target=self._keep_looking, name="tfnlp-versions", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Looks no more. What is loaded still answers."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Loads versions that are new, and lets those go that are no longer wanted."""
        with self._looking:
            wanted = self._wanted() if self._given is None else self._given
            models = {model.name: model for model in wanted}
            self._models = {**self._models, **models}  # the old ones answer meanwhile
            for model in models.values():
                self._look_at(model)
            self._models = models
            for name in self._versions.keys() - models.keys():
                self._let_go(name, keep=[])

    def replace(self, models: Sequence[Model]) -> None:
        """Serves other models from now on; returns when they are loaded.

        Raises:
            Refusal: one has no version that can be loaded; the rest are served.
        """
        self._given = list(models)
        self.look()
        for model in models:
            if not self._available(model.name):
                raise Refusal(
                    "UNKNOWN",
                    f"{model.name} has no version in {model.base} that is available",
                )

    def find(self, name: str, *, version: int | None = None, label: str = "") -> Any:
        """What answers for a model: the version of a number or label, or the newest.

        Raises:
            Refusal: ``NOT_FOUND`` if it is not served, ``INVALID_ARGUMENT`` if there
                is no such label.
        """
        available = self._available(name)
        if label:
            model = self._models.get(name)
            if model is None or label not in model.labels:
                raise invalid(f"Unrecognized servable version label: {label}")
            version = model.labels[label]
        if version is None:
            if not available:
                raise Refusal(
                    "NOT_FOUND", f"Servable not found for request: Latest({name})"
                )
            version = max(available)
        if version not in available:
            raise Refusal(
                "NOT_FOUND",
                f"Servable not found for request: Specific({name}, {version})",
            )
        return available[version]

    def statuses(
        self, name: str, *, version: int | None = None, label: str = ""
    ) -> list[tuple[int, int, Refusal | None]]:
        """Version, state and what went wrong, the newest version first.

        Raises:
            Refusal: there is no such model or version.
        """
        if label:
            version = self.find(name, label=label).number
        known = self._versions.get(name, {})
        if version is not None and version not in known:
            raise Refusal(
                "NOT_FOUND", f"Could not find version {version} of model {name}"
            )
        if not known:
            raise Refusal("NOT_FOUND", f"Could not find any versions of model {name}")
        numbers = sorted(known, reverse=True) if version is None else [version]
        return [(n, known[n].state, known[n].refusal) for n in numbers]

    @property
    def ready(self) -> bool:
        """Whether every model has a version that answers."""
        return all(self._available(name) for name in self._models)

    @property
    def names(self) -> list[str]:
        """The models that are served."""
        return sorted(self._models)

    def _available(self, name: str) -> dict[int, Any]:
        known = self._versions.get(name, {})
        return {n: each.loaded for n, each in known.items() if each.state == AVAILABLE}

    def _set(self, name: str, number: int, version: _Version) -> None:
        """Replaces what is known whole: requests read it at any time."""
        self._versions[name] = {**self._versions.get(name, {}), number: version}

    def _keep_looking(self) -> None:
        while not self._ended.wait(self._poll):
            try:
                self.look()
            except (OSError, TfnlpError) as error:
                LOG.warning("versions are as they were: %s", error)

    def _look_at(self, model: Model) -> None:
        wanted = model.wanted()
        for number in wanted:
            each = self._versions.get(model.name, {}).get(number, _Version())
            if each.state != AVAILABLE and self._is_due(each):
                self._try(model, number, each.tries)
        available = self._available(model.name)
        if any(number in available for number in wanted):
            self._let_go(model.name, keep=wanted)
        # Otherwise what is loaded goes on: nothing better is there, or no disk.

    def _is_due(self, each: _Version) -> bool:
        waited = time.monotonic() - each.tried >= self._retry
        return not each.tries or (waited and each.tries <= MOST_TRIES)

    def _try(self, model: Model, number: int, tries: int) -> None:
        trying = _Version(None, LOADING, None, tries + 1, time.monotonic())
        self._set(model.name, number, trying)
        try:
            loaded = self._load(model.name, number, model.base / str(number))
        except Refusal as refusal:
            LOG.error("%s %d is not served: %s", model.name, number, refusal.message)
            trying = trying._replace(state=END, refusal=refusal)
        else:
            LOG.info("%s %d answers", model.name, number)
            trying = trying._replace(state=AVAILABLE, loaded=loaded)
        self._set(model.name, number, trying)

    def _let_go(self, name: str, *, keep: Collection[int]) -> None:
        """Forgets versions that answer no longer; a request that runs keeps its own."""
        gone = [number for number in self._available(name) if number not in keep]
        for number in gone:
            LOG.info("%s %d is let go", name, number)
            self._set(name, number, _Version(state=END))
        if gone:
            gc.collect()  # what a version held lies in cycles
