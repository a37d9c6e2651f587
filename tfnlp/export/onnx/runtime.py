"""ONNX Runtime in place of TensorFlow: a network that `Task.answer` can be given."""

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.export.format_parity import OUTPUT, unflatten_outputs


class OnnxNetwork:
    """The numeric half of an artefact: features → outputs, computed by ONNX Runtime.

    Works where the Keras network does: `task.answer(OnnxNetwork(file), inputs)`, also
    inside a `tf.function` and in `answers`, so that a task's scores can be taken of
    what is deployed.

    Args:
        file: `network.onnx`, or one of its variants.
        threads: that compute one operation; 0 for one a core.

    Raises:
        UsageError: ONNX Runtime is not installed.

    Example:
    >>> network = OnnxNetwork("saved_models/demo/onnx/1/network.onnx")
    ... # doctest: +SKIP
    >>> task.answer(network, {"text": tf.constant(["fine"])})  # doctest: +SKIP
    """

    def __init__(self, file: str | Path, *, threads: int = 0):
        self._session = session(file, threads=threads)
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._outputs = self._session.get_outputs()

    def __call__(self, features: Mapping[str, tf.Tensor]) -> Any:
        """A tensor, or a dictionary of them, as the Keras network returns it."""
        values = tf.numpy_function(
            self._compute, [features[name] for name in self._inputs], self._types()
        )
        values = tf.nest.flatten(values)  # a single one comes without its list
        for value, output in zip(values, self._outputs, strict=True):
            value.set_shape([d if isinstance(d, int) else None for d in output.shape])
        names = [output.name.removeprefix(OUTPUT) for output in self._outputs]
        return unflatten_outputs(dict(zip(names, values, strict=True)))

    def _types(self) -> list[tf.DType]:
        kinds = {"tensor(float)": tf.float32, "tensor(int32)": tf.int32}
        return [kinds.get(output.type, tf.int64) for output in self._outputs]

    def _compute(self, *values: np.ndarray) -> list[np.ndarray]:
        if not all(value.shape[0] for value in values if value.ndim):
            raise UsageError(  # its LSTM would end the process
                "ONNX Runtime computes at least one row. Received: none. "
                "Answer a request without rows yourself."
            )
        feed = dict(zip(self._inputs, values, strict=True))
        return list(self._session.run(None, feed))


def session(file: str | Path, *, threads: int = 0) -> Any:
    """A session of ONNX Runtime on the processor.

    Args:
        threads: that compute one operation; 0 for one a core.

    Raises:
        UsageError: ONNX Runtime is not installed.
    """
    runtime = imported("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = threads
    providers = ["CPUExecutionProvider"]
    return runtime.InferenceSession(str(file), options, providers=providers)


def check_installed() -> None:
    """Makes sure that the packages are there that write and check ONNX.

    Raises:
        UsageError: one of the extra `onnx` is not installed.
    """
    for module in ("onnx", "onnxruntime", "onnxruntime_extensions", "tf2onnx"):
        if importlib.util.find_spec(module) is None:
            imported(module)


def imported(module: str) -> ModuleType:
    """Imports a package of the extra `onnx`.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"ONNX needs {module.replace('_', '-')}. Received: {error}. "
            "Install it with: pip install 'tfnlp[onnx]'"
        ) from error
