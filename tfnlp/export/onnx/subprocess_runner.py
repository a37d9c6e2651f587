"""Asks a `model.onnx` in a process of its own, without TensorFlow and tfnlp.

Run as a script: JSON lines of columns come in, JSON lines of answers go out. TensorFlow
and onnxruntime-extensions each bring the library RE2; where both are loaded, patterns
silently match nothing. So nothing here may import TensorFlow, not even by the way.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Columns = Mapping[str, Any]


def ask(file: Path, requests: Sequence[Columns]) -> list[dict[str, np.ndarray]]:
    """Answers of a model to columns of strings and numbers, one for each request.

    Raises:
        RuntimeError: the model cannot be loaded or run; the message says why.
    """
    lines = [json.dumps({name: list(v) for name, v in r.items()}) for r in requests]
    # -P: else the script's folder would come before installed packages.
    command = [sys.executable, "-P", __file__, str(file)]
    done = subprocess.run(
        command, input="\n".join(lines), capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"{said[-1]} (exit status {done.returncode})")
    return [
        {name: np.asarray(*column) for name, column in json.loads(line).items()}
        for line in done.stdout.splitlines()
    ]


def answers(file: str, lines: Iterable[str]) -> Iterable[str]:
    """Lines of columns to lines of answers: their values and type."""
    import onnxruntime
    import onnxruntime_extensions

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.register_custom_ops_library(onnxruntime_extensions.get_library_path())
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(file, options, providers=providers)
    kinds = {each.name: _kind(each.type) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    for line in lines:
        request = json.loads(line)
        feed = {name: np.array(request[name], kind) for name, kind in kinds.items()}
        found = zip(names, session.run(None, feed), strict=True)
        yield json.dumps({name: _column(values) for name, values in found})


def _kind(name: str) -> Any:
    return {"tensor(string)": object, "tensor(float)": np.float32}.get(name, np.int32)


def _column(values: np.ndarray) -> tuple[Any, str]:
    return values.tolist(), values.dtype.name


if __name__ == "__main__":
    for answer in answers(sys.argv[1], sys.stdin):
        print(answer)
