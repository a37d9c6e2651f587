"""Parity of exports in other formats: folders, golden rows, compared answers."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export import format_number, golden_rows
from tfnlp.export.network_copy import network_copy
from tfnlp.export.savedmodel.portable import without_cudnn
from tfnlp.export.savedmodel.runner import SavedModelRunner
from tfnlp.prediction import predict_with_targets
from tfnlp.saving import to_json
from tfnlp.specs import Rows
from tfnlp.task import Endpoint, Task, Tensors
from tfnlp.text.optional_packages import register

OUTPUT = "output_"
"""Prefix of outputs whose name is also that of an input, which ONNX forbids."""


def export_folder(folder: Path, kind: str) -> Path:
    """The folder of the export of a version in another format.

    Example:
    >>> export_folder(Path("saved_models/demo/3"), "onnx").as_posix()
    'saved_models/demo/onnx/3'
    """
    folder = folder.resolve() if not folder.name else folder
    return folder.parent / kind / folder.name


def write_task(folder: Path, task: Task) -> None:
    """Writes the text half as JSON, vocabularies and rules, and the format number."""
    format_number.write(folder)
    (folder / "task.json").write_text(to_json(task), encoding="utf-8")


def match_endpoints(
    task: Task, fields: Mapping[str, Collection[str]]
) -> dict[str, Endpoint]:
    """Matches signatures with the endpoints of a task that have the same fields.

    A loaded task may use other names, such as one that was saved for raw texts.

    Args:
        fields: name of a signature → names of its fields.
    """
    known = task.endpoints()
    found = {}
    for name, inputs in fields.items():
        ordered = [known[name], *known.values()] if name in known else known.values()
        found[name] = next(e for e in ordered if e.inputs.keys() == set(inputs))
    return found


def feature_specs(model: keras.Model) -> list[tf.TensorSpec]:
    """The input specs of a network."""
    return [tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in model.inputs]


def flatten_outputs(outputs: Any) -> dict[str, tf.Tensor]:
    """Flattens outputs to a dictionary: `outputs` for one tensor, ``outer/inner``.

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
            found |= {
                f"{name}/{n}": tensor for n, tensor in flatten_outputs(inner).items()
            }
        else:
            found[name] = inner
    return found


def unflatten_outputs(found: Mapping[str, tf.Tensor]) -> Any:
    """Inverse of `flatten_outputs`: a tensor, or nested dictionaries of tensors.

    Example:
    >>> unflatten_outputs({"tags/start": 1, "tags/end": 2, "intent": 3})
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


def describe_type(kind: str, sizes: Iterable[int | None]) -> str:
    """Type and shape of a tensor for a report; None is a variable size.

    Example:
    >>> describe_type("int32", [None, None]), describe_type("float32", [None, 3])
    ('int32 [B, T]', 'float32 [B, 3]')
    """
    names = "BTDE"
    shape = [
        names[min(place, 3)] if size is None else str(size)
        for place, size in enumerate(sizes)
    ]
    return f"{kind} [{', '.join(shape)}]"


@dataclass(frozen=True)
class GoldenAnswers:
    """An endpoint with its answers to golden rows."""

    endpoint: Endpoint
    inputs: Tensors
    answers: dict[str, np.ndarray]

    def recompute(self, model: keras.Model) -> "GoldenAnswers":
        """The answers of a network to the same rows."""
        with without_cudnn(model):
            answers = tf.function(self.endpoint.function)(model, self.inputs)
        return replace(self, answers=arrays(answers))


@dataclass(frozen=True)
class Reference:
    """Answers of a SavedModel and outputs of its network for golden rows."""

    task: Task
    model: keras.Model
    inputs: Tensors
    features: Tensors
    outputs: dict[str, np.ndarray]
    answers: dict[str, np.ndarray] | None
    """None if answers need more than one run of the network."""
    precision_difference: float | None = None
    """Largest difference of the SavedModel, if it computes below float32."""
    by_signature: Mapping[str, GoldenAnswers] = field(default_factory=dict)
    """Answers of each signature; empty where `answers` is None."""

    @classmethod
    def of(
        cls, folder: Path, task: Task, model: keras.Model, *, narrow: bool = False
    ) -> "Reference":
        """Runs the SavedModel of a version, and its network, on golden rows.

        Args:
            narrow: whether the SavedModel computes below float32 and the network does
                not; the answers of the network are then the reference.
        """
        inputs = golden_rows.golden(task)
        features = golden_features(task, model)
        with without_cudnn(model):
            outputs = arrays(flatten_outputs(tf.function(model)(features)))
        if not needs_one_run(task):
            return cls(task, model, inputs, features, outputs, None)
        saved = _saved_model_answers(folder, task)
        own = _own_signature(saved, inputs)
        if not narrow:
            return cls(
                *(task, model, inputs, features, outputs),
                answers=saved[own].answers,
                by_signature=saved,
            )
        computed = {name: each.recompute(model) for name, each in saved.items()}
        return cls(
            *(task, model, inputs, features, outputs),
            answers=computed[own].answers,
            precision_difference=_max_difference(
                saved[own].answers, computed[own].answers
            ),
            by_signature=computed,
        )

    def compare(self, network: Callable) -> dict[str, Any]:
        """Largest differences of a network in another format to the SavedModel.

        Raises:
            ExportError: a difference exceeds the tolerance, or a single row has
                another answer than in a batch.
        """

        def compute(features: Mapping[str, Any]) -> dict[str, np.ndarray]:
            return arrays(flatten_outputs(network(features)))

        found: dict[str, Any] = {
            "rows": len(next(iter(self.inputs.values()))),
            "outputs": golden_rows.max_difference(self.outputs, compute(self.features)),
        }
        if self.answers is not None:

            def answer(inputs: Tensors) -> dict[str, np.ndarray]:
                return arrays(self.task.answer(network, inputs))

            golden_rows.check_single_rows(answer, self.inputs)
            found["answers"] = golden_rows.max_difference(
                self.answers, answer(self.inputs)
            )
        return found

    def differences(self, network: Callable) -> dict[str, float]:
        """Differences of a network with smaller weights, without a tolerance."""
        found = arrays(flatten_outputs(network(self.features)))
        numbers = {name: self.outputs[name] - found[name] for name in found}
        cost = {"worst_output": float(max(np.abs(n).max() for n in numbers.values()))}
        if self.answers is not None:
            theirs = arrays(self.task.answer(network, self.inputs))
            cost["equal_answers"] = _share_of_equal_strings(self.answers, theirs)
        return cost


def golden_features(task: Task, model: keras.Model) -> Tensors:
    """Features of golden rows; with targets, if the network reads them."""
    features = dict(task.encode(golden_rows.golden(task)))
    if {tensor.name for tensor in model.inputs} <= features.keys():
        return features
    return dict(task.example(golden_rows.golden(task, targets=True))[0])


def _saved_model_answers(folder: Path, task: Task) -> dict[str, GoldenAnswers]:
    """Answers of a SavedModel at each signature."""
    register(to_json(task))
    runner = SavedModelRunner(folder)
    fields = {name: runner.definitions[name].inputs.keys() for name in runner.names}
    found = {}
    for name, endpoint in match_endpoints(task, fields).items():
        inputs = golden_rows.golden(task, inputs=endpoint.inputs)
        found[name] = GoldenAnswers(endpoint, inputs, runner.run(name, inputs))
    return found


def _own_signature(found: Mapping[str, GoldenAnswers], inputs: Tensors) -> str:
    """The signature of the task's own fields, which may have another name."""
    order = sorted(found, key=lambda name: name != "serving_default")
    return next(n for n in order if found[n].inputs.keys() == inputs.keys())


