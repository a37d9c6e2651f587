"""Imports TensorFlow without its start-up logs, and fast; silences LiteRT's converter.

Only programs call this (the command line, benchmarks), never ``import tfnlp``: it
changes the environment, standard error and garbage collection of the whole process.

TF_CPP_MIN_LOG_LEVEL has no effect on the lines that TensorFlow 2.21 writes before its
logging is set up, nor on what LiteRT's converter writes about a failure that is
reported as an error anyway, so standard error itself is redirected for that moment.
"""

import atexit
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def load_tensorflow() -> None:
    """Imports TensorFlow with `quiet_start`, so that later imports find it loaded.

    Leaves Keras out: several machines are joined after TensorFlow is imported and
    before Keras is.
    """
    with quiet_start():
        importlib.import_module("tensorflow")


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Lets TensorFlow be imported without logs and without garbage collection.

    Its log level becomes 3, errors only, unless TF_CPP_MIN_LOG_LEVEL is set. See
    `quiet` for standard error. Does nothing if TensorFlow is imported already.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    os.environ.setdefault(LEVEL, "3")  # TensorFlow reads it once, when it is imported
    with quiet(), _frozen():
        yield


@contextlib.contextmanager
def _frozen() -> Iterator[None]:
    """Garbage collection is off, then ignores every object that was made meanwhile.

    It would scan TensorFlow's million objects again and again, and when the process
    ends, which takes a second of every command.
    """
    is_on = gc.isenabled()
    gc.collect()  # what is garbage now would be kept, too
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
    """Redirects standard error to the null device.

    Does nothing if logs are wanted: with ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment,
    or ``-v`` on the command line.
    """
    if os.environ.get(LEVEL) == "0":
        yield
        return
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed: there is nothing to redirect
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
