"""serve an artefact over TF Serving's REST and gRPC APIs"""

import os
import shutil
import signal
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import TfnlpError, UsageError

if TYPE_CHECKING:  # TensorFlow and the servers are loaded when they are needed
    from tfnlp.serving.server.batching import Batching
    from tfnlp.serving.server.server import ServerConfig

BINARY = "tensorflow_model_server"
"""TF Serving's program."""
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Options:
    """Serves an artefact, or the models of a config file, until it is stopped.

    tfnlp serve saved_models/demo
    tfnlp serve saved_models/demo --rest_api_port 8080 --port 0
    tfnlp serve --model_config_file models.config --monitoring_config_file m.config

    New versions are loaded while the old one answers, and labels are reread. Flags and
    APIs are those of TF Serving: where tensorflow_model_server is on the PATH,
    `--engine auto` runs that, unless a flag is set that it lacks. On SIGTERM requests
    in flight are still answered.
    """

    artefact: str | None = None  # folder of versions, e.g. saved_models/demo
    port: int = 8500  # gRPC port; 0 disables it
    rest_api_port: int = 8501  # REST port; 0 disables it
    host: str = "127.0.0.1"  # address to listen at; 0.0.0.0 is all of them
    engine: Literal["auto", "tfnlp", "tensorflow_model_server"] = "auto"  # server
    model_config_file: Path | None = None  # ModelServerConfig, instead of an artefact
    model_config_file_poll_wait_seconds: int = 0  # 0 reads the file once
    file_system_poll_wait_seconds: int = 1  # poll for versions; 0 looks once
    enable_batching: bool | None = None  # none: batch tfnlp's models only
    batching_parameters_file: Path | None = None  # BatchingParameters
    monitoring_config_file: Path | None = None  # MonitoringConfig
    enable_model_warmup: bool = True  # replay the warm-up file first
    load_retry_interval_seconds: int = 60  # after a failed load
    threads: int = 64  # requests processed at the same time
    rest_api_timeout_in_ms: int = 30_000  # to read a request, and again to answer it
    rest_api_enable_cors_support: bool = False  # allow cross-origin requests (CORS)
    tls_certificate: Path | None = None  # PEM file; enables TLS for REST and gRPC
    tls_key: Path | None = None  # PEM file of its key
    token_file: Path | None = None  # bearer token that requests must carry
    max_request_mb: int = 32  # maximum size of a request, uncompressed
    max_waiting: int = 1024  # maximum requests in flight; others get 503
    drain_seconds: int = 30  # to answer requests in flight after SIGTERM

    def __post_init__(self) -> None:
        if (self.artefact is None) == (self.model_config_file is None):
            raise UsageError(
                "Either an artefact or --model_config_file says what is served. "
                f"Received: {'neither' if self.artefact is None else 'both'}. "
                "Name one, such as `tfnlp serve saved_models/demo`."
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise UsageError(
                "--tls_certificate and --tls_key belong together. Received: one alone."
            )
        for name in ("port", "rest_api_port"):
            if not 0 <= getattr(self, name) < 65536:
                raise UsageError(
                    f"{name} must be a port, 0 to 65535. Received: "
                    f"{getattr(self, name)}."
                )
        if not self.port and not self.rest_api_port:
            raise UsageError("port and --rest_api_port cannot both be 0.")
        if self.port == self.rest_api_port:
            raise UsageError(
                f"port must differ from --rest_api_port. Received: {self.port} twice."
            )
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} must be {least} or more. Received: {getattr(self, name)}."
                )


_LEAST = {
    "threads": 1,
    "max_request_mb": 1,
    "max_waiting": 1,
    "rest_api_timeout_in_ms": 1,
    "drain_seconds": 0,
    "model_config_file_poll_wait_seconds": 0,
    "file_system_poll_wait_seconds": 0,
    "load_retry_interval_seconds": 0,
}
OURS = ("host", "tls_certificate", "tls_key", "token_file", "max_request_mb")
"""Flags that TF Serving's program does not have; with them set, it is not run."""


def main(words: Sequence[str]) -> None:
    """Serves until SIGTERM or Ctrl-C; a second signal exits at once.

    Raises:
        TfnlpError: there is nothing to serve, a file is invalid or a port is in use.
    """
    options = parse(Options, words, positional=("artefact",), command="tfnlp serve")
    if engine(options) == BINARY:
        from tfnlp.serving.server import tensorflow_model_server

        return tensorflow_model_server.run(wanted(options), flags(options))
    _serve(options)
    return None


def engine(options: Options) -> str:
    """Selects the server program: ``tfnlp`` or ``tensorflow_model_server``.

    Raises:
        UsageError: the requested one is not installed, or lacks a flag.
    """
    ours = [name for name in OURS if getattr(options, name) != _default(Options, name)]
    found = shutil.which(BINARY)
    if options.engine == BINARY:
        if found is None:
            raise UsageError(
                f"--engine {BINARY} needs that program on the PATH. Received: a PATH "
                "without it. Without the flag, tfnlp serves itself."
            )
        if ours:
            raise UsageError(
                f"--{ours[0]} is a flag of tfnlp's own server. Received: "
                f"--engine {BINARY}. Leave one of them out."
            )
    runs = options.engine == BINARY or (options.engine == "auto" and found and not ours)
    return BINARY if runs else "tfnlp"