def needs_one_run(task: Task) -> bool:
    """Whether an answer needs one run of the network: features in, outputs out."""
    return type(task).answer is Task.answer


def limits_of_answers(
    reference: Reference, signatures: Iterable[str], written: Collection[str] = ()
) -> list[str]:
    """Limits of another format compared with the SavedModel, as sentences.

    Args:
        signatures: of the SavedModel; a loaded task may use other names.
        written: those that the format has.
    """
    limits = []
    if reference.answers is None:
        limits.append(
            "Answers need more than one run of the network (texts are generated token "
            "by token); only outputs for given tokens are exported."
        )
    if reference.precision_difference is not None:
        limits.append(
            "The SavedModel computes below float32, this export in float32: numbers "
            f"differ by up to {reference.precision_difference:.2g}."
        )
    others = sorted({*signatures} - {"serving_default", *written})
    if others:
        limits.append(f"Only serving_default is exported, not: {', '.join(others)}.")
    return limits


def score_differences(
    task: Task, rows: Rows, networks: Mapping[str, Callable]
) -> dict[str, dict[str, float]]:
    """Scores of two networks on the same rows, and their difference.

    Args:
        networks: by name; the first is the reference.
    """
    found = []
    for network in networks.values():
        columns, answered = predict_with_targets(task, network, rows)
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


def _max_difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, Any]) -> float:
    """Largest absolute difference of the numbers of two answers."""
    numbers = [name for name, array in ours.items() if array.dtype.kind == "f"]
    return max(
        (float(np.max(np.abs(ours[name] - theirs[name]))) for name in numbers),
        default=0.0,
    )


def _share_of_equal_strings(
    ours: Mapping[str, np.ndarray], theirs: Mapping[str, Any]
) -> float:
    """Share of rows whose strings are all equal."""
    strings = [name for name, array in ours.items() if array.dtype == object]
    rows = len(next(iter(ours.values())))
    equal = np.ones(rows, bool)
    for name in strings:
        same = ours[name] == theirs[name]
        equal &= np.asarray(same).reshape(rows, -1).all(axis=1)
    return float(equal.mean())


def in_float32(model: keras.Model) -> tuple[keras.Model, bool]:
    """A network that computes in float32, and whether the original did not.

    A copy if it did not, else the network itself.
    """
    if all(x.compute_dtype == "float32" for x in model._flatten_layers()):
        return model, False
    copy = network_copy(model)
    for layer in copy._flatten_layers():
        if layer.compute_dtype != "float32":
            layer.dtype_policy = "float32"
    return copy, True
