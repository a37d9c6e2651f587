"""Model configuration of a server: an artefact folder, or a TF Serving config file."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfnlp.errors import UsageError
from tfnlp.export.savedmodel.versions import labels, replace, versions
from tfnlp.serving.protocol import text_protos
from tfnlp.serving.protocol.status import StatusError, invalid
from tfnlp.serving.server.model_manager import ModelConfig

PLATFORM = "tensorflow"


def artefact(base: Path) -> Callable[[], list[ModelConfig]]:
    """Serves the newest version of an artefact and all versions with a label.

    Labels are read at every call: `tfnlp promote` and `rollback` take effect while
    the server runs.
    """

    def wanted() -> list[ModelConfig]:
        meant, there = labels(base), versions(base)
        specific = tuple(sorted({*meant.values(), *there[-1:]})) if meant else ()
        name = base.resolve().name
        return [ModelConfig(name=name, base=base, specific=specific, labels=meant)]

    return wanted


def config_file(file: Path) -> list[ModelConfig]:
    """The models of a ``--model_config_file``.

    Raises:
        UsageError: the file cannot be read, or describes models that cannot be served.
    """
    config = text_protos.read(file, model_server_config_pb2.ModelServerConfig())
    try:
        return models_of(config, file.resolve().parent)
    except StatusError as error:
        raise UsageError(
            f"{file} must describe models that can be served. "
            f"Received: {error.message}."
        ) from error


def watched(file: Path, *, seconds: float = 0) -> Callable[[], list[ModelConfig]]:
    """The models of a ``--model_config_file``, which is polled for changes.

    Args:
        seconds: poll interval; 0 reads the file once.

    Raises:
        UsageError: see `config_file`; errors of later reads are only logged.
    """
    known, read = config_file(file), time.monotonic()

    def wanted() -> list[ModelConfig]:
        nonlocal known, read
        if seconds and time.monotonic() - read >= seconds:
            known, read = config_file(file), time.monotonic()
        return known

    return wanted


def write(file: Path, models: Sequence[ModelConfig]) -> None:
    """Writes a TF Serving model config file atomically, if it has changed."""
    config = model_server_config_pb2.ModelServerConfig()
    for model in models:
        each = config.model_config_list.config.add(
            name=model.name,
            base_path=str(model.base.resolve()),
            model_platform=PLATFORM,
            version_labels=dict(model.labels),
        )
        policy = each.model_version_policy
        if model.specific:
            policy.specific.versions.extend(model.specific)
        elif model.latest:
            policy.latest.num_versions = model.latest
        else:
            policy.all.SetInParent()
    text = text_format.MessageToString(config)
    if not file.exists() or file.read_text("utf-8") != text:
        replace(file, text)


def models_of(config: Any, folder: Path) -> list[ModelConfig]:
    """The models of a `ModelServerConfig`.

    Args:
        config: the message.
        folder: base of relative paths.

    Raises:
        StatusError: a model is listed twice, has no path, or its platform is not
            TensorFlow.
    """
    listed: Sequence[Any] = config.model_config_list.config
    names = [each.name for each in listed]
    for each in listed:
        if names.count(each.name) > 1:
            raise invalid(
                f"Illegal to list model {each.name} multiple times in config list"
            )
        if each.model_platform != PLATFORM:
            raise invalid(
                f"Model {each.name} requests unsupported platform "
                f"{each.model_platform!r}: it must be {PLATFORM!r}"
            )
        if not each.name or not each.base_path:
            raise invalid("A model must have a name and a base_path")
    return [_model(each, folder) for each in listed]


def _model(config: Any, folder: Path) -> ModelConfig:
    policy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    latest = policy.latest.num_versions or 1
    return ModelConfig(
        name=config.name,
        base=folder / config.base_path,
        latest=0 if choice == "all" else latest,
        specific=tuple(policy.specific.versions) if choice == "specific" else (),
        labels=dict(config.version_labels),
    )
