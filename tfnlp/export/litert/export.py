"""LiteRT beside a SavedModel: the numeric half, asked the same questions.

`saved_models/NAME/litert/VERSION` holds `network.tflite`, variants with smaller
weights, `task.json` with all that happens to texts, and `export.json`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from tfnlp.export.artefact import replaced
from tfnlp.export.beside import (
    Reference,
    in_float32,
    limits_of_answers,
    place,
    scores_apart,
    write_task,
)
from tfnlp.export.litert.conversion import converted
from tfnlp.export.litert.runtime import LiteRTNetwork
from tfnlp.specs import Rows
from tfnlp.task import Task

NETWORK = "network.tflite"
_NO_TEXT = (
    "Ids go in and numbers come out: task.json says how texts become ids, and LiteRT "
    "has no operations that do it as the SavedModel does."
)


def export_litert(
    folder: Path,
    task: Task,
    model: keras.Model,
    *,
    kinds: Sequence[str] = (),
    rows: Rows | None = None,
) -> Path:
    """Writes a version of an artefact for LiteRT and returns the folder.

    Args:
        folder: of the version, such as saved_models/demo/1.
        task: of the version.
        model: its network.
        kinds: how weights are written besides float32: `float16`, `int8`.
        rows: labelled rows; the report compares the scores of all kinds.

    Raises:
        ExportError: an operation has no counterpart in LiteRT, or the written file
            answers otherwise than the SavedModel.
    """
    target = place(folder, "litert")
    with in_float32(model) as narrow, replaced(target) as hidden:
        reference = Reference.of(folder, task, model, narrow=narrow)
        (hidden / NETWORK).write_bytes(converted(model))
        write_task(hidden, task)
        network = LiteRTNetwork(hidden / NETWORK)
        report: dict[str, Any] = {
            "format": "litert",
            "golden": reference.compared(network),
            "limits": [_NO_TEXT, *limits_of_answers(reference)],
        }
        for kind in kinds:
            file = hidden / f"network.{kind}.tflite"
            file.write_bytes(converted(model, kind=kind))
            other = LiteRTNetwork(file)
            report[kind] = {"golden": reference.apart(other)}
            if rows is not None:
                report[kind]["scores"] = scores_apart(
                    task, rows, {"float32": network, kind: other}
                )
        report["files"] = {
            file.name: {
                "bytes": file.stat().st_size,
                "operations": LiteRTNetwork(file).operations(),
            }
            for file in sorted(hidden.glob("*.tflite"))
        }
        (hidden / "export.json").write_text(json.dumps(report, indent=1), "utf-8")
    return target