def wanted(options: Options) -> Any:
    """Returns the function that lists the models to serve.

    Raises:
        ArtefactError: the folder is no artefact.
        UsageError: the config file cannot be read.
    """
    from tfnlp.export.savedmodel.versions import versions_of
    from tfnlp.serving.server import configs

    if options.model_config_file is not None:
        return configs.watched(
            options.model_config_file,
            seconds=options.model_config_file_poll_wait_seconds,
        )
    base = Path(str(options.artefact))
    versions_of(base)
    return configs.artefact(base)


def flags(options: Options) -> list[str]:
    """The equivalent flags of ``tensorflow_model_server``."""
    found = [
        f"--port={options.port}",
        f"--rest_api_port={options.rest_api_port}",
        f"--rest_api_timeout_in_ms={options.rest_api_timeout_in_ms}",
        f"--file_system_poll_wait_seconds={options.file_system_poll_wait_seconds}",
        "--allow_version_labels_for_unavailable_models=true",
    ]
    found.append(f"--enable_batching={str(_batches_all(options)).lower()}")
    for name in ("enable_model_warmup", "rest_api_enable_cors_support"):
        found.append(f"--{name}={str(getattr(options, name)).lower()}")
    for name in ("batching_parameters_file", "monitoring_config_file"):
        if getattr(options, name) is not None:
            found.append(f"--{name}={getattr(options, name)}")
    return found


def server_config(options: Options) -> "ServerConfig":
    """The configuration of tfnlp's own server.

    Raises:
        UsageError: a file cannot be read, or is invalid.
    """
    from tfnlp.serving.server.rest import Limits
    from tfnlp.serving.server.server import ServerConfig

    return ServerConfig(
        host=options.host,
        port=options.port,
        rest_api_port=options.rest_api_port,
        threads=options.threads,
        limits=Limits(
            request_bytes=options.max_request_mb * MIB,
            waiting=options.max_waiting,
            seconds=options.rest_api_timeout_in_ms / 1000,
        ),
        batching=_batching(options),
        batch_foreign=_batches_all(options),
        poll=options.file_system_poll_wait_seconds,
        retry=options.load_retry_interval_seconds,
        warm_up=options.enable_model_warmup,
        token=_token(options.token_file),
        certificate=_existing(options.tls_certificate),
        key=_key(options),
        cors=options.rest_api_enable_cors_support,
        metrics=_metrics(options.monitoring_config_file),
    )


def _serve(options: Options) -> None:
    _check_extra()
    with quiet_start():
        from tfnlp.serving.server.server import Server  # loads TensorFlow
    source = wanted(options)

    server = Server(source, server_config(options))
    ended = threading.Event()

    def end(number: int, frame: Any) -> None:
        if ended.is_set():
            os._exit(130)  # second signal: requests in flight are dropped
        ended.set()

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        server.start()
        for line in _addresses(options, server.models.names):
            print(line, flush=True)
        ended.wait()
        server.stop(options.drain_seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _addresses(options: Options, names: Sequence[str]) -> list[str]:
    scheme = "http" if options.tls_certificate is None else "https"
    lines = []
    if options.rest_api_port:
        at = f"{scheme}://{options.host}:{options.rest_api_port}/v1/models"
        lines += [f"REST at {at}/{name}" for name in names]
    if options.port:
        lines.append(f"gRPC at {options.host}:{options.port}")
    return lines


def _batches_all(options: Options) -> bool:
    """Whether batching was requested for all models."""
    if options.enable_batching is None:
        return options.batching_parameters_file is not None
    return options.enable_batching


def _batching(options: Options) -> "Batching | None":
    from tfnlp.serving.protocol import text_protos
    from tfnlp.serving.server.batching import Batching

    if options.enable_batching is False:
        return None
    if options.batching_parameters_file is None:
        return Batching()
    empty = text_protos.message("BatchingParameters")
    return Batching.from_proto(
        text_protos.read(options.batching_parameters_file, empty)
    )


def _metrics(file: Path | None) -> str:
    """Path of the Prometheus page; "" without a config file that enables it."""
    from tfnlp.export.deployment.server_flags import METRICS
    from tfnlp.serving.protocol import text_protos

    if file is None:
        return ""
    read: Any = text_protos.read(file, text_protos.message("MonitoringConfig"))
    return (
        (read.prometheus_config.path or METRICS)
        if read.prometheus_config.enable
        else ""
    )


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    token = _existing(file).read_text("utf-8").strip()  # type: ignore[union-attr]
    if not token:
        raise UsageError(f"--token_file must hold a token. Received: {file}, empty.")
    return token


def _key(options: Options) -> Path | None:
    """The key file, checked against the certificate.

    Raises:
        UsageError: they do not match, or a file is not PEM.
    """
    key, certificate = _existing(options.tls_key), options.tls_certificate
    if key is None or certificate is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise UsageError(
            "--tls_key must be the PEM file of the certificate's key. "
            f"Received: {key} for {certificate}: {error.reason or 'no PEM'}."
        ) from error
    return key


def _existing(file: Path | None) -> Path | None:
    if file is not None and not file.is_file():
        raise UsageError(f"A flag names a file. Received: {file}, which is none.")
    return file


def _default(options: type, name: str) -> Any:
    return next(field.default for field in fields(options) if field.name == name)


def _check_extra() -> None:
    """Raises an error that names the missing extra instead of a module."""
    try:
        import grpc_health.v1  # noqa: F401
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import tensorflow_serving  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise TfnlpError(
            "Serving needs the extra `serve`. "
            f"Received: {error}. Run `pip install 'tfnlp[serve]'`."
        ) from error
