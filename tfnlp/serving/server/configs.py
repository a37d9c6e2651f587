"""What a server is told to serve: folders, or the configuration of TF Serving."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfnlp.errors import UsageError
from tfnlp.export.savedmodel.versions import labels, replace, versions
from tfnlp.serving.protocol import text_protos
from tfnlp.serving.protocol.status import Refusal, invalid
from tfnlp.serving.server.model_manager import Model

PLATFORM = "tensorflow"


def artefact(base: Path) -> Callable[[], list[Model]]:
    """Serves the newest version of an artefact, and those that a label means.

    Labels are read anew each time: `tfnlp promote` and `rollback` take effect while
    the server runs.
    """

    def wanted() -> list[Model]:
        meant, there = labels(base), versions(base)
        specific = tuple(sorted({*meant.values(), *there[-1:]})) if meant else ()
        name = base.resolve().name
        return [Model(name=name, base=base, specific=specific, labels=meant)]

    return wanted


def config_file(file: Path) -> list[Model]:
    """The models of a ``--model_config_file``.

    Raises:
        UsageError: the file cannot be read, or says what cannot be served.
    """
    config = text_protos.read(file, model_server_config_pb2.ModelServerConfig())
    try:
        return models_of(config, file.resolve().parent)
    except Refusal as refusal:
        raise UsageError(
            f"{file} must say what can be served. Received: {refusal.message}."
        ) from refusal


def watched(file: Path, *, seconds: float = 0) -> Callable[[], list[Model]]:
    """The models of a ``--model_config_file``, read anew when so much time has passed.

    Args:
        seconds: between two readings; 0 reads the file once.

    Raises:
        UsageError: see `config_file`; later on only the log tells of it.
    """
    known, read = config_file(file), time.monotonic()

    def wanted() -> list[Model]:
        nonlocal known, read
        if seconds and time.monotonic() - read >= seconds:
            known, read = config_file(file), time.monotonic()
        return known

    return wanted


def write(file: Path, models: Sequence[Model]) -> None:
    """Writes models as TF Serving reads them; whoever reads has the old or the new."""
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


def models_of(config: Any, folder: Path) -> list[Model]:
    """The models of a `ModelServerConfig`.

    Args:
        config: the message.
        folder: what relative paths start from.

    Raises:
        Refusal: a model comes twice, has no path or another platform than TensorFlow.
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


def _model(config: Any, folder: Path) -> Model:
    policy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    latest = policy.latest.num_versions or 1
    return Model(
        name=config.name,
        base=folder / config.base_path,
        latest=0 if choice == "all" else latest,
        specific=tuple(policy.specific.versions) if choice == "specific" else (),
        labels=dict(config.version_labels),
    )
