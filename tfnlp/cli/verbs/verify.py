"""check that an artefact answers the same wherever it is asked"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import ExportError, UsageError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Asks an artefact golden and odd rows in every way, and compares the answers.

    tfnlp verify saved_models/demo

    The network with its task, as in training, is compared with the SavedModel, with
    the embedded server by REST and gRPC, and with ONNX and LiteRT where `tfnlp export`
    has written them, its models that take strings among them. Ends with exit code 5 if
    an answer differs.
    """

    artefact: str  # folder that a pipeline wrote, or of one of its versions
    tolerance: float = 1e-4  # how far numbers may be apart, and relatively
    json: bool = False  # print JSON lines instead of a table

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise UsageError(
                f"tolerance is 0 or more, and less than 1. Received: {self.tolerance}."
            )


def main(words: Sequence[str]) -> None:
    """Prints one line a way.

    Raises:
        ExportError: an answer differs.
    """
    options = parse(Options, words, positional=("artefact",), command="tfnlp verify")
    with quiet_start():
        from tfnlp.serving import verify  # loads TensorFlow and a server

    found = verify.verify(Path(options.artefact), tolerance=options.tolerance)
    if options.json:
        print("\n".join(json.dumps(way._asdict()) for way in found))
    else:
        print(verify.table(found))
    different = [way.name for way in found if way.said]
    if different:
        raise ExportError(
            "An artefact answers the same wherever it is asked. "
            f"Received other answers by {', '.join(different)}: see the table."
        )
