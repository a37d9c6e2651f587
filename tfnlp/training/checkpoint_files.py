"""Checkpoint files: written atomically, with a checksum, and only the newest kept.

Knows nothing of networks: a checkpoint is arrays by name.
"""

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

LOG = logging.getLogger("tfnlp")
KEPT = 2
"""Checkpoints on disk: if the last is damaged, the one before is used."""
_DIGEST = hashlib.sha256().digest_size
Arrays = Mapping[str, np.ndarray]


def files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, newest first."""
    return sorted(folder.glob("*.ckpt"), reverse=True)


def save(file: Path, arrays: Arrays) -> None:
    """Writes a checkpoint, and removes the oldest.

    Its digest comes first. The arrays are not copied in memory.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".half")
        with open(half, "wb+") as stream:
            stream.write(bytes(_DIGEST))
            np.savez(stream, allow_pickle=False, **arrays)
            digest = _digest(stream)
            stream.seek(0)
            stream.write(digest)
            stream.flush()
            os.fsync(stream.fileno())
        half.replace(file)
        for old in files(file.parent)[KEPT:]:
            old.unlink()
    except OSError as error:  # a full disk does not end the run
        LOG.warning("%s was not written: %s", file, error)


def read(file: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a checkpoint; None if its checksum is wrong."""
    with open(file, "rb") as stream:
        if stream.read(_DIGEST) != _digest(stream):
            return None
        stream.seek(_DIGEST)
        with np.load(stream) as arrays:
            return {name: arrays[name] for name in arrays.files}


def _digest(stream: BinaryIO) -> bytes:
    """The SHA-256 of everything after the digest itself."""
    digest = hashlib.sha256()
    stream.seek(_DIGEST)
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.digest()
