"""Weights as int8, by ONNX Runtime's quantiser: smaller files, other numbers."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from tfnlp.export.onnx.runtime import imported


def quantize(network: Path, file: Path) -> None:
    """Writes a network with int8 weights of matrix products, tables and LSTMs.

    What flows between layers stays float32; ONNX Runtime finds its scale at each run.

    Args:
        network: the float32 model.
        file: to write.

    Raises:
        UsageError: ONNX Runtime is not installed.
    """
    imported("onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _hushed():
        quantize_dynamic(str(network), str(file), weight_type=QuantType.QInt8)


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Without the advice to prepare a model, which these need no more."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
