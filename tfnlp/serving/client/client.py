"""One client for an artefact, in this process or behind a server."""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tfnlp.serving.client.address import read_target
from tfnlp.serving.client.requests import Fields
from tfnlp.serving.client.retries import Retries
from tfnlp.serving.client.row_requests import Asking, Row
from tfnlp.serving.client.transports import open_transport


class Client:
    """Asks an artefact wherever it is; the answers are the same everywhere.

    It may be used from several threads, and as a context manager.

    Args:
        target: a folder such as ``saved_models/demo``, or ``saved_models/demo/onnx/1``
            for ONNX Runtime in place of TensorFlow's network; or an address:
            ``http://HOST:8501/v1/models/demo``, ``grpc://HOST:8500/demo``; ``https``
            and ``grpcs`` are encrypted, and ``/versions/3`` or ``/labels/stable``
            behind it asks that version.
        retries: how often it asks again what failed for a moment.
        token: sent as ``Authorization: Bearer``.
        authority: PEM file of who signed the certificate of the server; by default
            those that the system trusts.

    Raises:
        ArtefactError: the folder is no artefact.
        UsageError: the address names no model.
        TfnlpError: the extra `serve`, or `onnx`, is not installed.

    Example:
    >>> with Client("http://localhost:8501/v1/models/demo") as client:  # doctest: +SKIP
    ...     client.predict(["A fine film."])
    [{'label': 'fresh', 'score': 0.97, 'probabilities': [0.97, 0.03]}]
    """

    def __init__(
        self,
        target: str | Path,
        *,
        retries: Retries | None = None,
        token: str = "",
        authority: str | Path | None = None,
    ):
        self._place, self._retries = str(target), retries or Retries()
        self._transport = open_transport(
            read_target(target),
            token=token,
            authority=Path(authority) if authority else None,
        )

    @property
    def endpoints(self) -> dict[str, Fields]:
        """The fields of a request to each signature, ``serving_default`` first."""
        return self._asking.endpoints

    def predict(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> list[dict[str, Any]]:
        """Answers every row, in order; see `Predictor.predict`.

        Raises:
            RequestError: a row cannot be answered, or the server has no such model.
            ServerError: there was no answer in time.
            UsageError: the batch size is below 1, or there is no such endpoint.
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
        asked = self._asking.requests(rows, batch_size=batch_size, endpoint=endpoint)
        for name, request in asked:
            answers = self._retries.ask(partial(self._transport.ask, name, request))
            yield from self._asking.rows(name, answers)

    async def predict_async(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> list[dict[str, Any]]:
        """Like `predict`, without blocking the event loop while the server works."""
        asked = self.stream_async(rows, batch_size=batch_size, endpoint=endpoint)
        return [answer async for answer in asked]

    async def stream_async(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Like `stream`, without blocking the event loop while the server works."""
        asked = self._asking.requests(rows, batch_size=batch_size, endpoint=endpoint)
        for name, request in asked:
            question = partial(self._transport.ask_async, name, request)
            answers = await self._retries.ask_async(question)
            for row in self._asking.rows(name, answers):
                yield row

    def close(self) -> None:
        """Lets connections go."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @cached_property
    def _asking(self) -> Asking:
        """What may be asked, told by the artefact when it is first needed."""
        return Asking(self._retries.ask(self._transport.definitions), self._place)
