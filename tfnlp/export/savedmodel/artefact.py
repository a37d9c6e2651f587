"""Atomic export of artefacts to ``<output>/<name>/<version>/``.

A version is staged in a hidden sibling folder, which servers ignore, and renamed when
it is complete and has passed the parity check.
"""

import contextlib
import errno
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import keras
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export import format_number
from tfnlp.export.deployment import bundle
from tfnlp.export.savedmodel import warmup
from tfnlp.export.savedmodel.portable import check_portable, without_cudnn
from tfnlp.export.savedmodel.runner import SavedModelRunner
from tfnlp.export.savedmodel.servable import Servable
from tfnlp.export.savedmodel.versions import check_name, versions
from tfnlp.saving import to_json
from tfnlp.task import Task

SIDE_FILES = "assets.extra"
HIDDEN = ".writing-"
"""Prefix of staging folders."""
STALE = 24 * 3600.0
"""Age in seconds after which a staging folder is considered abandoned."""


class StagedVersion(NamedTuple):
    """A version before it is published, and what it was made from."""

    folder: Path
    task: Task
    model: keras.Model
    functions: Mapping[str, Callable]
    """Endpoint → the traced graph, with the variables of the network."""
    runner: SavedModelRunner
    """The SavedModel, loaded from the folder."""


class Savable(Protocol):
    """A report: anything that writes its files into a folder."""

    def save(self, folder: Path) -> Any: ...


def export(
    task: Task,
    model: keras.Model,
    name: str,
    *,
    output: str | Path = "saved_models",
    report: Savable | None = None,
    recipe: Mapping[str, Any] | None = None,
    check: Callable[[StagedVersion], object] | None = None,
) -> Path:
    """Writes the next version of an artefact and returns its folder.

    Also writes what TF Serving needs: warm-up requests, and files beside the versions,
    see `tfnlp.export.deployment.bundle`.

    Args:
        check: called with the complete version before it is published; raises if it
            must not be. `tfnlp.save`, which documents the other arguments, passes the
            parity check; without it, nothing is compared.

    Raises:
        UsageError: the name is not valid for a server.
        ExportError: the folder cannot be written, or the check failed.
    """
    base = _base(name, output)
    try:
        with _hidden_folder(base) as hidden:
            staged = _write(hidden, task, model, report, recipe)
            warmup.write(hidden / SIDE_FILES, name, task.endpoints(), staged.runner.run)
            if check is not None:
                check(staged)
            version = _publish(hidden, base)
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(base, error) from error
    bundle.write(base)
    return version


def check_output(name: str, output: str | Path = "saved_models") -> Path:
    """Returns the folder of an artefact; call it before hours of training.

    Leaves no empty folder behind.

    Raises:
        UsageError: the name is not valid for a server.
        ExportError: the folder cannot be written.
    """
    base = _base(name, output)
    try:
        with _hidden_folder(base):
            return base
    except OSError as error:
        raise _unwritable(base, error) from error


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yields a staging folder that replaces `folder` if nothing fails.

    For exports of a version to another format, which may be written again.

    Raises:
        ExportError: the folder cannot be written.
    """
    base = folder.parent
    try:
        with _hidden_folder(base) as hidden:
            yield hidden
            hidden.chmod(0o755)
            for path in [*hidden.rglob("*"), hidden]:
                _flush(path)
            with _out_of_the_way(folder):
                hidden.rename(folder)
            _flush(base)
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(base, error) from error


def _base(name: str, output: str | Path) -> Path:
    check_name(name)
    return Path(output) / name


@contextlib.contextmanager
def _hidden_folder(base: Path) -> Iterator[Path]:
    """Yields a staging folder; removed at the end, with parents created for it."""
    made = [folder for folder in (base, *base.parents) if not folder.exists()]
    hidden = None
    try:
        hidden = _new_folder(base)
        _remove_stale(base)
        yield hidden
    finally:
        if hidden is not None:
            shutil.rmtree(hidden, ignore_errors=True)
        for folder in made:  # the innermost first
            with contextlib.suppress(OSError):  # it holds a version
                folder.rmdir()


def _new_folder(base: Path) -> Path:
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):  # another run removed it
            base.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=HIDDEN, dir=base))
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(base))


def _remove_stale(base: Path) -> None:
    """Removes staging folders of killed runs."""
    for folder in base.glob(f"{HIDDEN}*"):
        with contextlib.suppress(FileNotFoundError):  # another run has just ended
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)


def _write(
    folder: Path,
    task: Task,
    model: keras.Model,
    report: Savable | None,
    recipe: Mapping[str, Any] | None,
) -> StagedVersion:
    servable = Servable(task, model)
    with without_cudnn(model):
        functions = servable.signatures()
        tf.saved_model.save(servable, str(folder), signatures=functions)
    check_portable(folder)
    side = folder / SIDE_FILES
    side.mkdir()
    (side / "task.json").write_text(to_json(task), encoding="utf-8")
    format_number.write(side)
    (side / "recipe.json").write_text(json.dumps(recipe or {}, indent=1), "utf-8")
    model.save(side / "model.keras")
    if report is not None:
        report.save(side)
    return StagedVersion(folder, task, model, functions, SavedModelRunner(folder))


def _publish(hidden: Path, base: Path) -> Path:
    """Renames a complete folder to the next free version number."""
    hidden.chmod(0o755)
    for path in [*hidden.rglob("*"), hidden]:
        _flush(path)
    for number in itertools.count(max(versions(base), default=0) + 1):
        version = base / str(number)
        try:
            hidden.rename(version)
        except OSError:  # taken by another process, or by a file
            if not version.exists():
                raise
        else:
            break
    _flush(base)
    return version


@contextlib.contextmanager
def _out_of_the_way(folder: Path) -> Iterator[None]:
    """Moves a folder aside, if it exists, and removes it afterwards."""
    if not folder.exists():
        yield
        return
    aside = _new_folder(folder.parent)
    folder.rename(aside / "before")
    try:
        yield
    except OSError:
        (aside / "before").rename(folder)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(base: Path, error: OSError | tf.errors.OpError) -> ExportError:
    return ExportError(
        f"The folder {base} must be writable and have room for an artefact. "
        f"Received: {_reason(error)}. Nothing was left there; free some space or pass "
        "another folder with --output."
    )


def _reason(error: OSError | tf.errors.OpError) -> str:
    """The message of an error, without graph nodes."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    plain = re.sub(r"\{\{.*?\}\}|\[Op:.*?\]", "", error.message.split("\n")[0])
    return plain.rpartition("; ")[2].strip()
