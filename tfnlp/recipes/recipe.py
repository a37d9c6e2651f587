"""The base of every recipe: what a training run is called, and what it does in turn.

`tfnlp.recipes.run` goes through the methods in their order here; a recipe of a task
says what each of them means for it. Knows no argv: a dataclass is all it takes.
"""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import tfnlp
from tfnlp.recipes.settings import by_flag, changed

if TYPE_CHECKING:
    import keras
    import numpy as np

    from tfnlp.data.audit.texts import Audit
    from tfnlp.data.train_valid_test import Splits
    from tfnlp.specs import Rows
    from tfnlp.task import Task

Phase = Callable[[str], AbstractContextManager]
"""`tfnlp.timing.Clock.phase`: counts the seconds of a part of the run."""


class StartValues(NamedTuple):
    """What weights start from, besides random numbers."""

    vectors: "np.ndarray | None" = None
    """Pretrained word vectors, float32 [V, E]."""
    log_ratios: "np.ndarray | None" = None
    """Log-ratios of naive Bayes, float32 [V, C]."""


class Prepared(NamedTuple):
    """What a network is built from and trained on."""

    task: "Task"
    splits: "Splits"
    start: StartValues = StartValues()
    encoded: Any = None
    """The training rows as ids, where they were encoded before training."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The run: its name, where its artefact goes, and how it is trained."""

    DEFAULTS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Encoder or decoder → flag → its value where none is given."""

    name: str = "model"  # of the artefact
    output: str = "saved_models"  # folder of all artefacts
    resume: bool = False  # continue an interrupted run of this name
    training: tfnlp.TrainConfig = dataclasses.field(default_factory=tfnlp.TrainConfig)

    @property
    def architecture(self) -> str:
        """The encoder or decoder, whose `DEFAULTS` count."""
        return ""

    @property
    def evaluation_batch_size(self) -> int:
        """How many rows are answered at once when the network is evaluated."""
        return 256

    @property
    def calibrates(self) -> bool:
        """Whether decision thresholds are learnt from the validation rows."""
        return False

    def resolved(self) -> Self:
        """The recipe with the encoder's own settings where none was given."""
        own, given = self.DEFAULTS.get(self.architecture, {}), by_flag(self)
        return changed(self, {k: v for k, v in own.items() if given[k] is None})

    def example_rows(self) -> "Rows":
        """A few made-up rows with the fields of the task, for a dry run."""
        raise NotImplementedError

    def read_splits(self) -> "Splits":
        """Reads the rows to train on, to validate and to test on."""
        raise NotImplementedError

    def audit(self, splits: "Splits") -> "Audit":
        """Audits the rows; prints what is wrong, and refuses what cannot be learnt."""
        raise NotImplementedError

    def filter_rows(self, splits: "Splits") -> "Splits":
        """Leaves out the rows that the audit says training is better off without."""
        return splits

    def learn_task(self, rows: "Rows", *, dry_run: bool = False) -> "Task":
        """The vocabulary, labels and rules of the task.

        Args:
            dry_run: whether the rows are those of `example_rows`.
        """
        raise NotImplementedError

    def prepare(self, task: "Task", splits: "Splits", phase: Phase) -> Prepared:
        """What the network is built from and trained on; see `Prepared`."""
        return Prepared(task, splits, self.start_values(task))

    def start_values(self, task: "Task", *, dry_run: bool = False) -> StartValues:
        """Pretrained vectors, where the recipe names a file of them.

        Args:
            dry_run: whether a look at the beginning of the file is enough.
        """
        return StartValues()

    def counts(self, splits: "Splits", audit: "Audit") -> dict[str, int]:
        """Split → number of rows, for the report."""
        return {"train": audit.rows, "valid": audit.others["valid"]}

    def served(
        self, task: "Task", network: "keras.Model"
    ) -> "tuple[Task, keras.Model]":
        """What is saved: the task and network of requests, if others are trained."""
        return task, network

    def figures(self, task: "Task", network: "keras.Model", rows: "Rows") -> tuple:
        """Further figures for the report."""
        return ()
