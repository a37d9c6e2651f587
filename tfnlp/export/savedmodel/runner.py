"""SavedModel runner: loads a SavedModel and calls its signatures.

The only place that does so; predictor, server, parity checks and exports share it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.export.savedmodel.signatures import read_definitions


class SavedModelRunner:
    """A loaded SavedModel, which keeps its variables and tables alive.

    Args:
        folder: of the SavedModel.

    Raises:
        OSError: a file is missing.
        ValueError: saved_model.pb is damaged, or has no graph for serving.
        OpError: TensorFlow cannot restore the variables.

    Example:
    >>> runner = SavedModelRunner(Path("saved_models/demo/1"))  # doctest: +SKIP
    >>> runner.run("serving_default", {"text": tf.constant(["A fine film."])})
    ... # doctest: +SKIP
    {'label': array([b'fresh'], dtype=object), 'score': array([0.97], dtype=float32)}
    """

    def __init__(self, folder: Path):
        self.definitions = read_definitions(folder)
        """Signature → SignatureDef."""
        self._model: Any = tf.saved_model.load(str(folder))

    @property
    def names(self) -> list[str]:
        """The signatures that can be called."""
        return list(self._model.signatures)

    def run(self, name: str, inputs: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
        """Calls a signature: one tensor per field in, arrays out.

        Raises:
            OpError: the graph rejects the inputs.
        """
        outputs = self._model.signatures[name](**inputs)
        return {output: tensor.numpy() for output, tensor in outputs.items()}
