"""Runs TF Serving's `tensorflow_model_server` with a generated model config file.

The file is rewritten when a label or the newest version changes.
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
from tfnlp.serving.server.model_manager import ModelConfig

LOG = logging.getLogger(__name__)
BINARY = "tensorflow_model_server"
POLL = 1.0
"""Poll interval of labels and versions, in seconds."""


def run(wanted: Callable[[], Sequence[ModelConfig]], flags: Sequence[str]) -> None:
    """Runs the program until it ends; SIGTERM and Ctrl-C are forwarded to it.

    Args:
        wanted: returns the configured models; called at every poll.
        flags: of the program, without those that name models.

    Raises:
        ServerError: it ended with an error.
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

        def forward(number: int, frame: Any) -> None:
            process.send_signal(number)

        before = {number: signal.signal(number, forward) for number in signals}
        try:
            code = _wait(process, lambda: configs.write(file, wanted()))
        finally:
            process.kill()
            for number, handler in before.items():
                signal.signal(number, handler)
    if code not in (0, -signal.SIGTERM, -signal.SIGINT):
        raise ServerError(
            f"{BINARY} must run until it is stopped. Received: exit code {code}. "
            "Its output is above; `--engine tfnlp` serves without it."
        )


def _wait(process: subprocess.Popen, refresh: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(POLL)
        except subprocess.TimeoutExpired:
            try:
                refresh()
            except (OSError, TfnlpError) as error:
                LOG.warning("reading labels failed: %s", error)
