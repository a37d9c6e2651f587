"""Runs TF Serving's own program with what tfnlp knows of the models.

The program reads its models from a file, which is written anew when a label or the
newest version changes.
"""

import logging
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfnlp.errors import ServerError, TfnlpError
from tfnlp.serving.server import configs
from tfnlp.serving.server.model_manager import Model

LOG = logging.getLogger(__name__)
BINARY = "tensorflow_model_server"
POLL = 1.0
"""Seconds between two looks at the labels."""


def run(wanted: Callable[[], Sequence[Model]], flags: Sequence[str]) -> None:
    """Runs the program until it ends; SIGTERM and Ctrl-C are handed on to it.

    Args:
        wanted: what shall be served, asked anew each time.
        flags: of the program, without those that name models.

    Raises:
        ServerError: it ended otherwise than well.
    """
    with tempfile.TemporaryDirectory(prefix="tfnlp-serve-") as folder:
        file = Path(folder) / "models.config"
        configs.write(file, wanted())
        words = [
            BINARY,
            f"--model_config_file={file}",
            f"--model_config_file_poll_wait_seconds={POLL:.0f}",
            *flags,
        ]
        process = subprocess.Popen(words)
        signals = (signal.SIGTERM, signal.SIGINT)

        def hand_on(number: int, frame: Any) -> None:
            process.send_signal(number)

        before = {number: signal.signal(number, hand_on) for number in signals}
        try:
            code = _wait(process, lambda: configs.write(file, wanted()))
        finally:
            process.kill()
            for number, handler in before.items():
                signal.signal(number, handler)
    if code not in (0, -signal.SIGTERM, -signal.SIGINT):
        raise ServerError(
            f"{BINARY} must run until it is stopped. Received: exit code {code}. "
            "What it said stands above; `--engine tfnlp` serves without it."
        )


def _wait(process: subprocess.Popen, refresh: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(POLL)
        except subprocess.TimeoutExpired:
            try:
                refresh()
            except (OSError, TfnlpError) as error:
                LOG.warning("labels are as they were: %s", error)
