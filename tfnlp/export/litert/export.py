"""LiteRT export: the network of an artefact as TFLite files, with a parity check.

`saved_models/NAME/litert/VERSION` holds `network.tflite`, variants with quantized
weights, `task.json` with the text half, `format.json`, and the report `export.json`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from tfnlp.export.format_parity import (
    Reference,
    export_folder,
    in_float32,
    limits_of_answers,
    score_differences,
    write_task,
)
from tfnlp.export.litert.conversion import converted
from tfnlp.export.litert.describe import described
from tfnlp.export.litert.runtime import LiteRTNetwork
from tfnlp.export.savedmodel.artefact import replaced
from tfnlp.export.savedmodel.signatures import read
from tfnlp.specs import Rows
from tfnlp.task import Task

NETWORK = "network.tflite"
_LIMITS = (
    "Ids go in and numbers come out: task.json says how texts become ids, and LiteRT "
    "has no operations that do it as the SavedModel does.",
    "Rows may be of any number and length: resize the inputs before a run, as Python's "
    "signature runner does by itself.",
)
_SMALLER = (
    "{file} has weights as {kind}: its answers are compared in this report, and held "
    "to no tolerance; `tfnlp verify` compares {network} only."
)


def export_litert(
    folder: Path,
    task: Task,
    model: keras.Model,
    *,
    kinds: Sequence[str] = (),
    rows: Rows | None = None,
) -> Path:
    """Exports a version of an artefact to LiteRT and returns the folder.

    Args:
        folder: of the version, such as saved_models/demo/1.
        task: of the version.
        model: its network.
        kinds: further weight types besides float32: `float16`, `int8`.
        rows: labelled rows; the report compares the scores of all types.

    Raises:
        ExportError: an operation has no counterpart in LiteRT, or the written file
            gives other answers than the SavedModel.
    """
    target = export_folder(folder, "litert")
    model, narrow = in_float32(model)
    with replaced(target) as hidden:
        reference = Reference.of(folder, task, model, narrow=narrow)
        for kind, written in converted(model, kinds=("float32", *kinds)).items():
            (hidden / _file(kind)).write_bytes(written)
        write_task(hidden, task)
        report: dict[str, Any] = {
            "format": "litert",
            "golden": reference.compare(LiteRTNetwork(hidden / NETWORK)),
            "limits": [
                *_LIMITS,
                *limits_of_answers(reference, read(folder)),
                *map(_smaller, kinds),
            ],
        }
        for kind in kinds:
            report[kind] = _cost(hidden, kind, reference, rows)
        report["files"] = {
            file.name: described(file) for file in sorted(hidden.glob("*.tflite"))
        }
        (hidden / "export.json").write_text(json.dumps(report, indent=1), "utf-8")
    return target


def _file(kind: str) -> str:
    return NETWORK if kind == "float32" else f"network.{kind}.tflite"


def _smaller(kind: str) -> str:
    return _SMALLER.format(file=_file(kind), kind=kind, network=NETWORK)


def _cost(
    hidden: Path, kind: str, reference: Reference, rows: Rows | None
) -> dict[str, Any]:
    """Differences and scores of quantized weights."""
    before, after = (LiteRTNetwork(hidden / _file(k)) for k in ("float32", kind))
    cost: dict[str, Any] = {"golden": reference.differences(after)}
    if rows is not None:
        both = {"float32": before, kind: after}
        cost["scores"] = score_differences(reference.task, rows, both)
    return cost
