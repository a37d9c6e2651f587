"""export a version of an artefact to ONNX or LiteRT"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tfnlp
from tfnlp.cli.parsing.command_line import Words, parse_open, unknown_flag
from tfnlp.cli.tensorflow_logs import load_tensorflow, quiet, quiet_start
from tfnlp.cli.verbs.evaluate import checked, chosen_columns, with_numbers
from tfnlp.errors import UsageError
from tfnlp.recipes.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Options:
    """Exports a version of an artefact to another format, beside the versions.

    tfnlp export saved_models/demo --format onnx --int8 --data test.csv --label class
    tfnlp export saved_models/demo/3 --format litert --float16

    The files go to saved_models/demo/onnx/3 or saved_models/demo/litert/3, with
    export.json: the largest differences to the answers of the SavedModel, and the
    limits of the format. With --data and the columns of its fields it also compares the
    scores of smaller weights on labelled rows. Ends with exit code 5, and leaves no
    files, if the network cannot be converted or a file answers differently than the
    SavedModel. `--format serving` rewrites what TF Serving needs beside the versions.
    """

    artefact: str  # folder that a pipeline wrote, or of one of its versions
    format: Literal["onnx", "litert", "serving"]  # target format
    int8: bool = False  # also write int8 weights
    float16: bool = False  # also write float16 weights; LiteRT only
    data: str | None = None  # labelled rows: file, tfds:NAME or built-in set
    split: str | None = None  # split of a data set, e.g. test

    def __post_init__(self) -> None:
        if self.format == "serving" and (self.int8 or self.data):
            raise UsageError(
                "--int8 and --data are for ONNX and LiteRT. Received: --format serving "
                "with one of them. Leave it out."
            )
        if self.float16 and self.format != "litert":
            raise UsageError(
                f"--float16 is for LiteRT. Received: --format {self.format} --float16. "
                "Use --int8, or leave it out."
            )


def main(words: Sequence[str]) -> None:
    """Exports, checks, and prints the folder and a summary of its report.

    Raises:
        ExportError: the version cannot be exported to that format.
    """
    options, typed = parse_open(
        Options, words, positional=("artefact",), command="tfnlp export"
    )
    if typed and options.data is None:
        raise unknown_flag(next(iter(typed)), list(Options.__dataclass_fields__))
    if options.format == "serving":
        return _write_for_serving(Path(options.artefact))
    load_tensorflow()
    predictor = tfnlp.load(options.artefact)
    task, network = predictor.task, predictor.network
    rows = _rows(options, typed, task) if options.data else None
    folder = FORMATS[options.format](options, predictor.path, task, network, rows)
    print(folder)
    print(_summary(json.loads((folder / "export.json").read_text("utf-8"))))


def _write_for_serving(base: Path) -> None:
    with quiet_start():
        from tfnlp.export.deployment import bundle  # loads TensorFlow

    print(bundle.write(base))


def _rows(options: Options, typed: Words, task: Any) -> Any:
    """Labelled rows of --data, checked against the task's labels."""
    columns = chosen_columns(typed, [*task.inputs, *task.targets])
    reading = Reading(label_separator=getattr(task, "label_separator", None) or ",")
    rows = reading.read(str(options.data), columns, split=options.split)
    return checked(task, with_numbers(task, task.completed(rows)))


def _onnx(options: Options, folder: Path, task: Any, network: Any, rows: Any) -> Path:
    from tfnlp.export.onnx.runtime import check_installed

    check_installed()
    from tfnlp.export.onnx.export import export_onnx

    return export_onnx(folder, task, network, int8=options.int8, rows=rows)


def _litert(options: Options, folder: Path, task: Any, network: Any, rows: Any) -> Path:
    from tfnlp.export.litert.export import export_litert

    wanted = {"float16": options.float16, "int8": options.int8}
    kinds = [kind for kind, chosen in wanted.items() if chosen]
    with quiet():
        return export_litert(folder, task, network, kinds=kinds, rows=rows)


FORMATS: dict[str, Callable[[Options, Path, Any, Any, Any], Path]] = {
    "litert": _litert,
    "onnx": _onnx,
}
"""Exporter of each format: takes options, version, task, network and rows."""


def _summary(report: dict[str, Any]) -> str:
    """Formats a report: files, largest differences to the SavedModel, and limits.

    Example:
    >>> print(_summary({"golden": {"outputs": 1e-7}, "limits": ["None."],
    ...                 "files": {"network.onnx": {"bytes": 2_000_000}}}))
    network.onnx             2.0 MB
    outputs max diff         1e-07
    limit: None.
    """
    lines = [
        f"{name:<25}{file['bytes'] / 1e6:.1f} MB"
        for name, file in report["files"].items()
    ]
    for name, value in report["golden"].items():
        if isinstance(value, float):
            lines.append(f"{f'{name} max diff':<24} {value:.2g}")
    for kind in ("float16", "int8"):
        for name, score in report.get(kind, {}).get("scores", {}).items():
            lines.append(f"{f'{kind} {name}':<25}{score['difference']:+.4f}")
    return "\n".join([*lines, *(f"limit: {limit}" for limit in report["limits"])])
