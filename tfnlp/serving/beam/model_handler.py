"""Apache Beam model handler: `RunInference` with the answers of `Predictor`.

Needs Apache Beam, the extra `beam`. Knows no files and no runner::

    rows | RunInference(ArtefactHandler("saved_models/demo"))

Every process of a runner loads the artefact once, for all of its threads and for all
pipelines that it runs.
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


class Rejected(NamedTuple):
    """The result for a row that an artefact cannot answer."""

    reason: str


class ArtefactHandler(ModelHandler):
    """Runs an artefact on rows; see `Predictor.predict` for what a row is.

    Args:
        artefact: ``saved_models/NAME/VERSION`` on every worker; for
            ``saved_models/NAME`` each worker looks for the newest version.
        batch_size: maximum number of rows per call.
        endpoint: signature to use; see `Predictor.predict`.

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
        self._shared = Shared()  # the handle of Beam itself lasts for one pipeline

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
    ) -> Iterable[dict[str, Any] | Rejected]:
        """Predicts a batch, in order; invalid rows do not affect the others."""
        try:
            return self._answers(batch, model)
        except RequestError:
            return list(self._one_by_one(batch, model))

    def get_metrics_namespace(self) -> str:
        """Namespace of Beam's counters of batches and seconds."""
        return "tfnlp"

    def _answers(self, batch: Sequence[Row], model: Predictor) -> list[dict[str, Any]]:
        return model.predict(
            batch, batch_size=self._batch_size, endpoint=self._endpoint
        )

    def _one_by_one(
        self, batch: Sequence[Row], model: Predictor
    ) -> Iterator[dict[str, Any] | Rejected]:
        for row in batch:
            try:
                yield from self._answers([row], model)
            except RequestError as error:
                yield Rejected(str(error))
