"""ONNX beside a SavedModel: written, asked the same questions, then published.

`saved_models/NAME/onnx/VERSION` holds `network.onnx`, the numeric half for any
runtime, and `model.onnx`, texts in and answers out, where all that happens to texts
has an exact counterpart; `export.json` says what was written and what its limits are.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf

from tfnlp.errors import ExportError, UsageError
from tfnlp.export import golden
from tfnlp.export.artefact import replaced
from tfnlp.export.beside import (
    Reference,
    in_float32,
    limits_of_answers,
    place,
    scores_apart,
    write_task,
)
from tfnlp.export.onnx import answers as whole
from tfnlp.export.onnx import conversion
from tfnlp.export.onnx.ask import ask
from tfnlp.export.onnx.describe import described
from tfnlp.export.onnx.quantized import quantize
from tfnlp.export.onnx.recurrent import is_fusable
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.signatures import read
from tfnlp.specs import Rows
from tfnlp.task import Task

NETWORK, MODEL, INT8 = "network.onnx", "model.onnx", "network.int8.onnx"
_ALONE = range(0, len(golden.ODD), 5)
_EXTENSIONS = (
    "model.onnx holds operations of onnxruntime-extensions: register "
    "onnxruntime_extensions.get_library_path() with the session, in a process that has "
    "not imported TensorFlow: the two disturb one another."
)
_UTF8 = (
    "model.onnx takes valid UTF-8; the SavedModel also takes other bytes, and reads "
    "them as U+FFFD."
)


def export_onnx(
    folder: Path,
    task: Task,
    model: keras.Model,
    *,
    int8: bool = False,
    rows: Rows | None = None,
) -> Path:
    """Writes a version of an artefact as ONNX and returns the folder.

    Args:
        folder: of the version, such as saved_models/demo/1.
        task: of the version.
        model: its network.
        int8: whether the weights are written as int8, too.
        rows: labelled rows; the report compares the scores of float32 and int8.

    Raises:
        ExportError: an operation has no counterpart in ONNX, or a written file
            answers otherwise than the SavedModel.
        UsageError: the packages of the extra `onnx` are not installed.
    """
    target = place(folder, "onnx")
    with in_float32(model) as narrow, replaced(target) as hidden:
        reference = Reference.of(folder, task, model, narrow=narrow)
        signatures = read(folder)
        _save(conversion.network(model), hidden / NETWORK)
        write_task(hidden, task)
        report: dict[str, Any] = {
            "format": "onnx",
            "endpoints": {n: [*each.inputs] for n, each in signatures.items()},
            "golden": reference.compared(_loaded(hidden / NETWORK)),
            "limits": [*_loops(model), *limits_of_answers(reference, signatures)],
        }
        try:
            _save(whole.model(task, model), hidden / MODEL)
            asked = _asked(hidden / MODEL, reference)
        except (ExportError, RuntimeError) as error:
            (hidden / MODEL).unlink(missing_ok=True)
            report["limits"].append(f"There is no {MODEL}. {error}")
        else:
            report["limits"] += [_EXTENSIONS, _UTF8]
            report["golden"][MODEL] = _compared(asked, reference)
        if int8:
            report["int8"] = _quantized(hidden, reference, rows)
        report["files"] = {
            file.name: described(file) for file in sorted(hidden.glob("*.onnx"))
        }
        (hidden / "export.json").write_text(json.dumps(report, indent=1), "utf-8")
    return target


def _save(model: onnx.ModelProto, file: Path) -> None:
    try:
        onnx.checker.check_model(model, full_check=False)
    except onnx.checker.ValidationError as error:
        raise ExportError(
            "A file of ONNX must be sound. "
            f"Received: {str(error).splitlines()[0]} Report this with the network."
        ) from error
    onnx.save(model, str(file))


def _loaded(file: Path) -> OnnxNetwork:
    try:
        return OnnxNetwork(file)
    except UsageError:
        raise
    except Exception as error:  # ONNX Runtime's have no class of their own
        raise ExportError(
            "ONNX Runtime must load what was written. "
            f"Received: {str(error).splitlines()[0]} "
            "Serve the SavedModel, and report this with the network."
        ) from error


def _asked(file: Path, reference: Reference) -> list[dict[str, np.ndarray]]:
    """Answers to all golden rows together, and to some of them alone."""
    inputs = {name: _plain(values) for name, values in reference.inputs.items()}
    alone = [{name: [values[row]] for name, values in inputs.items()} for row in _ALONE]
    return ask(file, [inputs, *alone])


def _compared(asked: list[dict[str, np.ndarray]], reference: Reference) -> float:
    """How far the answers of model.onnx are from those of the SavedModel.

    Raises:
        ExportError: too far, or a row alone is answered otherwise.
    """
    together, *alone = asked
    for row, one in zip(_ALONE, alone, strict=True):
        golden.check_alone(together, one, row)
    return golden.worst_difference(_decoded(reference.answers or {}), together)


def _plain(values: tf.Tensor) -> list[Any]:
    """A column as Python values."""
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for value in values.numpy().tolist()
    ]


def _decoded(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns with strings in place of bytes; NULs at their ends stay."""
    text = np.frompyfunc(lambda value: value.decode("utf-8"), 1, 1)
    return {
        name: np.asarray(text(values), object) if values.dtype == object else values
        for name, values in columns.items()
    }


def _loops(model: keras.Model) -> list[str]:
    """Which recurrent layers are loops, because ONNX has no node for them."""
    loops = [
        layer.name
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.RNN) and not is_fusable(layer)
    ]
    if not loops:
        return []
    return [f"These layers are loops, which are slow: {', '.join(sorted(loops))}."]


def _quantized(hidden: Path, reference: Reference, rows: Rows | None) -> dict[str, Any]:
    """Writes int8 weights and says what they cost."""
    quantize(hidden / NETWORK, hidden / INT8)
    before, after = (OnnxNetwork(hidden / name) for name in (NETWORK, INT8))
    cost: dict[str, Any] = {"golden": reference.apart(after)}
    if rows is not None:
        both = {"float32": before, "int8": after}
        cost["scores"] = scores_apart(reference.task, rows, both)
    return cost
