"""From a Keras network to a file of LiteRT. Knows no task."""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator

import keras
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.beside import feature_specs, named
from tfnlp.export.litert.recurrent import plain_loops
from tfnlp.export.portable import without_cudnn

KINDS = ("float32", "float16", "int8")
"""How weights are written; numbers between layers are float32 with all of them."""


def converted(model: keras.Model, *, kind: str = "float32") -> bytes:
    """Converts a network to operations that LiteRT has by itself, without Flex.

    Args:
        kind: one of `KINDS`.

    Raises:
        ExportError: an operation has no counterpart in LiteRT.
    """
    with tempfile.TemporaryDirectory() as folder, _hushed():
        _save(model, folder)
        try:
            return _convert(folder, kind)
        except _failures() as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            named = [line for line in lines if line.startswith("TF Select ops: ")]
            raise ExportError(
                "Every operation of a network must have a counterpart in LiteRT; Flex "
                "would take TensorFlow along, and its interpreter cannot check it. "
                f"Received: {(named or lines)[0][:200]}. Serve the SavedModel, or ONNX."
            ) from error


def _save(model: keras.Model, folder: str) -> None:
    specs = feature_specs(model)
    module = tf.Module()
    module.model = model

    def compute(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {spec.name: v for spec, v in zip(specs, values, strict=True)}
        return named(model(features, training=False))

    with without_cudnn(model), plain_loops(model):
        function = tf.function(compute, input_signature=specs, autograph=False)
        tf.saved_model.save(module, folder, signatures=function.get_concrete_function())


def _convert(folder: str, kind: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.experimental_enable_resource_variables = False  # loops cannot read them
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def _failures() -> tuple[type[Exception], ...]:
    from tensorflow.lite.python.convert import ConverterError

    return (ConverterError, RuntimeError, ValueError)


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Without what the converter says of its progress, and of its own future."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
