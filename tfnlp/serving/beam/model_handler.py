"""Artefacts for `RunInference` of Apache Beam: the answers of `Predictor`, batched.

Needs Apache Beam, the extra `beam`. Knows no files and no runner::

    rows | RunInference(ArtefactHandler("saved_models/demo"))

Every process of a runner loads the artefact once, whatever the number of its threads
and of pipelines that run in it one after the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apache_beam.ml.inference.base import (  # type: ignore[import-not-found, unused-ignore]
    ModelHandler,
)
from apache_beam.utils.shared import (  # type: ignore[import-not-found, unused-ignore]
    Shared,
)

from tfnlp.errors import RequestError
from tfnlp.serving.client.predictor import Predictor, load

Row = Mapping[str, Any]


class Refused(NamedTuple):
    """What stands where an answer would, for a row that an artefact cannot answer."""

    reason: str


class ArtefactHandler(ModelHandler):
    """Answers rows with an artefact; what a row is, see `Predictor.predict`.

    Args:
        artefact: ``saved_models/NAME/VERSION``, where every worker has it; the newest
            version of ``saved_models/NAME`` is looked for by each of them.
        batch_size: rows answered at once, at most.
        endpoint: the one to ask; see `Predictor.predict`.

    Example:
    >>> handler = ArtefactHandler("saved_models/demo/1", batch_size=64)
    >>> handler.batch_elements_kwargs()
    {'min_batch_size': 64, 'max_batch_size': 64}
    """

    def __init__(
        self,
        artefact: str | Path,
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ):
        super().__init__(min_batch_size=batch_size, max_batch_size=batch_size)
        self._artefact, self._endpoint = str(artefact), endpoint
        self._batch_size = batch_size
        self._shared = Shared()  # Beam's own lasts for one pipeline

    def load_model(self) -> Predictor:
        """The artefact, loaded once in a process.

        Raises:
            ArtefactError: the folder is no artefact, or a file of it is missing.
        """
        return self._shared.acquire(lambda: load(self._artefact), tag=self._artefact)

    def run_inference(
        self,
        batch: Sequence[Row],
        model: Predictor,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[dict[str, Any] | Refused]:
        """Answers a batch, in order; a row that has no answer spoils no other's."""
        try:
            return self._answers(batch, model)
        except RequestError:
            return list(self._one_by_one(batch, model))

    def get_metrics_namespace(self) -> str:
        """What Beam's counters of batches and seconds are called by."""
        return "tfnlp"

    def _answers(self, batch: Sequence[Row], model: Predictor) -> list[dict[str, Any]]:
        return model.predict(
            batch, batch_size=self._batch_size, endpoint=self._endpoint
        )

    def _one_by_one(
        self, batch: Sequence[Row], model: Predictor
    ) -> Iterator[dict[str, Any] | Refused]:
        for row in batch:
            try:
                yield from self._answers([row], model)
            except RequestError as error:
                yield Refused(str(error))
