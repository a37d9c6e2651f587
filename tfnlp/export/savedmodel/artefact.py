"""Artefacts on disk: ``<output>/<name>/<version>/``, written whole or not at all.

A version is written to a hidden sibling, which servers do not look at, and
renamed when it is complete and has answered like the network it was made from.
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
from tfnlp.export.deployment import bundle
from tfnlp.export.savedmodel import warmup
from tfnlp.export.savedmodel.portable import check_portable, without_cudnn
from tfnlp.export.savedmodel.servable import Servable
from tfnlp.export.savedmodel.versions import check_name, versions
from tfnlp.saving import to_json
from tfnlp.task import Task

SIDE_FILES = "assets.extra"
HIDDEN = ".writing-"
"""How the name of a folder begins that is being written."""
STALE = 24 * 3600.0
"""Seconds after which nobody can still be writing such a folder."""


class Written(NamedTuple):
    """A version that nobody sees yet, and what it was made from."""

    folder: Path
    task: Task
    model: keras.Model
    functions: Mapping[str, Callable]
    """Endpoint → the graph that was saved, with the variables of the network."""
    signatures: Mapping[str, Callable]
    """Endpoint → the graph that was loaded again."""


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
    check: Callable[[Written], object] | None = None,
) -> Path:
    """Writes the next version of an artefact and returns its folder.

    What TF Serving needs of it is written, too: requests to warm it up, and files
    beside the versions, see `tfnlp.export.deployment.bundle`.

    Args:
        check: asks the complete version before anybody sees it, and raises if it
            must not be seen. `tfnlp.save`, which describes the others, gives one;
            without one, nothing is asked.

    Raises:
        UsageError: the name cannot be a folder of a server.
        ExportError: the folder cannot be written, or the written artefact answers
            otherwise than the network.
    """
    base = _base(name, output)
    try:
        with _hidden_folder(base) as hidden:
            written = _write(hidden, task, model, report, recipe)
            warmup.write(
                hidden / SIDE_FILES, name, task.endpoints(), written.signatures
            )
            if check is not None:
                check(written)
            version = _publish(hidden, base)
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(base, error) from error
    bundle.write(base)
    return version


def check_output(name: str, output: str | Path = "saved_models") -> Path:
    """Returns the folder of an artefact; call it before hours of training.

    Nothing is left there: a run that ends before it saves leaves no empty folder.

    Raises:
        UsageError: the name cannot be a folder of a server.
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
    """A hidden folder to fill, which takes the place of `folder` if nothing fails.

    For what belongs to a version in another format, and may be written again.

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
    """A folder beside the versions; it goes, with folders made for it, if unused."""
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
        with contextlib.suppress(FileNotFoundError):  # another run took it away
            base.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=HIDDEN, dir=base))
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(base))


def _remove_stale(base: Path) -> None:
    """Removes what runs left that were killed while they wrote."""
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
) -> Written:
    servable = Servable(task, model)
    with without_cudnn(model):
        functions = servable.signatures()
        tf.saved_model.save(servable, str(folder), signatures=functions)
    check_portable(folder)
    side = folder / SIDE_FILES
    side.mkdir()
    (side / "task.json").write_text(to_json(task), encoding="utf-8")
    (side / "recipe.json").write_text(json.dumps(recipe or {}, indent=1), "utf-8")
    model.save(side / "model.keras")
    if report is not None:
        report.save(side)
    signatures = tf.saved_model.load(str(folder)).signatures
    return Written(folder, task, model, functions, signatures)


def _publish(hidden: Path, base: Path) -> Path:
    """Makes a complete folder visible under the next free version number."""
    hidden.chmod(0o755)
    for path in [*hidden.rglob("*"), hidden]:
        _flush(path)
    for number in itertools.count(max(versions(base), default=0) + 1):
        version = base / str(number)
        try:
            hidden.rename(version)
        except OSError:  # taken meanwhile by another process, or by a file
            if not version.exists():
                raise
        else:
            break
    _flush(base)
    return version


@contextlib.contextmanager
def _out_of_the_way(folder: Path) -> Iterator[None]:
    """Moves a folder aside, if it is there, and removes it afterwards."""
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
    """What the system says, without the nodes of a graph that TensorFlow names."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    plain = re.sub(r"\{\{.*?\}\}|\[Op:.*?\]", "", error.message.split("\n")[0])
    return plain.rpartition("; ")[2].strip()
