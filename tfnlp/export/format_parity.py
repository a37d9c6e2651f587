"""What exports in other formats share: where they lie, and what they must answer."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export import golden_rows
from tfnlp.export.savedmodel.portable import without_cudnn
from tfnlp.prediction import answers
from tfnlp.saving import to_json
from tfnlp.specs import Rows
from tfnlp.task import Endpoint, Task, Tensors
from tfnlp.text.optional_packages import register

OUTPUT = "output_"
"""Begins the name of an output that has the name of an input; ONNX tells none apart."""


def place(folder: Path, kind: str) -> Path:
    """The folder of a version in another format.

    Example:
    >>> place(Path("saved_models/demo/3"), "onnx").as_posix()
    'saved_models/demo/onnx/3'
    """
    folder = folder.resolve() if not folder.name else folder
    return folder.parent / kind / folder.name


def write_task(folder: Path, task: Task) -> None:
    """Writes the text half: vocabularies and rules, as JSON for any language."""
    (folder / "task.json").write_text(to_json(task), encoding="utf-8")


def matched(task: Task, fields: Mapping[str, Collection[str]]) -> dict[str, Endpoint]:
    """What answers at each signature: the task's endpoint of the same fields.

    A loaded task may give them other names, as one that was saved for raw texts.

    Args:
        fields: name of a signature → names of its fields.
    """
    known = task.endpoints()
    found = {}
    for name, asked in fields.items():
        ordered = [known[name], *known.values()] if name in known else known.values()
        found[name] = next(e for e in ordered if e.inputs.keys() == set(asked))
    return found


def feature_specs(model: keras.Model) -> list[tf.TensorSpec]:
    """The inputs of a network as a signature."""
    return [tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in model.inputs]


def named(outputs: Any) -> dict[str, tf.Tensor]:
    """Outputs by name: `outputs` for a single tensor, ``outer/inner`` for nested ones.

    Raises:
        ExportError: they are neither tensors nor dictionaries of them.
    """
    if tf.is_tensor(outputs) or isinstance(outputs, np.ndarray):
        return {"outputs": outputs}
    if not isinstance(outputs, Mapping):
        raise ExportError(
            "A network to export returns a tensor or a dictionary of tensors. "
            f"Received: {type(outputs).__name__}. Give its outputs names."
        )
    found: dict[str, tf.Tensor] = {}
    for name, inner in outputs.items():
        if isinstance(inner, Mapping):
            found |= {f"{name}/{n}": tensor for n, tensor in named(inner).items()}
        else:
            found[name] = inner
    return found


def unnamed(found: Mapping[str, tf.Tensor]) -> Any:
    """What `named` was made of: a tensor, or nested dictionaries of them.

    Example:
    >>> unnamed({"tags/start": 1, "tags/end": 2, "intent": 3})
    {'tags': {'start': 1, 'end': 2}, 'intent': 3}
    """
    if list(found) == ["outputs"]:
        return found["outputs"]
    outputs: dict[str, Any] = {}
    for name, tensor in found.items():
        *outer, last = name.split("/")
        inside = outputs
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[last] = tensor
    return outputs


def typed(kind: str, sizes: Iterable[int | None]) -> str:
    """Type and shape of a tensor in a report; None for a size that is open.

    Example:
    >>> typed("int32", [None, None]), typed("float32", [None, 3])
    ('int32 [B, T]', 'float32 [B, 3]')
    """
    names = "BTDE"
    shape = [
        names[min(place, 3)] if size is None else str(size)
        for place, size in enumerate(sizes)
    ]
    return f"{kind} [{', '.join(shape)}]"


@dataclass(frozen=True)
class Asked:
    """An endpoint, golden rows that it was asked, and what it answered."""

    endpoint: Endpoint
    inputs: Tensors
    answers: dict[str, np.ndarray]

    def anew(self, model: keras.Model) -> "Asked":
        """The same rows answered by a network."""
        with without_cudnn(model):
            answers = tf.function(self.endpoint.function)(model, self.inputs)
        return replace(self, answers=arrays(answers))


@dataclass(frozen=True)
class Reference:
    """What a SavedModel answers, and its network computes, for golden rows."""

    task: Task
    model: keras.Model
    inputs: Tensors
    features: Tensors
    outputs: dict[str, np.ndarray]
    answers: dict[str, np.ndarray] | None
    """None if answers take more than a function from features to outputs."""
    served: float | None = None
    """How far the SavedModel is, if its network computes in less than float32."""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """What is answered at each signature; nothing where `answers` is None."""

    @classmethod
    def of(
        cls, folder: Path, task: Task, model: keras.Model, *, narrow: bool = False
    ) -> "Reference":
        """Asks the SavedModel of a version, and its network.

        Args:
            narrow: whether the SavedModel computes in less than float32, where the
                network does not; then the network's answers are what counts.
        """
        inputs = golden_rows.golden(task)
        features = golden_features(task, model)
        with without_cudnn(model):
            outputs = arrays(named(tf.function(model)(features)))
        if not takes_a_function(task):
            return cls(task, model, inputs, features, outputs, None)
        served = _served(folder, task)
        own = _own(served, inputs)
        if not narrow:
            return cls(
                *(task, model, inputs, features, outputs),
                answers=served[own].answers,
                asked=served,
            )
        asked = {name: each.anew(model) for name, each in served.items()}
        apart = _apart(served[own].answers, asked[own].answers)
        return cls(
            *(task, model, inputs, features, outputs),
            answers=asked[own].answers,
            served=apart,
            asked=asked,
        )

    def compared(self, network: Callable) -> dict[str, Any]:
        """How far a network in another format is from the SavedModel, at worst.

        Raises:
            ExportError: too far, or a row alone is answered otherwise.
        """

        def compute(features: Mapping[str, Any]) -> dict[str, np.ndarray]:
            return arrays(named(network(features)))

        found: dict[str, Any] = {
            "rows": len(next(iter(self.inputs.values()))),
            "outputs": golden_rows.worst_difference(
                self.outputs, compute(self.features)
            ),
        }
        if self.answers is not None:

            def answer(inputs: Tensors) -> dict[str, np.ndarray]:
                return arrays(self.task.answer(network, inputs))

            golden_rows.alone(answer, self.inputs)
            found["answers"] = golden_rows.worst_difference(
                self.answers, answer(self.inputs)
            )
        return found

    def apart(self, network: Callable) -> dict[str, float]:
        """How far a network is that need not agree: numbers, and equal strings."""
        found = arrays(named(network(self.features)))
        numbers = {name: self.outputs[name] - found[name] for name in found}
        cost = {"worst_output": float(max(np.abs(n).max() for n in numbers.values()))}
        if self.answers is not None:
            theirs = arrays(self.task.answer(network, self.inputs))
            cost["equal_answers"] = _equal_share(self.answers, theirs)
        return cost


def golden_features(task: Task, model: keras.Model) -> Tensors:
    """What the network reads of golden rows; of targets, too, if it takes some."""
    features = dict(task.encode(golden_rows.golden(task)))
    if {tensor.name for tensor in model.inputs} <= features.keys():
        return features
    return dict(task.example(golden_rows.golden(task, targets=True))[0])


def _served(folder: Path, task: Task) -> dict[str, Asked]:
    """What a SavedModel answers at each signature."""
    register(to_json(task))
    signatures = tf.saved_model.load(str(folder)).signatures
    fields = {
        name: signature.structured_input_signature[1]
        for name, signature in signatures.items()
    }
    found = {}
    for name, endpoint in matched(task, fields).items():
        inputs = golden_rows.golden(task, inputs=endpoint.inputs)
        answers = arrays(signatures[name](**inputs))
        found[name] = Asked(endpoint, inputs, answers)
    return found


def _own(asked: Mapping[str, Asked], inputs: Tensors) -> str:
    """The signature of the task's own fields, which may be saved under another name."""
    order = sorted(asked, key=lambda name: name != "serving_default")
    return next(n for n in order if asked[n].inputs.keys() == inputs.keys())


