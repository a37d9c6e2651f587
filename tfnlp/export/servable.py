"""A task and its network as one module with named signatures, strings in and out.

TensorFlow only exports what is reachable from the module, so task and model are
attributes of it (trap M12). Knows no task and nothing of the file system.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfnlp.task import Endpoint, Task


class Servable(tf.Module):
    """What `export` saves: answers requests by name of endpoint.

    Args:
        task: gives the endpoints.
        model: features → outputs.
    """

    def __init__(self, task: Task, model: keras.Model):
        super().__init__()
        self.task, self.model = task, model

    def signatures(self) -> dict[str, Callable]:
        """Concrete functions by endpoint; inputs and outputs keep the task's names."""
        return {
            name: _concrete(endpoint, self.model)
            for name, endpoint in self.task.endpoints().items()
        }


def _concrete(endpoint: Endpoint, model: Callable) -> Callable:
    specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in endpoint.inputs.items()
    }

    @tf.function
    def serve(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = endpoint.function(model, inputs)
        return {name: tf.identity(tensor) for name, tensor in outputs.items()}

    return serve.get_concrete_function(**specs)
