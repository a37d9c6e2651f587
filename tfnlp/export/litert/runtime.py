"""LiteRT interpreter as a network that `Task.answer` accepts."""

import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.export.format_parity import unflatten_outputs


class LiteRTNetwork:
    """The network of an artefact in LiteRT: features → outputs.

    Like `OnnxNetwork`, it replaces the Keras network in `task.answer`.

    Args:
        file: `network.tflite`, or one of its variants.
        threads: number of threads per operation.

    Example:
    >>> network = LiteRTNetwork("saved_models/demo/litert/1/network.tflite")
    ... # doctest: +SKIP
    >>> task.answer(network, {"text": tf.constant(["fine"])})  # doctest: +SKIP
    """

    def __init__(self, file: str | Path, *, threads: int = 1):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # deprecated in favour of a separate package
            interpreter = tf.lite.Interpreter(str(file), num_threads=threads)
        self._run = interpreter.get_signature_runner()
        self._inputs = sorted(self._run.get_input_details())
        self._outputs = self._run.get_output_details()
        self._alone = threading.Lock()

    def __call__(self, features: Mapping[str, tf.Tensor]) -> Any:
        """A tensor, or a dictionary of them, as the Keras network returns it."""
        types = [tf.as_dtype(each["dtype"]) for each in self._outputs.values()]
        values = tf.numpy_function(
            self._compute, [features[name] for name in self._inputs], types
        )
        values = tf.nest.flatten(values)  # a single one comes without its list
        for value, output in zip(values, self._outputs.values(), strict=True):
            value.set_shape([d if d >= 0 else None for d in output["shape_signature"]])
        return unflatten_outputs(dict(zip(self._outputs, values, strict=True)))

    def _compute(self, *values: np.ndarray) -> list[np.ndarray]:
        with self._alone:  # an interpreter holds the state of one run
            found = self._run(**dict(zip(self._inputs, values, strict=True)))
        return [found[name] for name in self._outputs]
