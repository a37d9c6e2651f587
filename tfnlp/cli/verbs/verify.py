"""check that all backends of an artefact give the same answers"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import ExportError, UsageError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compares the answers of all backends of an artefact on golden and odd rows.

    tfnlp verify saved_models/demo

    The reference is the network with its task, as in training. Compared with it are the
    SavedModel, the embedded server over REST and gRPC, and the ONNX and LiteRT exports
    that exist, ONNX models with string inputs included. Ends with exit code 5 if an
    answer differs.
    """

    artefact: str  # folder that a pipeline wrote, or of one of its versions
    tolerance: float = 1e-4  # allowed difference of numbers, absolute and relative
    json: bool = False  # print JSON lines instead of a table

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise UsageError(
                f"tolerance is 0 or more, and less than 1. Received: {self.tolerance}."
            )


def main(words: Sequence[str]) -> None:
    """Prints one line per backend.

    Raises:
        ExportError: an answer differs.
    """
    options = parse(Options, words, positional=("artefact",), command="tfnlp verify")
    with quiet_start():
        from tfnlp.serving import verify  # loads TensorFlow and a server

    found = verify.verify(Path(options.artefact), tolerance=options.tolerance)
    if options.json:
        print("\n".join(json.dumps(each._asdict()) for each in found))
    else:
        print(verify.table(found))
    different = [each.backend for each in found if each.error]
    if different:
        raise ExportError(
            "All backends of an artefact must give the same answers. "
            f"Received other answers by {', '.join(different)}: see the table."
        )
