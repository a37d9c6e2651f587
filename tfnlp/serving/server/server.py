"""Model server: TF Serving's REST and gRPC APIs in one process.

`Server.start` loads the models and opens the ports, `Server.stop` drains and closes
them. Signals and flags are handled by `tfnlp serve`.
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
from tfnlp.serving.server.grpc_services import (
    TokenInterceptor,
    add_services,
    set_health,
)
from tfnlp.serving.server.http_timeouts import TimedProtocol
from tfnlp.serving.server.loaded_model import LoadedModel, load_version
from tfnlp.serving.server.metrics import Monitoring
from tfnlp.serving.server.model_manager import ModelConfig, ModelManager
from tfnlp.serving.server.rest import Limits, Rest
from tfnlp.serving.server.warmup import replay

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Configuration of a server: ports, limits, batching, TLS and token.

    A port of 0 is not opened. The certificate and the key are PEM files. Requests to
    SavedModels that tfnlp did not write are not batched, unless `batch_foreign` says
    that their rows are independent.
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
        wanted: returns the configured models; called at every poll.
        config: ports, limits, batching, TLS and token.

    Example:
    >>> server = Server(configs.artefact(Path("saved_models/demo")))  # doctest: +SKIP
    >>> server.start()  # doctest: +SKIP
    >>> server.stop()  # doctest: +SKIP
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[ModelConfig]],
        config: ServerConfig | None = None,
    ):
        self.config = config or ServerConfig()
        self.models = ModelManager(
            wanted, self._load, poll=self.config.poll, retry=self.config.retry
        )
        self.monitoring = Monitoring()
        self._stops: list[Callable[[float], None]] = []

    def start(self) -> None:
        """Loads the models and opens the ports.

        Raises:
            ServerError: a port cannot be opened.
            TfnlpError: the configuration is invalid.
        """
        sockets = self._sockets()
        self.models.start()
        if self.config.port:
            self._stops.append(self._start_grpc())
        if sockets:
            self._stops.append(self._start_rest(sockets))

    def stop(self, seconds: float = 30.0) -> None:
        """Drains the server: accepts no new requests and answers those in flight.

        Args:
            seconds: after which unanswered requests are dropped.
        """
        with ThreadPoolExecutor() as pool:  # REST and gRPC at the same time
            list(pool.map(lambda stop: stop(seconds), self._stops))
        self._stops = []
        self.models.stop()

    def _load(self, name: str, number: int, folder: Path) -> LoadedModel:
        ours = (folder / SIDE_FILES / "task.json").is_file()
        batching = self.config.batching
        if not ours and not self.config.batch_foreign:
            batching = None
        served = load_version(name, number, folder, batching=batching)
        if self.config.warm_up:
            LOG.info("%s %d: %d warm-up requests", name, number, replay(served, folder))
        return served

    def _sockets(self) -> list[socket.socket]:
        """Binds the REST port before models are loaded, which may take minutes."""
        config = self.config
        if not config.rest_api_port:
            return []
        address = (config.host, config.rest_api_port)
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        try:
            return [socket.create_server(address, family=family, backlog=2048)]
        except OSError as error:
            raise _taken(config.host, config.rest_api_port, error) from error

    def _start_rest(self, sockets: list[socket.socket]) -> Callable[[float], None]:
        config = self.config
        rest = Rest(
            self.models,
            self.monitoring,
            limits=config.limits,
            threads=config.threads,
            token=config.token,
            cors=config.cors,
            metrics=config.metrics,
        )
        uvicorn_config = uvicorn.Config(
            rest.application,
            http=TimedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=config.certificate,
            ssl_keyfile=config.key,
        )
        server = uvicorn.Server(uvicorn_config)
        ended = threading.Event()

        def run() -> None:
            asyncio.run(server.serve(sockets=sockets))
            ended.set()

        threading.Thread(target=run, name="tfnlp-rest", daemon=True).start()

        def stop(seconds: float) -> None:
            uvicorn_config.timeout_graceful_shutdown = int(seconds)
            server.should_exit = True
            ended.wait(seconds + 5.0)

        return stop

    def _start_grpc(self) -> Callable[[float], None]:
        config = self.config
        server = grpc.server(
            ThreadPoolExecutor(config.threads, thread_name_prefix="tfnlp-grpc"),
            interceptors=[TokenInterceptor(config.token)] if config.token else [],
            options=[
                ("grpc.max_receive_message_length", config.limits.request_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=config.limits.waiting,
        )
        healthy = add_services(server, self.models, self.monitoring)
        set_health(healthy, serving=self.models.ready)
        address = f"[{config.host}]" if ":" in config.host else config.host
        try:
            self._open(server, f"{address}:{config.port}")
        except (RuntimeError, OSError) as error:
            raise _taken(config.host, config.port, error) from error
        server.start()

        def stop(seconds: float) -> None:
            set_health(healthy, serving=False)
            server.stop(seconds).wait()

        return stop

    def _open(self, server: grpc.Server, address: str) -> None:
        certificate, key = self.config.certificate, self.config.key
        if certificate is None or key is None:
            server.add_insecure_port(address)
            return
        pair = (key.read_bytes(), certificate.read_bytes())
        server.add_secure_port(address, grpc.ssl_server_credentials([pair]))


def _taken(host: str, port: int, error: Any) -> ServerError:
    reason = getattr(error, "strerror", None) or str(error)
    return ServerError(
        f"The port of a server must be free. Received for {host}:{port}: {reason}. "
        "Stop the process that listens there, or pass --port and --rest_api_port."
    )
