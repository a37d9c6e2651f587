"""Loads TensorFlow without its talk, and fast; keeps LiteRT's converter quiet.

TF_CPP_MIN_LOG_LEVEL has no power over the lines that TensorFlow 2.21 writes before
its logging is set up, nor over what LiteRT's converter says of a failure that is told
as an error anyway, so standard error itself is turned away for that moment.
"""

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Iterator

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Loads TensorFlow for the first time: without standard error, see `quiet`, and
    without looking for garbage among its million objects.

    Does nothing if TensorFlow is there already.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    with quiet(), _uncollected():
        yield


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Tells Python's garbage collector that what is loaded now is there to stay.

    It would look through all of it again and again, and when the process ends, which
    takes a second of every command.
    """
    is_on = gc.isenabled()
    gc.collect()  # what is garbage now would stay, too
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        atexit.register(gc.freeze)
        if is_on:
            gc.enable()


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
