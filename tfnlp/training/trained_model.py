"""The result of training: a network with its task, history and token count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from tfnlp import prediction
from tfnlp.specs import Rows
from tfnlp.task import Arrays, Task


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What `tfnlp.fit` returns.

    Attributes:
        network: with the weights that `TrainConfig.keep_weights` chose.
        task: what its inputs and outputs mean.
        history: metric → its value after each epoch, as in `keras.callbacks.History`.
        tokens: number of tokens that this process trained on.
        last_weights: of the last epoch, for `network.set_weights`; None unless
            `TrainConfig.keep_weights` is "both".
    """

    network: keras.Model
    task: Task
    history: Mapping[str, Sequence[float]]
    tokens: int = 0
    last_weights: Sequence[np.ndarray] | None = None

    def predict(self, rows: Rows, *, batch_size: int = 256) -> Arrays:
        """Predicts the answers for rows, in order; targets are not needed.

        Args:
            rows: rows with the fields of `task.inputs`, not batched.
            batch_size: rows per call of the network.

        Returns:
            name → array whose first axis is the row; see `tfnlp.prediction.predict`.

        Raises:
            SchemaError: the rows lack a field.
            DataError: there are no rows.
        """
        return prediction.predict(self.task, self.network, rows, batch_size=batch_size)

    def for_inference(
        self, task: Task, network: keras.Model | None = None
    ) -> "TrainedModel":
        """The same training with the task and the network that are saved.

        Args:
            task: answers requests, as `Tagging.for_texts()` does.
            network: shares the variables of the trained one, as `LanguageModel.plain`
                makes it; None is the trained one.
        """
        network, last = network or self.network, self.last_weights
        if last is not None and network is not self.network:
            best = self.network.get_weights()
            self.network.set_weights(last)
            last = network.get_weights()
            self.network.set_weights(best)
        return replace(self, task=task, network=network, last_weights=last)
