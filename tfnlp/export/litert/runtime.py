"""LiteRT's interpreter in place of Keras: a network that `Task.answer` can be given."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.export.beside import unnamed


class LiteRTNetwork:
    """The numeric half of an artefact: features → outputs, computed by LiteRT.

    As `OnnxNetwork`, it takes the place of the Keras network in `task.answer`.

    Args:
        file: `network.tflite`, or one of its variants.

    Example:
    >>> network = LiteRTNetwork("saved_models/demo/litert/1/network.tflite")
    ... # doctest: +SKIP
    """

    def __init__(self, file: str | Path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is to move to a package of its own
            self._interpreter = tf.lite.Interpreter(str(file))
        self._run = self._interpreter.get_signature_runner()
        self._inputs = sorted(self._run.get_input_details())
        self._outputs = self._run.get_output_details()

    def __call__(self, features: Mapping[str, tf.Tensor]) -> Any:
        """A tensor, or a dictionary of them, as the Keras network returns it."""
        types = [tf.as_dtype(self._outputs[name]["dtype"]) for name in self._outputs]
        values = tf.numpy_function(
            self._compute, [features[name] for name in self._inputs], types
        )
        values = tf.nest.flatten(values)  # a single one comes without its list
        for value, output in zip(values, self._outputs.values(), strict=True):
            value.set_shape([d if d >= 0 else None for d in output["shape_signature"]])
        return unnamed(dict(zip(self._outputs, values, strict=True)))

    def _compute(self, *values: np.ndarray) -> list[np.ndarray]:
        found = self._run(**dict(zip(self._inputs, values, strict=True)))
        return [found[name] for name in self._outputs]

    def operations(self) -> list[str]:
        """The operations of the file; those of the Flex delegate begin with Flex."""
        details = self._interpreter._get_ops_details()
        return sorted({each["op_name"] for each in details})
