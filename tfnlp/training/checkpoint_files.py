"""Files of a run that is going on: whole or not there, few, and checked when read.

Knows nothing of networks: a checkpoint is arrays by name.
"""

import hashlib
import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

LOG = logging.getLogger("tfnlp")
KEPT = 2
"""Checkpoints on disk: if the last is damaged, the one before is taken."""
_DIGEST = hashlib.sha256().digest_size
Arrays = Mapping[str, np.ndarray]


def files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the last one first."""
    return sorted(folder.glob("*.ckpt"), reverse=True)


def save(file: Path, arrays: Arrays) -> None:
    """Writes a checkpoint beside the others, and removes the oldest."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    body = buffer.getvalue()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".half")
        with open(half, "wb") as stream:
            stream.write(hashlib.sha256(body).digest())
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        half.replace(file)
        for old in files(file.parent)[KEPT:]:
            old.unlink()
    except OSError as error:  # a full disk ends no run
        LOG.warning("%s was not written: %s", file, error)


def read(file: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a checkpoint; None if it is not what was written."""
    whole = file.read_bytes()
    body = whole[_DIGEST:]
    if hashlib.sha256(body).digest() != whole[:_DIGEST]:
        return None
    with np.load(io.BytesIO(body)) as arrays:
        return {name: arrays[name] for name in arrays.files}
