"""Versions and version labels of an artefact on disk. No TensorFlow.

`labels.json` beside the versions holds the history of each label: the version that it
points at, and earlier ones. `models.config` tells TF Serving the current ones, and is
written with every version. Both files are replaced atomically.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tfnlp.errors import ArtefactError, UsageError, nearest

LABELS = "labels.json"
MODELS_CONFIG = "models.config"
REMOVED = ".removing-"
"""Prefix of folders that are being deleted."""
FORMATS = ("onnx", "litert")
"""Folders of exports in other formats, which hold one folder per version."""
History = dict[str, list[int]]
"""Label → versions that it pointed at, the current one last."""


def versions(base: Path) -> list[int]:
    """The version numbers of an artefact, in ascending order."""
    if not base.is_dir():
        return []
    return sorted(
        int(path.name)
        for path in base.iterdir()
        if re.fullmatch("[1-9][0-9]*", path.name) and path.is_dir()
    )


def versions_of(base: Path) -> list[int]:
    """Like `versions`, but at least one must exist.

    Raises:
        ArtefactError: there is none.
    """
    known = versions(base)
    if not known:
        raise ArtefactError(
            f"An artefact is a folder of versions: 1, 2 and so on. Received: {base}, "
            f"which {'has none' if base.is_dir() else 'does not exist'}. "
            "Name the folder that a pipeline wrote, such as saved_models/demo."
        )
    return known


def check_name(name: str) -> None:
    """Checks the name of an artefact, which is a folder and part of a URL.

    Raises:
        UsageError: it has other characters, or does not begin with a letter or digit.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UsageError(
            "A name is made of letters, digits, '_', '-' and '.', and starts with a "
            f"letter or digit. Received: {name!r}."
        )


def labels(base: Path) -> dict[str, int]:
    """The version that each label points at.

    Raises:
        ArtefactError: see `history`.
    """
    return {label: targets[-1] for label, targets in history(base).items()}


def history(base: Path) -> History:
    """The versions that each label has pointed at, oldest first; empty without a file.

    Raises:
        ArtefactError: the file is damaged.
    """
    file = base / LABELS
    try:
        found = json.loads(file.read_text("utf-8"))
        known = {
            str(label): [int(v) for v in targets] for label, targets in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ArtefactError(
            f"{file} holds the history of version labels. Received: {error}. "
            "Remove it, and promote the versions again."
        ) from error
    return {label: targets for label, targets in known.items() if targets}


def promote(base: Path, version: int, label: str) -> None:
    """Points a version label at a version.

    Raises:
        ArtefactError: there is no such version.
        UsageError: the label has characters that TF Serving does not accept.
    """
    if not re.fullmatch("[a-zA-Z0-9_]+", label):
        raise UsageError(
            "A label is made of letters, digits and '_'. "
            f"Received: {label!r}. stable and canary are usual."
        )
    known = versions_of(base)
    if version not in known:
        raise ArtefactError(
            f"{base} has the versions {', '.join(map(str, known))}. "
            f"Received: {version}. `tfnlp versions {base}` lists them."
        )
    found = history(base)
    targets = found.setdefault(label, [])
    if targets[-1:] != [version]:
        targets.append(version)
    _write(base, found)


def withdraw(base: Path, label: str) -> None:
    """Removes a version label and its history.

    Raises:
        ArtefactError: there is no such label.
    """
    found = history(base)
    if label not in found:
        raise ArtefactError(
            "Only an existing label can be removed. Received: "
            f"{label}, which {base} does not have.{nearest(label, found)} "
            f"Its labels: {', '.join(sorted(found)) or 'none'}."
        )
    del found[label]
    _write(base, found)


def rollback(base: Path, label: str) -> int:
    """Points a label back at its previous version; returns that version.

    Deleted versions are skipped.

    Raises:
        ArtefactError: there is no previous version that still exists.
    """
    known = versions_of(base)
    found = history(base)
    *before, now = found.get(label, []) or [0]
    while before and (before[-1] not in known or before[-1] == now):
        before.pop()
    if not before:
        raise ArtefactError(
            f"A label is rolled back to its previous version. Received: {label}, which "
            f"{f'has pointed at version {now} only' if now else 'does not exist'}. "
            f"`tfnlp promote {base} VERSION --label {label}` sets it."
        )
    _write(base, {**found, label: before})
    return before[-1]


def prune(base: Path, *, keep: int) -> list[str]:
    """Deletes all but the newest versions; returns the deleted folders.

    Versions that a label points at are kept, and those that it would be rolled back
    to. Exports of a deleted version, such as ``onnx/3``, are deleted with it, also if
    the version itself was deleted before.

    Args:
        keep: number of newest versions to keep.

    Raises:
        UsageError: none would be kept.
    """
    if keep < 1:
        raise UsageError(
            f"keep must be 1 or more: the newest version stays. Received: {keep}."
        )
    known = versions_of(base)
    for folder in base.glob(f"{REMOVED}*"):  # of a run that was killed
        shutil.rmtree(folder, ignore_errors=True)
    needed = {version for targets in history(base).values() for version in targets[-2:]}
    left = [version for version in known if version in {*known[-keep:], *needed}]
    gone = [
        base / kind / str(version)
        for kind in ("", *FORMATS)
        for version in versions(base / kind)
        if version not in left
        and version <= known[-1]  # newer ones were written just now
    ]
    for folder in gone:
        _remove(folder, base)
    return [folder.relative_to(base).as_posix() for folder in gone]


def _remove(folder: Path, base: Path) -> None:
    hidden = Path(tempfile.mkdtemp(prefix=REMOVED, dir=base))
    folder.rename(hidden / "version")  # servers never see a partial version
    shutil.rmtree(hidden)


def models_config(name: str, targets: Mapping[str, int], *, newest: int) -> str:
    """The text of TF Serving's ``--model_config_file`` for an artefact.

    Without labels the newest version is served, otherwise the newest and all labelled
    ones: a label can only point at a served version.

    Example:
    >>> print(models_config("demo", {"stable": 1}, newest=2))
    model_config_list {
      config {
        name: "demo"
        base_path: "/models/demo"
        model_platform: "tensorflow"
        model_version_policy { specific { versions: 1 versions: 2 } }
        version_labels { key: "stable" value: 1 }
      }
    }
    """
    served = sorted({newest, *targets.values()})
    policy = " ".join(f"versions: {version}" for version in served)
    policy = f"specific {{ {policy} }}" if targets else "latest { num_versions: 1 }"
    lines = [
        f'name: "{name}"',
        f'base_path: "/models/{name}"',
        'model_platform: "tensorflow"',
        f"model_version_policy {{ {policy} }}",
        *(
            f'version_labels {{ key: "{label}" value: {version} }}'
            for label, version in sorted(targets.items())
        ),
    ]
    inside = "\n".join(f"    {line}" for line in lines)
    return f"model_config_list {{\n  config {{\n{inside}\n  }}\n}}"


def write_models_config(base: Path) -> None:
    """Writes models.config for the labels and the newest version, if there is one.

    Raises:
        ArtefactError: see `history`.
    """
    known, name = versions(base), base.resolve().name
    if known:
        text = models_config(name, labels(base), newest=known[-1])
        replace(base / MODELS_CONFIG, f"{text}\n")


def _write(base: Path, found: History) -> None:
    replace(base / LABELS, json.dumps(found, indent=1) + "\n")
    write_models_config(base)


def replace(file: Path, text: str) -> None:
    """Replaces a file atomically."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}-", delete=False
    ) as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    os.chmod(new.name, 0o644)
    os.replace(new.name, file)
