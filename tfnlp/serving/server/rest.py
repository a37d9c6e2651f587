"""TF Serving's REST API as an ASGI application.

Reads a body within size limits, runs the request in a thread and waits for it until the
timeout. Errors are answered with an HTTP status and a message in JSON.
"""

import asyncio
import contextlib
import hmac
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tfnlp.serving.protocol.rest_json import written
from tfnlp.serving.protocol.status import HTTP, StatusError, invalid
from tfnlp.serving.server import deadlines, handlers
from tfnlp.serving.server.metrics import Monitoring
from tfnlp.serving.server.model_manager import ModelManager

_SPEC = (
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
)
_PREDICT_PATH = re.compile(rf"(?i){_SPEC}:(?P<method>classify|regress|predict)")
_STATUS_PATH = re.compile(rf"(?i){_SPEC}(?P<metadata>/metadata)?")
_MODELS_PATH = "/v1/models"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Resource limits: what one client may cost the others."""

    request_bytes: int = 32 << 20  # of one body, also after decompression
    waiting_bytes: int = 512 << 20  # of all bodies in flight
    waiting: int = 1024  # requests in flight
    seconds: float = 30.0  # to read a request, and again to answer it


class ModelSpec(NamedTuple):
    """Model, version and label that a request selects."""

    name: str
    version: int | None
    label: str


class ByteBudget:
    """Memory budget of all request bodies in flight.

    Args:
        most: bytes of all bodies together.
    """

    def __init__(self, most: int):
        self._most, self._reserved = most, 0

    @contextlib.contextmanager
    def reservation(self) -> Iterator[Callable[[int], None]]:
        """Reserves bytes for one body and releases them at the end.

        Yields a function that reserves bytes; it raises a StatusError,
        ``UNAVAILABLE``, when the budget is exhausted.
        """
        mine = 0

        def reserve(size: int) -> None:
            nonlocal mine
            if self._reserved + size > self._most:
                raise StatusError(
                    "UNAVAILABLE",
                    f"requests of {self._reserved} bytes wait already: try again later",
                )
            mine += size
            self._reserved += size

        try:
            yield reserve
        finally:
            self._reserved -= mine


class Rest:
    """Handles the HTTP requests of TF Serving's REST API.

    Args:
        models: the served models.
        monitoring: counts the requests.
        limits: of each and of all requests.
        threads: number of request threads.
        token: bearer token that requests must carry; "" requires none.
        cors: whether cross-origin requests (CORS) are allowed.
        metrics: path of the Prometheus page; "" disables it.
    """

    def __init__(
        self,
        models: ModelManager,
        monitoring: Monitoring,
        *,
        limits: Limits,
        threads: int,
        token: str = "",
        cors: bool = False,
        metrics: str = "",
    ):
        self._models, self._monitoring, self._limits = models, monitoring, limits
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="tfnlp-rest")
        self._token, self._cors = token, cors
        self._waiting, self._budget = 0, ByteBudget(limits.waiting_bytes)
        routes = [
            Route("/v1/{path:path}", self._handle, methods=["GET", "POST", "OPTIONS"])
        ]
        if metrics:
            routes.insert(0, Route(metrics, self._handle_metrics, methods=["GET"]))
        self.application = Starlette(
            routes=routes,
            exception_handlers={
                404: self._not_found,
                405: self._not_allowed,
                500: self._failed,  # uvicorn logs the exception
            },
        )

    async def _handle(self, request: Request) -> Response:
        """Handles one request; every outcome is a response and is counted."""
        started = time.perf_counter()
        path = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        predict = _PREDICT_PATH.fullmatch(path) if request.method == "POST" else None
        status_path = _STATUS_PATH.fullmatch(path) if request.method == "GET" else None
        code, status = "OK", None
        try:
            if request.method == "OPTIONS":  # preflight requests carry no token
                content = self._preflight(request)
            else:
                self._check_token(request)
                content = await self._dispatch(request, path, predict, status_path)
        except StatusError as error:
            code, content = error.code, written({"error": error.message})
            status = getattr(error, "http", None)
        api = predict["method"].lower() if predict else "status"
        model = self._model(predict or status_path) if code != "NOT_FOUND" else ""
        self._monitoring.count(
            model, code, time.perf_counter() - started, api=api, entrypoint="REST"
        )
        return self._response(content, status or HTTP[code])

    async def _dispatch(
        self,
        request: Request,
        path: str,
        predict: re.Match[str] | None,
        status: re.Match[str] | None,
    ) -> bytes:
        if predict is not None:
            return await self._handle_predict(request, predict)
        if status is not None:
            content: bytes = await self._run(lambda: self._handle_status(status))
            return content
        if (request.method, path.lower().rstrip("/")) == ("GET", _MODELS_PATH):
            raise invalid("Missing model name in request.")
        raise invalid(f"Malformed request: {request.method} {path}")

    def _model(self, found: re.Match[str] | None) -> str:
        """The model of a path if it is served; unknown names are not counted."""
        name = unquote(found["name"]) if found else ""
        return name if name in self._models.names else ""

    async def _handle_predict(self, request: Request, path: re.Match[str]) -> bytes:
        spec = _spec(path)
        served = self._models.find(spec.name, version=spec.version, label=spec.label)
        if self._waiting >= self._limits.waiting:
            raise StatusError(
                "UNAVAILABLE", f"{self._waiting} requests wait already: try again later"
            )
        self._waiting += 1
        try:
            with self._budget.reservation() as reserve:
                reading = self._body(request, reserve)
                body = await self._within(reading, "the request was not read")
                method = path["method"].lower()
                content: bytes = await self._run(
                    lambda: handlers.answer(method, served, body)
                )
                return content
        finally:
            self._waiting -= 1

    async def _body(self, request: Request, reserve: Callable[[int], None]) -> bytes:
        limit = self._limits.request_bytes
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise BodyTooLarge(limit)
        parts, size = [], 0
        try:
            async for part in request.stream():
                reserve(len(part))
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise BodyTooLarge(limit)
        except ClientDisconnect as error:
            raise StatusError("CANCELLED", "the client went away") from error
        body = b"".join(parts)
        if request.headers.get("content-encoding", "").lower() == "gzip":
            body = _gunzip(body, limit)
            reserve(len(body))
        return body

    def _handle_status(self, path: re.Match[str]) -> bytes:
        name, version, label = _spec(path)
        if path["metadata"]:
            served = self._models.find(name, version=version, label=label)
            return handlers.metadata_json(served)
        response = handlers.status(self._models, name, version=version, label=label)
        return handlers.status_json(response)

    async def _run(self, work: Callable[[], Any]) -> Any:
        def timed() -> Any:
            with deadlines.within(end - time.monotonic()):
                return work()

        end = time.monotonic() + self._limits.seconds
        running = asyncio.get_running_loop().run_in_executor(self._threads, timed)
        return await self._within(running, "the answer took too long")

    async def _within(self, work: Awaitable[Any], complaint: str) -> Any:
        try:
            return await asyncio.wait_for(work, self._limits.seconds)
        except TimeoutError as error:
            raise StatusError(
                "DEADLINE_EXCEEDED", f"{complaint} within {self._limits.seconds:g} s"
            ) from error

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self._token and not is_token(given, self._token):
            raise StatusError("UNAUTHENTICATED", WRONG_TOKEN)

    def _preflight(self, request: Request) -> bytes:
        if not re.match("https?://", request.headers.get("origin", "")):
            raise StatusError(
                "FAILED_PRECONDITION", "Origin header is missing in CORS preflight"
            )
        return b""

    async def _handle_metrics(self, request: Request) -> Response:
        try:
            self._check_token(request)
        except StatusError as error:
            return self._response(written({"error": error.message}), 401)
        return Response(self._monitoring.page(), media_type="text/plain")

    async def _not_found(self, request: Request, error: Exception) -> Response:
        return self._response(written({"error": "Not Found"}), 404)

    async def _not_allowed(self, request: Request, error: Exception) -> Response:
        return self._response(written({"error": "Method Not Allowed"}), 405)

    async def _failed(self, request: Request, error: Exception) -> Response:
        return self._response(written({"error": "Internal error"}), 500)

    def _response(self, content: bytes, status: int) -> Response:
        headers = dict(_CORS) if self._cors else {}
        if self._cors and self._token:
            headers["Access-Control-Allow-Headers"] += ", Authorization"
        if status == HTTP["UNAUTHENTICATED"]:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(content, status, headers, media_type="application/json")


class BodyTooLarge(StatusError):
    """A request body beyond the size limit (HTTP 413)."""

    http = 413

    def __init__(self, limit: int):
        super().__init__("INVALID_ARGUMENT", f"a request has at most {limit} bytes")


WRONG_TOKEN = "The header Authorization must be 'Bearer' and the token of this server."


def is_token(header: str, token: str) -> bool:
    """Whether an ``Authorization`` header carries the token of the server."""
    kind, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return kind.lower() == "bearer" and same


def _spec(path: re.Match[str]) -> ModelSpec:
    version = int(path["version"]) if path["version"] else None
    if version is not None and version >= 2**63:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return ModelSpec(unquote(path["name"]), version, unquote(path["label"] or ""))


def _gunzip(body: bytes, limit: int) -> bytes:
    """Decompresses a gzip body, which may expand a thousandfold, within the limit."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        whole = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"the body is no gzip: {error}") from error
    if len(whole) > limit:
        raise BodyTooLarge(limit)
    return whole
