"""Prediction client for an artefact: in process, or over REST or gRPC."""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tfnlp.serving.client.address import read_target
from tfnlp.serving.client.requests import Fields
from tfnlp.serving.client.retries import Retries
from tfnlp.serving.client.row_requests import RequestBuilder, Row
from tfnlp.serving.client.transports import open_transport


class Client:
    """Predicts with an artefact wherever it is; the answers are the same everywhere.

    Thread-safe, and a context manager.

    Args:
        target: a folder such as ``saved_models/demo``, or ``saved_models/demo/onnx/1``
            for ONNX Runtime in place of TensorFlow's network; or an address:
            ``http://HOST:8501/v1/models/demo``, ``grpc://HOST:8500/demo``; ``https``
            and ``grpcs`` use TLS; ``/versions/3`` or ``/labels/stable`` at the end
            selects that version.
        retries: retry policy for transient errors.
        token: sent as ``Authorization: Bearer``.
        root_certificates: PEM file of the authority that signed the server's
            certificate; by default those that the system trusts.

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
        root_certificates: str | Path | None = None,
    ):
        self._place, self._retries = str(target), retries or Retries()
        self._transport = open_transport(
            read_target(target),
            token=token,
            root_certificates=Path(root_certificates) if root_certificates else None,
        )

    @property
    def endpoints(self) -> dict[str, Fields]:
        """The fields of a request to each signature, ``serving_default`` first."""
        return self._builder.endpoints

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
            ServerError: no answer arrived in time.
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
        requests = self._builder.requests(
            rows, batch_size=batch_size, endpoint=endpoint
        )
        for name, request in requests:
            answers = self._retries.call(partial(self._transport.send, name, request))
            yield from self._builder.rows(name, answers)

    async def predict_async(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> list[dict[str, Any]]:
        """Like `predict`, without blocking the event loop while the server works."""
        answers = self.stream_async(rows, batch_size=batch_size, endpoint=endpoint)
        return [answer async for answer in answers]

    async def stream_async(
        self,
        rows: Iterable[str | Row],
        *,
        batch_size: int = 256,
        endpoint: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Like `stream`, without blocking the event loop while the server works."""
        requests = self._builder.requests(
            rows, batch_size=batch_size, endpoint=endpoint
        )
        for name, request in requests:
            send = partial(self._transport.send_async, name, request)
            answers = await self._retries.call_async(send)
            for row in self._builder.rows(name, answers):
                yield row

    def close(self) -> None:
        """Closes connections."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @cached_property
    def _builder(self) -> RequestBuilder:
        """Built from the signatures, which are fetched at first use."""
        return RequestBuilder(
            self._retries.call(self._transport.definitions), self._place
        )
