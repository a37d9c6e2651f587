"""Converts a Keras network to a LiteRT (TFLite) file. Knows no task."""

import contextlib
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.format_parity import feature_specs, flatten_outputs
from tfnlp.export.litert.frozen import frozen
from tfnlp.export.litert.recurrent import with_plain_loops
from tfnlp.export.savedmodel.portable import without_cudnn

KINDS = ("float32", "float16", "int8")
"""Weight types; activations are always float32."""


def converted(
    model: keras.Model, *, kinds: Sequence[str] = ("float32",)
) -> dict[str, bytes]:
    """Converts a network to built-in LiteRT operations, without Flex: kind → file.

    Batch size and length are dynamic: the interpreter resizes the inputs.

    Args:
        kinds: some of `KINDS`.

    Raises:
        ExportError: an operation has no counterpart in LiteRT.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        try:
            _save(model, Path(folder))
            return {kind: _convert(folder, kind) for kind in kinds}
        except _failures() as error:
            raise ExportError(
                "Every operation of a network must have a counterpart in LiteRT; Flex "
                "would need TensorFlow. "
                f"Received: {_reason(error)}. Serve the SavedModel, or ONNX."
            ) from error


def _save(model: keras.Model, folder: Path) -> None:
    specs, module = feature_specs(model), tf.Module()
    with without_cudnn(model), with_plain_loops(model) as traced:

        def compute(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            features = {spec.name: v for spec, v in zip(specs, values, strict=True)}
            return flatten_outputs(traced(features, training=False))

        module.compute = frozen(compute, specs)
    signature = module.compute.get_concrete_function()
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signature, options)


def _convert(folder: str, kind: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    written: bytes = converter.convert()
    return written


def _failures() -> tuple[type[Exception], ...]:
    from tensorflow.lite.python.convert import ConverterError

    return (ConverterError, tf.errors.OpError, RuntimeError, ValueError)


def _reason(error: Exception) -> str:
    """The operations that LiteRT lacks, or the first line of the error."""
    missing = sorted(set(re.findall(r"'tf\.(\w+)' op", str(error))))
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return ", ".join(missing) or lines[0][:200].rstrip(".")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences progress messages and deprecation warnings of the converter."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
