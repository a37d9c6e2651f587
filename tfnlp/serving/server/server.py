"""A server of models: TF Serving's REST and gRPC interfaces in one process.

`Server.start` loads the models and opens the ports, `Server.stop` answers what has
arrived and closes them. Signals and flags are the business of `tfnlp serve`.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import uvicorn

from tfnlp.errors import ServerError
from tfnlp.export.savedmodel.artefact import SIDE_FILES
from tfnlp.serving.server.batching import Batching
from tfnlp.serving.server.grpc_services import Token, add_services, tell_health
from tfnlp.serving.server.http_timeouts import TimedProtocol
from tfnlp.serving.server.loaded_model import Served, load_served
from tfnlp.serving.server.metrics import Monitoring
from tfnlp.serving.server.model_manager import Model, Models
from tfnlp.serving.server.rest import Limits, Rest
from tfnlp.serving.server.warmup import replay

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server answers.

    A port of 0 is not opened. The certificate and the key are PEM. Requests to
    SavedModels that tfnlp did not write are answered one by one unless `batch_foreign`
    says that their rows know nothing of one another.
    """

    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int = 8501
    threads: int = 64
    limits: Limits = field(default_factory=Limits)
    batching: Batching | None = field(default_factory=Batching)
    batch_foreign: bool = False
    poll: float = 1.0
    retry: float = 60.0
    warm_up: bool = True
    token: str = ""
    certificate: Path | None = None
    key: Path | None = None
    cors: bool = False
    metrics: str = ""


class Server:
    """Serves models until it is stopped.

    Args:
        wanted: what shall be served, asked anew each time.
        settings: ports, limits and so on.

    Example:
    >>> server = Server(configs.artefact(Path("saved_models/demo")))  # doctest: +SKIP
    >>> server.start()  # doctest: +SKIP
    >>> server.stop()  # doctest: +SKIP
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[Model]],
        settings: Settings | None = None,
    ):
        self.settings = settings or Settings()
        self.models = Models(
            wanted, self._load, poll=self.settings.poll, retry=self.settings.retry
        )
        self.monitoring = Monitoring()
        self._stops: list[Callable[[float], None]] = []

    def start(self) -> None:
        """Loads the models and opens the ports.

        Raises:
            ServerError: a port cannot be opened.
            TfnlpError: what shall be served cannot be.
        """
        sockets = self._sockets()
        self.models.start()
        if self.settings.port:
            self._stops.append(self._start_grpc())
        if sockets:
            self._stops.append(self._start_rest(sockets))

    def stop(self, seconds: float = 30.0) -> None:
        """Takes no more requests, and answers those that are there.

        Args:
            seconds: until those that are not answered are given up.
        """
        with ThreadPoolExecutor() as pool:  # both interfaces at the same time
            list(pool.map(lambda stop: stop(seconds), self._stops))
        self._stops = []
        self.models.stop()

    def _load(self, name: str, number: int, folder: Path) -> Served:
        ours = (folder / SIDE_FILES / "task.json").is_file()
        batching = self.settings.batching
        if not ours and not self.settings.batch_foreign:
            batching = None
        served = load_served(name, number, folder, batching=batching)
        if self.settings.warm_up:
            LOG.info("%s %d: %d warm-up requests", name, number, replay(served, folder))
        return served

    def _sockets(self) -> list[socket.socket]:
        """The port of REST, taken before models are loaded for minutes."""
        settings = self.settings
        if not settings.rest_api_port:
            return []
        address = (settings.host, settings.rest_api_port)
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            return [socket.create_server(address, family=family, backlog=2048)]
        except OSError as error:
            raise _taken(settings.host, settings.rest_api_port, error) from error

    def _start_rest(self, sockets: list[socket.socket]) -> Callable[[float], None]:
        settings = self.settings
        rest = Rest(
            self.models,
            self.monitoring,
            limits=settings.limits,
            threads=settings.threads,
            token=settings.token,
            cors=settings.cors,
            metrics=settings.metrics,
        )
        config = uvicorn.Config(
            rest.application,
            http=TimedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
        )
        server = uvicorn.Server(config)
        ended = threading.Event()

        def run() -> None:
            asyncio.run(server.serve(sockets=sockets))
            ended.set()

        threading.Thread(target=run, name="tfnlp-rest", daemon=True).start()

        def stop(seconds: float) -> None:
            config.timeout_graceful_shutdown = int(seconds)
            server.should_exit = True
            ended.wait(seconds + 5.0)

        return stop

    def _start_grpc(self) -> Callable[[float], None]:
        settings = self.settings
        server = grpc.server(
            ThreadPoolExecutor(settings.threads, thread_name_prefix="tfnlp-grpc"),
            interceptors=[Token(settings.token)] if settings.token else [],
            options=[
                ("grpc.max_receive_message_length", settings.limits.request_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=settings.limits.waiting,
        )
        healthy = add_services(server, self.models, self.monitoring)
        tell_health(healthy, serving=self.models.ready)
        address = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            self._open(server, f"{address}:{settings.port}")
        except (RuntimeError, OSError) as error:
            raise _taken(settings.host, settings.port, error) from error
        server.start()

        def stop(seconds: float) -> None:
            tell_health(healthy, serving=False)
            server.stop(seconds).wait()

        return stop

    def _open(self, server: grpc.Server, address: str) -> None:
        certificate, key = self.settings.certificate, self.settings.key
        if certificate is None or key is None:
            server.add_insecure_port(address)
            return
        pair = (key.read_bytes(), certificate.read_bytes())
        server.add_secure_port(address, grpc.ssl_server_credentials([pair]))


def _taken(host: str, port: int, error: Any) -> ServerError:
    reason = getattr(error, "strerror", None) or str(error)
    return ServerError(
        f"A server needs its port for itself. Received for {host}:{port}: {reason}. "
        "Stop what listens there, or pass --port and --rest_api_port."
    )
