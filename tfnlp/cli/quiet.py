"""Keeps TensorFlow from talking while it is loaded, and LiteRT while it converts.

TF_CPP_MIN_LOG_LEVEL has no power over the lines that TensorFlow 2.21 writes before
its logging is set up, nor over what LiteRT's converter says of a failure that is told
as an error anyway, so standard error itself is turned away for that moment.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Turns standard error away while TensorFlow is loaded for the first time.

    Does nothing if TensorFlow is there already, or if its logs are wanted, see `quiet`.
    """
    with contextlib.nullcontext() if "tensorflow" in sys.modules else quiet():
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Turns standard error away.

    Does nothing if logs are wanted: with ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment,
    or ``-v`` on the command line.
    """
    if os.environ.get(LEVEL) == "0":
        yield
        return
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed: nobody would hear it anyway
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
