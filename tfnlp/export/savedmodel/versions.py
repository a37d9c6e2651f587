"""The versions of an artefact on disk, and what their labels mean. No TensorFlow.

`labels.json` beside the versions says which version a label means, and which ones it
meant before; `models.config` says the first to TF Serving, and is written with every
version. Both are replaced whole.
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
"""How the name of a folder begins that is on its way out."""
FORMATS = ("onnx", "litert")
"""Folders that hold versions in other formats, each under the number of its own."""
History = dict[str, list[int]]
"""Label → the versions that it meant, the one that it means last."""


def versions(base: Path) -> list[int]:
    """The versions of an artefact, lowest first: its folders named 1, 2 and so on."""
    if not base.is_dir():
        return []
    return sorted(
        int(path.name)
        for path in base.iterdir()
        if re.fullmatch("[1-9][0-9]*", path.name) and path.is_dir()
    )


def versions_of(base: Path) -> list[int]:
    """The same, where there must be one.

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
    """Raises if a name cannot be that of an artefact: a folder, and part of a URL.

    Raises:
        UsageError: it has another sign, or starts with one that is no letter or digit.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UsageError(
            "A name is made of letters, digits, '_', '-' and '.', and starts with a "
            f"letter or digit. Received: {name!r}."
        )


def labels(base: Path) -> dict[str, int]:
    """Which version each label means.

    Raises:
        ArtefactError: see `history`.
    """
    return {label: meant[-1] for label, meant in history(base).items()}


def history(base: Path) -> History:
    """Which versions each label meant, one after the other; none without a file.

    Raises:
        ArtefactError: the file is damaged.
    """
    file = base / LABELS
    try:
        found = json.loads(file.read_text("utf-8"))
        known = {str(label): [int(v) for v in meant] for label, meant in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ArtefactError(
            f"{file} says which versions labels meant. Received: {error}. "
            "Remove it, and promote the versions again."
        ) from error
    return {label: meant for label, meant in known.items() if meant}


def promote(base: Path, version: int, label: str) -> None:
    """Lets a label mean a version from now on.

    Raises:
        ArtefactError: there is no such version.
        UsageError: the label has a sign that TF Serving takes in none.
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
            f"Received: {version}. `tfnlp versions {base}` tells about them."
        )
    found = history(base)
    meant = found.setdefault(label, [])
    if meant[-1:] != [version]:
        meant.append(version)
    _write(base, found)


def withdraw(base: Path, label: str) -> None:
    """Lets a label mean nothing any more; what it meant before is forgotten.

    Raises:
        ArtefactError: it means nothing.
    """
    found = history(base)
    if label not in found:
        raise ArtefactError(
            "Only a label that means a version can be taken away. Received: "
            f"{label}, which means none in {base}.{nearest(label, found)} "
            f"Its labels: {', '.join(sorted(found)) or 'none'}."
        )
    del found[label]
    _write(base, found)


def rollback(base: Path, label: str) -> int:
    """Lets a label mean again what it meant before; returns that version.

    Versions that are gone are passed over.

    Raises:
        ArtefactError: it has never meant another version that is still there.
    """
    known = versions_of(base)
    found = history(base)
    *before, now = found.get(label, []) or [0]
    while before and (before[-1] not in known or before[-1] == now):
        before.pop()
    if not before:
        raise ArtefactError(
            f"A label goes back to a version that it meant before. Received: {label}, "
            f"which {f'has meant version {now} only' if now else 'means none'}. "
            f"`tfnlp promote {base} VERSION --label {label}` sets it."
        )
    _write(base, {**found, label: before})
    return before[-1]


def prune(base: Path, *, keep: int) -> list[str]:
    """Removes all but the newest versions; returns the folders that are gone.

    A version that a label means stays, and so does the one it would go back to. With
    a version goes what was exported of it, such as ``onnx/3``, also if the version
    itself went before.

    Args:
        keep: how many of the newest stay.

    Raises:
        UsageError: none would stay.
    """
    if keep < 1:
        raise UsageError(
            f"--keep is 1 or more, since the newest version stays. Received: {keep}."
        )
    known = versions_of(base)
    for folder in base.glob(f"{REMOVED}*"):  # of a run that was killed
        shutil.rmtree(folder, ignore_errors=True)
    needed = {version for meant in history(base).values() for version in meant[-2:]}
    left = [version for version in known if version in {*known[-keep:], *needed}]
    gone = [
        base / kind / str(version)
        for kind in ("", *FORMATS)
        for version in versions(base / kind)
        if version not in left and version <= known[-1]  # others came just now
    ]
    for folder in gone:
        _remove(folder, base)
    return [folder.relative_to(base).as_posix() for folder in gone]


def _remove(folder: Path, base: Path) -> None:
    hidden = Path(tempfile.mkdtemp(prefix=REMOVED, dir=base))
    folder.rename(hidden / "version")  # no server sees half of it
    shutil.rmtree(hidden)


def models_config(name: str, meant: Mapping[str, int], *, newest: int) -> str:
    """What TF Serving's ``--model_config_file`` says of an artefact.

    Without labels it serves the newest version, otherwise that and those that have
    one: a label can only mean a version that is served.

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
    served = sorted({newest, *meant.values()})
    policy = " ".join(f"versions: {version}" for version in served)
    policy = f"specific {{ {policy} }}" if meant else "latest { num_versions: 1 }"
    lines = [
        f'name: "{name}"',
        f'base_path: "/models/{name}"',
        'model_platform: "tensorflow"',
        f"model_version_policy {{ {policy} }}",
        *(
            f'version_labels {{ key: "{label}" value: {version} }}'
            for label, version in sorted(meant.items())
        ),
    ]
    inside = "\n".join(f"    {line}" for line in lines)
    return f"model_config_list {{\n  config {{\n{inside}\n  }}\n}}"


def tell(base: Path) -> None:
    """Tells TF Serving of labels and of the newest version, if there is one.

    Raises:
        ArtefactError: see `history`.
    """
    known, name = versions(base), base.resolve().name
    if known:
        text = models_config(name, labels(base), newest=known[-1])
        replace(base / MODELS_CONFIG, f"{text}\n")


def _write(base: Path, found: History) -> None:
    replace(base / LABELS, json.dumps(found, indent=1) + "\n")
    tell(base)


def replace(file: Path, text: str) -> None:
    """Writes a file whole: whoever reads it has the old one or the new one."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}-", delete=False
    ) as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    os.chmod(new.name, 0o644)
    os.replace(new.name, file)
