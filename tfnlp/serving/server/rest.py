"""TF Serving's REST interface: an ASGI application.

It reads a body within its limits, hands it to a thread and waits for the answer no
longer than it may. What it cannot answer, it answers with a status and a sentence.
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
from tfnlp.serving.protocol.status import HTTP, Refusal, invalid
from tfnlp.serving.server import deadlines, handlers
from tfnlp.serving.server.metrics import Monitoring
from tfnlp.serving.server.model_manager import Models

_SPEC = (
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
)
_ASKED = re.compile(rf"(?i){_SPEC}:(?P<method>classify|regress|predict)")
_TOLD = re.compile(rf"(?i){_SPEC}(?P<metadata>/metadata)?")
_NAMELESS = "/v1/models"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one client may do to the others."""

    request_bytes: int = 32 << 20  # of one body, also when it is unpacked
    waiting_bytes: int = 512 << 20  # of all bodies that are not answered yet
    waiting: int = 1024  # requests that are not answered yet
    seconds: float = 30.0  # until a request is read, and again until it is answered


class Asked(NamedTuple):
    """Which version of which model a request means."""

    name: str
    version: int | None
    label: str


class Room:
    """The bytes that all bodies which are not answered yet may take.

    Args:
        most: of them together.
    """

    def __init__(self, most: int):
        self._most, self._taken = most, 0

    @contextlib.contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Gives one body what it asks for, and takes all of it back in the end.

        The function that it gives raises a Refusal, ``UNAVAILABLE``, where there is
        no room left.
        """
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self._taken + size > self._most:
                raise Refusal(
                    "UNAVAILABLE",
                    f"requests of {self._taken} bytes wait already: try again later",
                )
            mine += size
            self._taken += size

        try:
            yield take
        finally:
            self._taken -= mine


class Rest:
    """Answers HTTP requests about models.

    Args:
        models: what is served.
        monitoring: counts the requests.
        limits: of each and of all requests.
        threads: that answer requests side by side.
        token: what ``Authorization: Bearer`` must say; "" asks for none.
        cors: whether pages of other origins may ask.
        metrics: path of the counts; "" tells none.
    """

    def __init__(
        self,
        models: Models,
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
        self._waiting, self._room = 0, Room(limits.waiting_bytes)
        routes = [
            Route("/v1/{path:path}", self._answer, methods=["GET", "POST", "OPTIONS"])
        ]
        if metrics:
            routes.insert(0, Route(metrics, self._tell_counts, methods=["GET"]))
        self.application = Starlette(
            routes=routes,
            exception_handlers={
                404: self._not_found,
                405: self._not_allowed,
                500: self._failed,  # uvicorn logs what it was
            },
        )

    async def _answer(self, request: Request) -> Response:
        """Answers one request, whatever becomes of it."""
        started = time.perf_counter()
        path = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        asked = _ASKED.fullmatch(path) if request.method == "POST" else None
        told = _TOLD.fullmatch(path) if request.method == "GET" else None
        code, status = "OK", None
        try:
            if request.method == "OPTIONS":  # which never has a token
                content = self._preflight(request)
            else:
                self._check_token(request)
                content = await self._found(request, path, asked, told)
        except Refusal as refusal:
            code, content = refusal.code, written({"error": refusal.message})
            status = getattr(refusal, "http", None)
        api = asked["method"].lower() if asked else "status"
        model = self._model(asked or told) if code != "NOT_FOUND" else ""
        self._monitoring.count(
            model, code, time.perf_counter() - started, api=api, entrypoint="REST"
        )
        return self._response(content, status or HTTP[code])

    async def _found(
        self,
        request: Request,
        path: str,
        asked: re.Match[str] | None,
        told: re.Match[str] | None,
    ) -> bytes:
        if asked is not None:
            return await self._asked(request, asked)
        if told is not None:
            content: bytes = await self._run(lambda: self._told(told))
            return content
        if (request.method, path.lower().rstrip("/")) == ("GET", _NAMELESS):
            raise invalid("Missing model name in request.")
        raise invalid(f"Malformed request: {request.method} {path}")

    def _model(self, found: re.Match[str] | None) -> str:
        """The model of a path, if it is served: nobody else fills the counts."""
        name = unquote(found["name"]) if found else ""
        return name if name in self._models.names else ""

    async def _asked(self, request: Request, asked: re.Match[str]) -> bytes:
        spec = _spec(asked)
        served = self._models.find(spec.name, version=spec.version, label=spec.label)
        if self._waiting >= self._limits.waiting:
            raise Refusal(
                "UNAVAILABLE", f"{self._waiting} requests wait already: try again later"
            )
        self._waiting += 1
        try:
            with self._room.share() as take:
                reading = self._body(request, take)
                body = await self._within(reading, "the request was not read")
                method = asked["method"].lower()
                content: bytes = await self._run(
                    lambda: handlers.answer(method, served, body)
                )
                return content
        finally:
            self._waiting -= 1

    async def _body(self, request: Request, take: Callable[[int], None]) -> bytes:
        limit = self._limits.request_bytes
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise TooLarge(limit)
        parts, size = [], 0
        try:
            async for part in request.stream():
                take(len(part))
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise TooLarge(limit)
        except ClientDisconnect as error:
            raise Refusal("CANCELLED", "the client went away") from error
        body = b"".join(parts)
        if request.headers.get("content-encoding", "").lower() == "gzip":
            body = _unpacked(body, limit)
            take(len(body))
        return body

    def _told(self, told: re.Match[str]) -> bytes:
        name, version, label = _spec(told)
        if told["metadata"]:
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
            raise Refusal(
                "DEADLINE_EXCEEDED", f"{complaint} within {self._limits.seconds:g} s"
            ) from error

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self._token and not is_token(given, self._token):
            raise Refusal("UNAUTHENTICATED", WRONG_TOKEN)

    def _preflight(self, request: Request) -> bytes:
        if not re.match("https?://", request.headers.get("origin", "")):
            raise Refusal(
                "FAILED_PRECONDITION", "Origin header is missing in CORS preflight"
            )
        return b""

    async def _tell_counts(self, request: Request) -> Response:
        try:
            self._check_token(request)
        except Refusal as refusal:
            return self._response(written({"error": refusal.message}), 401)
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


class TooLarge(Refusal):
    """A body that is longer than it may be."""

    http = 413

    def __init__(self, limit: int):
        super().__init__("INVALID_ARGUMENT", f"a request has at most {limit} bytes")


WRONG_TOKEN = "The header Authorization must be 'Bearer' and the token of this server."


def is_token(header: str, token: str) -> bool:
    """Whether a header ``Authorization`` has the token of the server."""
    kind, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return kind.lower() == "bearer" and same


def _spec(found: re.Match[str]) -> Asked:
    version = int(found["version"]) if found["version"] else None
    if version is not None and version >= 2**63:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return Asked(unquote(found["name"]), version, unquote(found["label"] or ""))


def _unpacked(body: bytes, limit: int) -> bytes:
    """A body out of gzip, which may be a thousand times as long."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        whole = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"the body is no gzip: {error}") from error
    if len(whole) > limit:
        raise TooLarge(limit)
    return whole
