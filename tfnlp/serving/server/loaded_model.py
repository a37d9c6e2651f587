"""One loaded version of a model: predict, classify and regress.

`predict` is columns in, columns out. `classify` and `regress` take `tf.train.Example`
messages and need a signature with the inputs and outputs that TF Serving requires.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.serving.protocol.json_tensors import plain
from tfnlp.serving.protocol.signatures import DEFAULT, Signature, load
from tfnlp.serving.protocol.status import invalid
from tfnlp.serving.server.batching import Batched, Batching
from tfnlp.task import Arrays

Classes = list[list[tuple[bytes, float]]]
"""For each row, its classes: label and score."""


class LoadedModel:
    """A loaded version of a model.

    Args:
        name: of the model.
        number: of the version.
        signatures: by name.
        batching: batching parameters; None runs each request alone.
    """

    def __init__(
        self,
        name: str,
        number: int,
        signatures: Mapping[str, Signature],
        batching: Batching | None = None,
    ):
        self.name, self.number = name, number
        self._batched = {n: Batched(s, batching) for n, s in signatures.items()}

    @property
    def definitions(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The SignatureDefs of saved_model.pb, by name."""
        return {n: each.signature.definition for n, each in self._batched.items()}

    def signature(self, name: str) -> Signature | None:
        """The signature of a name ("" is ``serving_default``), or None."""
        found = self._batched.get(name or DEFAULT)
        return None if found is None else found.signature

    def predict(self, name: str, columns: Arrays) -> dict[str, np.ndarray]:
        """Runs an existing signature.

        Args:
            name: of the signature, or "".
            columns: field → array; strings as bytes.

        Raises:
            StatusError: the request is invalid, or the graph rejects it.
        """
        batched = self._batched[name or DEFAULT]
        return batched.run(batched.signature.complete(columns))

    def classify(self, name: str, examples: Sequence[bytes]) -> Classes:
        """The classes of serialized `tf.train.Example` messages.

        Raises:
            StatusError: the signature is of another kind, or the graph rejects the
                request.
        """
        outputs = self._examples(name, examples, _check_classifies)
        shape = next(iter(outputs.values())).shape
        for output, column in outputs.items():
            if column.ndim != 2 or len(column) != len(examples):
                raise invalid(
                    f"Expected {output} of the shape [batch_size num_classes] with "
                    f"{len(examples)} rows. Got: {list(column.shape)}"
                )
            if column.shape != shape:
                raise invalid(
                    "Tensors class and score should match in dim_size(1). "
                    f"Got {shape[1]} vs. {column.shape[1]}"
                )
        labels = outputs.get("classes", np.full(shape, b"", object))
        scores = outputs.get("scores", np.zeros(shape, np.float32))
        return [
            list(zip(row, values, strict=True))
            for row, values in zip(labels.tolist(), plain("", scores), strict=True)
        ]

    def regress(self, name: str, examples: Sequence[bytes]) -> list[float]:
        """A number for each serialized `tf.train.Example`.

        Raises:
            StatusError: the signature is of another kind, or the graph rejects the
                request.
        """
        values = self._examples(name, examples, _check_regresses)["outputs"]
        if values.shape not in [(len(examples),), (len(examples), 1)]:
            raise invalid(
                "Expected output Tensor shape to be either [batch_size] or "
                f"[batch_size, 1] but got {list(values.shape)}"
            )
        numbers: list[float] = plain("", values.ravel())
        return numbers

    def _examples(
        self, name: str, examples: Sequence[bytes], check: Callable[[Signature], None]
    ) -> dict[str, np.ndarray]:
        found = self.signature(name)
        if found is None:
            raise invalid(f"No signature was found with the name: {name or DEFAULT}")
        check(found)
        if not examples:
            raise invalid("Input is empty.")
        column = np.empty(len(examples), object)
        column[:] = examples
        return self.predict(name, {"inputs": column})


def load_version(
    name: str, number: int, folder: Path, *, batching: Batching | None = None
) -> LoadedModel:
    """Loads a version of a model.

    Raises:
        StatusError: its folder holds no loadable SavedModel.
    """
    return LoadedModel(name, number, load(folder), batching)


def _check_classifies(signature: Signature) -> None:
    outputs = signature.definition.outputs.keys()
    _check_one_input(signature)
    if len(outputs) > 2:
        raise invalid(f"Expected one or two output Tensors, found {len(outputs)}")
    _check_inputs(signature, "classification")
    if not outputs & {"classes", "scores"}:
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {sorted(outputs)}'
        )


def _check_regresses(signature: Signature) -> None:
    outputs = signature.definition.outputs.keys()
    _check_one_input(signature)
    if len(outputs) != 1:
        raise invalid("Expected one output Tensor.")
    _check_inputs(signature, "regression")
    if "outputs" not in outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {sorted(outputs)}")


def _check_one_input(signature: Signature) -> None:
    if len(signature.definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")


def _check_inputs(signature: Signature, kind: str) -> None:
    fields = signature.definition.inputs.keys()
    if "inputs" not in fields:
        raise invalid(f"No {kind} inputs found in SignatureDef: {sorted(fields)}")
