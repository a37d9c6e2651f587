"""Servable module: a task and its network with named signatures, strings in and out.

TensorFlow only exports what is reachable from the module, so the task and the variables
of the network are attributes of it (docs/traps.md#m12). The network is not: a server
restores Keras' variables into copies that no signature reads, and then has no weights
(keras#20095, serving#2250); TensorFlow's own, which those hold, are restored as such.
Knows no task and nothing of the file system.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tfnlp.task import Endpoint, Task


class Servable(tf.Module):
    """The module that `export` saves: one signature per endpoint.

    Args:
        task: defines the endpoints.
        model: features → outputs.
    """

    model: keras.Model

    def __init__(self, task: Task, model: keras.Model):
        super().__init__()
        self.task = task
        self.weights = [variable.value for variable in model.variables]
        object.__setattr__(self, "model", model)  # TensorFlow does not see it

    def signatures(self) -> dict[str, Callable]:
        """Traces one graph per endpoint; inputs and outputs keep the task's names.

        They are traced once, here: TensorFlow would trace a `tf.function` to save it,
        and again when it is called. It reads defaults of untraced functions only, so
        endpoints with defaults get a thin untraced wrapper around their graph.
        """
        endpoints = self.task.endpoints()
        graphs = {
            name: function(endpoint, self.model).get_concrete_function()
            for name, endpoint in endpoints.items()
        }
        return {
            name: _declared(
                endpoints[name], lambda inputs, graph=graph: graph(**inputs)
            )
            if endpoints[name].defaults
            else graph
            for name, graph in graphs.items()
        }


def function(endpoint: Endpoint, model: Callable) -> Any:
    """A `tf.function` of the fields of an endpoint, optional ones last."""
    return _declared(endpoint, partial(endpoint.function, model))


def _declared(endpoint: Endpoint, answer: Callable) -> Any:
    optional = endpoint.defaults
    names = sorted(endpoint.inputs, key=lambda name: name in optional)

    def serve(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = dict(zip(names, values, strict=True))
        outputs = answer(inputs)
        return {name: tf.identity(_wide(each)) for name, each in outputs.items()}

    # TensorFlow reads names and defaults from the Python signature.
    serve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=_constant(endpoint, name),
            )
            for name in names
        ]
    )
    specs = [endpoint.inputs[name] for name in names]
    return tf.function(
        serve,
        input_signature=[
            tf.TensorSpec(spec.shape, spec.dtype, name=name)
            for name, spec in zip(names, specs, strict=True)
        ],
    )


def _wide(answer: tf.Tensor) -> tf.Tensor:
    """Casts bfloat16 and float16 to float32: TF Serving's REST lacks bfloat16."""
    narrow = answer.dtype in (tf.bfloat16, tf.float16)
    return tf.cast(answer, tf.float32) if narrow else answer


def _constant(endpoint: Endpoint, name: str) -> Any:
    """The default of a field as a tensor [1]; without one, no default."""
    if name not in endpoint.defaults:
        return inspect.Parameter.empty
    return tf.constant([endpoint.defaults[name]], endpoint.inputs[name].dtype)