def takes_a_function(task: Task) -> bool:
    """Whether answers take nothing of a network but outputs for features."""
    return type(task).answer is Task.answer


def limits_of_answers(
    reference: Reference, signatures: Iterable[str], written: Collection[str] = ()
) -> list[str]:
    """What of the SavedModel's answers another format does without.

    Args:
        signatures: of the SavedModel; a loaded task may name them otherwise.
        written: those of them that it does not do without.
    """
    limits = []
    if reference.answers is None:
        limits.append(
            "Answers take more than one run of the network (texts are generated token "
            "by token); only outputs for given tokens are here."
        )
    if reference.served is not None:
        limits.append(
            "The SavedModel computes in less than float32, this in float32: numbers of "
            f"their answers are up to {reference.served:.2g} apart."
        )
    others = sorted({*signatures} - {"serving_default", *written})
    if others:
        limits.append(f"Only serving_default is here, not: {', '.join(others)}.")
    return limits


def scores_apart(
    task: Task, rows: Rows, networks: Mapping[str, Callable]
) -> dict[str, dict[str, float]]:
    """Every score of two networks on the same rows, and what the second one gains.

    Args:
        networks: by name; the first is the one to compare with.
    """
    found = []
    for network in networks.values():
        columns, answered = answers(task, network, rows)
        found.append(task.score(columns, answered))
    first, second = found
    return {
        name: {
            **dict(
                zip(networks, (round(value, 6), round(second[name], 6)), strict=True)
            ),
            "difference": round(second[name] - value, 6),
        }
        for name, value in first.items()
    }


def arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors as arrays, by name."""
    return {name: np.asarray(tensor) for name, tensor in tensors.items()}


def _apart(ours: Mapping[str, np.ndarray], theirs: Mapping[str, Any]) -> float:
    """How far the numbers of two answers are apart at most."""
    numbers = [name for name, array in ours.items() if array.dtype.kind == "f"]
    return max(
        (float(np.max(np.abs(ours[name] - theirs[name]))) for name in numbers),
        default=0.0,
    )


def _equal_share(ours: Mapping[str, np.ndarray], theirs: Mapping[str, Any]) -> float:
    """The share of rows whose strings are all equal."""
    strings = [name for name, array in ours.items() if array.dtype == object]
    rows = len(next(iter(ours.values())))
    equal = np.ones(rows, bool)
    for name in strings:
        same = ours[name] == theirs[name]
        equal &= np.asarray(same).reshape(rows, -1).all(axis=1)
    return float(equal.mean())


@contextlib.contextmanager
def in_float32(model: keras.Model) -> Iterator[bool]:
    """Lets a network compute in float32; yields whether it does something else."""
    layers = [x for x in model._flatten_layers() if x.compute_dtype != "float32"]
    before = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = "float32"
    try:
        yield bool(layers)
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy
