"""Errors become one line on stderr and an exit code."""

import errno
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
import tensorflow as tf

from tfnlp.cli import run
from tfnlp.cli.exit_codes import guard
from tfnlp.errors import DataError, ExportError, TrainingError, UsageError


@dataclass(frozen=True)
class Recipe:
    epochs: int = 1


def thrower(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UsageError("no flag"), 2, "no flag"),
        (DataError("bad rows"), 3, "bad rows"),
        (TrainingError("NaN"), 1, "NaN"),
        (ExportError("odd"), 5, "odd"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (MemoryError(), 1, "There is not enough memory."),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 1, "No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "denied (/x)"),
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM when\nallocating"),
            1,
            "Received: OOM when.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_its_exit_code(error, code, message, capsys):
    assert guard(thrower(error)) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("error: ") and shown.count("\n") == 1


def test_verbose_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    assert guard(thrower(DataError("bad rows")), verbose=True) == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        guard(lambda: 1 // 0)


def test_logs_go_to_stderr_while_the_action_runs(capsys):
    guard(lambda: logging.getLogger("tfnlp").info("epoch 1"))
    logging.getLogger("tfnlp").info("epoch 2")
    assert capsys.readouterr().err == "epoch 1\n"


def test_termination_counts_as_interruption():
    before = signal.getsignal(signal.SIGTERM)
    assert guard(lambda: os.kill(os.getpid(), signal.SIGTERM)) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_run_hands_the_recipe_to_main():
    seen = []
    with pytest.raises(SystemExit) as stop:
        run(seen.append, Recipe, ["--epochs", "3"])
    assert (seen, stop.value.code) == ([Recipe(epochs=3)], 0)


def test_run_ends_with_2_after_an_unknown_flag(capsys):
    with pytest.raises(SystemExit) as stop:
        run(lambda recipe: None, Recipe, ["--epoch", "3"])
    assert stop.value.code == 2
    assert "Did you mean --epochs?" in capsys.readouterr().err


HALF_LOADED = ImportError("initialization failed")
HALF_LOADED.__cause__ = KeyboardInterrupt()


def test_a_module_that_an_interruption_broke_is_one(capsys):
    assert guard(thrower(HALF_LOADED)) == 130
    assert capsys.readouterr().err == "error: Interrupted.\n"


INTERRUPTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), {number})

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
from tfnlp.cli.console import main
sys.meta_path.insert(0, Finder())
main(["predict", "nowhere", "--text", "a"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "name", ["tfnlp.cli.exit_codes", "tfnlp.cli.verbs.predict", "tensorflow"]
)
def test_an_interruption_while_modules_are_loaded_is_one_line(name, number):
    code = INTERRUPTING.format(name=name, number=int(number))
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "error: Interrupted.\n")


LOUD = "import sys; from tfnlp.cli.exit_codes import guard; sys.exit(guard({}))"
WRITING = "lambda: [print('row', flush=True) for _ in range(100000)]"


def test_a_reader_that_left_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-c", LOUD.format(WRITING)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 0


def test_garbage_collection_ignores_the_objects_of_tensorflow():
    """They would cost a second of every command, and another one at its end."""
    script = (
        "import gc; from tfnlp.cli.tensorflow_logs import load_tensorflow; "
        "load_tensorflow(); print(gc.isenabled(), gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    enabled, frozen = done.stdout.split()
    assert enabled == "True" and int(frozen) > 100_000
