"""Deployment bundle: what TF Serving needs beside the versions, and example clients.

::

    saved_models/NAME/
      models.config        which versions are served; labels (see `versions`)
      serving/             this module; TF Serving ignores it
        batching_parameters.txt  monitoring.config
        docker-compose.yaml  kubernetes.yaml  README.md
        examples/curl.sh  examples/rest.py  examples/grpc_client.py

Files end in a line with the hash of their text: edited files are detected and left
alone. Nothing is loaded; signatures are read from the newest version.
"""

import hashlib
from pathlib import Path

from tfnlp.errors import ExportError
from tfnlp.export.deployment import containers, example_clients, server_flags
from tfnlp.export.savedmodel import signatures
from tfnlp.export.savedmodel.versions import (
    check_name,
    replace,
    versions_of,
    write_models_config,
)

_MARK = "written by tfnlp; edited files are left alone"
_MIB = 1024 * 1024


def write(base: str | Path, *, image: str = containers.IMAGE) -> Path:
    """Writes or refreshes the bundle and returns its folder.

    Args:
        base: the folder of an artefact, with its versions.
        image: of TF Serving.

    Raises:
        ArtefactError: the folder has no version, or the newest one is damaged.
        ExportError: the folder is not writable.
        UsageError: the name is not valid for a server.

    Example:
    >>> write("saved_models/demo")  # doctest: +SKIP
    PosixPath('saved_models/demo/serving')
    """
    base = Path(base)
    name, newest = base.resolve().name, versions_of(base)[-1]
    check_name(name)
    folder = base / server_flags.FOLDER
    found = texts(name, base / str(newest), image=image)
    try:
        write_models_config(base)
        for path, text in found.items():
            _refresh(folder / path, text)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} must be writable. Received: "
            f"{error.strerror or error}. The versions beside it are complete; "
            f"`tfnlp export {base} --format serving` writes these files later."
        ) from error
    return folder


def texts(name: str, version: Path, *, image: str = containers.IMAGE) -> dict[str, str]:
    """Path → text of all files, for the signatures of a version.

    Args:
        name: of the artefact.
        version: the folder of a version.
        image: of TF Serving.

    Raises:
        ArtefactError: the version is damaged.
    """
    found = signatures.read(version)
    batching = not any(signature.defaults for signature in found.values())
    server = containers.Server(name, batching, _memory(version), image)
    return {
        server_flags.BATCHING: server_flags.batching_parameters(),
        server_flags.MONITORING: server_flags.monitoring_config(),
        "docker-compose.yaml": containers.compose(server),
        "kubernetes.yaml": containers.kubernetes(server),
        **example_clients.files(name, found, batching=batching),
    }


def _memory(version: Path) -> int:
    """Memory of a server in MiB: 1 GiB, and room for three versions.

    While labels move, three versions are served; loading needs as much again as the
    size of a version on disk.
    """
    parts = [version / "saved_model.pb", *(version / "variables").glob("*")]
    mebibytes = sum(path.stat().st_size for path in parts) // _MIB
    return 1024 + 256 * -(-4 * mebibytes // 256)


def _refresh(file: Path, text: str) -> None:
    """Writes a file unless it was edited; an identical one is left untouched."""
    wanted = _sealed(file, text)
    now = file.read_text("utf-8", "replace") if file.is_file() else None
    if now == wanted or (now is not None and not _is_ours(file, now)):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    replace(file, wanted)


def _is_ours(file: Path, text: str) -> bool:
    body, _, last = text.rstrip("\n").rpartition("\n")
    return _MARK in last and _sealed(file, f"{body}\n") == text


def _sealed(file: Path, text: str) -> str:
    """A text with the line that holds its hash."""
    line = f"{_MARK}: {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return f"{text}{f'<!-- {line} -->' if file.suffix == '.md' else f'# {line}'}\n"
