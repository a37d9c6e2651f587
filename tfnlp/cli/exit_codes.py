"""Exit codes: every error becomes one line on standard error and a number.

0 done, 1 run time, 2 usage or recipe, 3 data rejected, 4 quality gate not met,
5 export, 130 interrupted.
"""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tfnlp.cli.interrupts import (
    INTERRUPTED,
    is_interruption,
    print_error,
    terminated_as_interrupted,
)
from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import LEVEL, load_tensorflow
from tfnlp.errors import TfnlpError

Recipe = TypeVar("Recipe")
LOG = logging.getLogger("tfnlp")


def run(
    main: Callable[[Recipe], Any],
    recipe: type[Recipe],
    argv: Sequence[str] | None = None,
) -> None:
    """Runs a script: flags to a recipe, the recipe to ``main``, errors to exit codes.

    The last line of every pipeline::

        if __name__ == "__main__":
            cli.run(main, Recipe)

    Raises:
        SystemExit: always, with the exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)

    def started() -> None:
        settings = parse(recipe, words)
        load_tensorflow()
        training = getattr(settings, "training", None)
        chosen = getattr(training, "strategy", None)
        if chosen in ("multi_worker", "tpu"):
            from tfnlp.training import strategy

            strategy.create(chosen)  # before Keras, and before any reading
        main(settings)

    raise SystemExit(guard(started, verbose=is_verbose(words)))


def is_verbose(words: Sequence[str]) -> bool:
    """Whether ``-v`` or ``--verbose`` is among the words."""
    return bool({"-v", "--verbose"} & set(words))


def guard(action: Callable[[], Any], *, verbose: bool = False) -> int:
    """Runs an action and returns its exit code.

    Args:
        verbose: show tracebacks, and every log of tfnlp and TensorFlow.

    Example:
    >>> guard(lambda: None)
    0
    """
    if verbose:
        os.environ[LEVEL] = "0"
    with _logs_on_stderr(verbose), terminated_as_interrupted():
        try:
            action()
            sys.stdout.flush()
        except TfnlpError as error:
            return _report(error, verbose, str(error), error.exit_code)
        except KeyboardInterrupt as error:
            return _report(error, verbose, "Interrupted.", INTERRUPTED)
        except BrokenPipeError:  # `tfnlp predict … | head` is done
            _silence_stdout()
            return 0
        except (ImportError, SystemError, AttributeError, RuntimeError) as error:
            if not is_interruption(error):  # a module that is only half loaded
                raise
            return _report(error, verbose, "Interrupted.", INTERRUPTED)
        except MemoryError as error:
            return _report(error, verbose, _no_memory(error), 1)
        except OSError as error:
            return _report(error, verbose, _no_file(error), 1)
        except _tensorflow_errors() as error:
            return _report(error, verbose, _no_resource(error), 1)
    return 0


def _report(error: BaseException, verbose: bool, message: str, code: int) -> int:
    if verbose:
        traceback.print_exception(error)
    print_error(message)
    return code


def _no_memory(error: MemoryError) -> str:
    return (
        "There is not enough memory. "
        f"Received: {error or 'MemoryError'}. "
        "Use smaller batches or shorter texts; --help names the flags."
    )


def _no_file(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return (
        "A file or folder cannot be read or written. "
        f"Received: {error.strerror or error}{where}. "
        "Check that it exists, that you may use it and that the disk has room."
    )


def _no_resource(error: BaseException) -> str:
    first = str(getattr(error, "message", error)).strip().splitlines()[0]
    return (
        "TensorFlow ran out of memory or disk, or may not write there. "
        f"Received: {first}. Take smaller batches, or another folder."
    )


def _tensorflow_errors() -> tuple[type[BaseException], ...]:
    """TensorFlow's errors about resources, if TensorFlow is imported."""
    tensorflow = sys.modules.get("tensorflow")
    errors = getattr(tensorflow, "errors", None)
    if errors is None:
        return ()
    return (errors.ResourceExhaustedError, errors.PermissionDeniedError)


@contextlib.contextmanager
def _logs_on_stderr(verbose: bool) -> Iterator[None]:
    """Prints the log records of tfnlp, one plain line each, while the action runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


def _silence_stdout() -> None:
    """Keeps Python from flushing to a closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
