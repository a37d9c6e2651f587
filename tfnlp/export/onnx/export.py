"""ONNX export of a SavedModel: written, compared on golden rows, then published.

`saved_models/NAME/onnx/VERSION` holds `network.onnx`, the numeric half for any
runtime, and `model.onnx`, texts in and answers out, where all that happens to texts
has an exact counterpart; another signature has a file of its own, such as
`model.from_tokens.onnx`. `export.json` says what was written and what its limits are.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from tfnlp.errors import ExportError, UsageError
from tfnlp.export import golden_rows
from tfnlp.export.format_parity import (
    OUTPUT,
    Reference,
    export_folder,
    in_float32,
    limits_of_answers,
    score_differences,
    write_task,
)
from tfnlp.export.onnx import answers as whole
from tfnlp.export.onnx import conversion
from tfnlp.export.onnx.describe import described
from tfnlp.export.onnx.quantized import quantize
from tfnlp.export.onnx.recurrent import is_fusable
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.onnx.string_models import MODEL, answered, model_file
from tfnlp.export.savedmodel.artefact import replaced
from tfnlp.export.savedmodel.signatures import read
from tfnlp.specs import Rows
from tfnlp.task import Task, Tensors

NETWORK, INT8 = "network.onnx", "network.int8.onnx"
_ALONE = range(0, len(golden_rows.ODD), 5)
_EXTENSIONS = (
    "Models that take strings hold operations of onnxruntime-extensions: register "
    "onnxruntime_extensions.get_library_path() with the session, in a process that has "
    "not imported TensorFlow: the two disturb one another."
)
_GENERATED = (
    "Texts are generated token by token, with choices and counts of each request; "
    "that has no exact counterpart in ONNX. Feed network.onnx with ids, or serve the "
    "SavedModel."
)
_ROWS = (
    "A request has one row at least: without any, operations of ONNX Runtime fail, and "
    "its LSTM ends the process."
)
_UTF8 = (
    "Models that take strings take valid UTF-8; the SavedModel also takes other bytes, "
    "and reads them as U+FFFD."
)
_NAMES = (
    f"Outputs have other names than inputs: {{}} of an answer begins with {OUTPUT!r}."
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
    target = export_folder(folder, "onnx")
    model, narrow = in_float32(model)
    with replaced(target) as hidden:
        reference = Reference.of(folder, task, model, narrow=narrow)
        signatures = read(folder)
        _save(conversion.network(model), hidden / NETWORK)
        write_task(hidden, task)
        report: dict[str, Any] = {
            "format": "onnx",
            "endpoints": {n: [*each.inputs] for n, each in signatures.items()},
            "golden": reference.compare(_loaded(hidden / NETWORK)),
            "limits": [_ROWS, *_loops(model)],
        }
        written, refused = _wholes(hidden, reference, signatures)
        report["golden"] |= {model_file(name): far for name, far in written.items()}
        report["limits"] += [
            *limits_of_answers(reference, signatures, written),
            *refused,
            *([_EXTENSIONS, _UTF8, *_renamed(reference, written)] if written else []),
        ]
        if int8:
            report["int8"] = _quantized(hidden, reference, rows)
        report["files"] = {
            file.name: described(file) for file in sorted(hidden.glob("*.onnx"))
        }
        (hidden / "export.json").write_text(json.dumps(report, indent=1), "utf-8")
    return target


def _wholes(
    folder: Path, reference: Reference, signatures: Iterable[str]
) -> tuple[dict[str, float], list[str]]:
    """Writes a file for each signature that has one, and asks it golden rows.

    Returns:
        How far the answers of each are from the SavedModel's, and why there is no
        file for the others.

    Raises:
        ExportError: one is not sound, cannot be run, or answers otherwise.
    """
    if reference.answers is None:
        return {}, [f"There is no {MODEL}. {_GENERATED}"]
    written, refused = {}, []
    for name in signatures:
        file, golden = folder / model_file(name), reference.by_signature[name]
        try:
            model = whole.model(golden.endpoint, reference.model)
        except ExportError as error:
            refused.append(f"There is no {file.name}. {error}")
            continue
        _save(model, file)
        written[name] = _compared(_run(file, golden.inputs), golden.answers)
    return written, refused


def _renamed(reference: Reference, written: Iterable[str]) -> list[str]:
    """Which columns of answers have the name of a field."""
    golden = [reference.by_signature[name] for name in written]
    both = sorted(
        {n for each in golden for n in each.answers.keys() & each.inputs.keys()}
    )
    return [_NAMES.format(", ".join(both))] if both else []


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


def _run(file: Path, inputs: Tensors) -> list[dict[str, np.ndarray]]:
    """Runs the model on all golden rows together, and on some of them alone.

    Raises:
        ExportError: the file cannot be loaded or run.
    """
    alone = [
        {name: each[row : row + 1] for name, each in inputs.items()} for row in _ALONE
    ]
    try:
        return answered(file, [inputs, *alone])
    except RuntimeError as error:
        raise ExportError(
            f"ONNX Runtime must run what was written. Received: {file.name}: {error}. "
            "Serve the SavedModel, and report this with the network."
        ) from error


def _compared(
    received: list[dict[str, np.ndarray]], answers: Mapping[str, np.ndarray]
) -> float:
    """The maximum difference between a file's answers and the SavedModel's.

    Raises:
        ExportError: too far, or a row alone is answered otherwise.
    """
    together, *alone = received
    for row, one in zip(_ALONE, alone, strict=True):
        golden_rows.check_single_row(together, one, row)
    return golden_rows.max_difference(answers, together)


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
    cost: dict[str, Any] = {"golden": reference.differences(after)}
    if rows is not None:
        both = {"float32": before, "int8": after}
        cost["scores"] = score_differences(reference.task, rows, both)
    return cost
