"""Format number of an artefact: `format.json` beside the weights.

A reader learns the format from this file before it loads the task or the weights. The
file is in `assets.extra` of a version and in the folders of its ONNX and LiteRT
exports. Artefacts of format 1 lack it.
"""

import json
from pathlib import Path

from tfnlp.errors import ArtefactError
from tfnlp.saving import FORMAT, check_format

FILE = "format.json"


def write(folder: Path) -> None:
    """Writes the current format number into a folder."""
    (folder / FILE).write_text(json.dumps({"format": FORMAT}) + "\n", "utf-8")


def read(folder: Path) -> int:
    """Reads the format number of a folder; 1 without a file.

    Raises:
        ArtefactError: the file is damaged, or the format is that of a newer version.
    """
    file = folder / FILE
    try:
        number = json.loads(file.read_text("utf-8"))["format"]
    except FileNotFoundError:
        return 1
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ArtefactError(
            f"{file} holds the format number of an artefact. Received: {error}. "
            "Copy the whole folder again, or export it again."
        ) from error
    return check_format(number)
