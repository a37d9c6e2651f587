"""The fingerprint of a run: settings, rows and network, compared when it resumes.

Large values are compared by a digest. Numbers that Keras appends to names in a process
are left out, and so are initial weights: their bits may depend on the machine, and a
resumed run does not use them.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfnlp.data.rows import digest as digest_of_rows
from tfnlp.saving import pack
from tfnlp.specs import Rows, check_rows
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig

FIRST = 1_000
"""Rows whose contents are compared; of the others only the number is."""
_ARRAYS = ("__numpy__", "__tensor__")
_COUNTED = re.compile(r"_\d+$")


def depends_on(
    task: Task,
    network: keras.Model,
    config: TrainConfig,
    train: Rows,
    valid: Rows,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """The fingerprint of a run as JSON values by name.

    Args:
        train: rows of a known number.
        valid: rows of a known number.
        more: values of the caller, such as flags; compared first.
    """
    own = dataclasses.asdict(config)
    del own["checkpoint_seconds"], own["report_to"]
    own |= {
        "rows": rows_digest(task, train),
        "validation rows": rows_digest(task, valid),
        "task": digest(pack(task)),
        "network": network_digest(network),
        "weights": [list(weight.shape) for weight in network.weights],
    }
    found: dict[str, Any] = json.loads(as_json({**more, **own}))
    return found


def rows_digest(task: Task, rows: Rows) -> str:
    """The number of rows, and a digest of the first ones.

    Only fields of the task are read.
    """
    first = check_rows(rows, {**task.inputs, **task.targets}).take(FIRST)
    return f"{int(rows.cardinality()):,} ({digest_of_rows(first)[:12]})"


def network_digest(network: keras.Model) -> str:
    """A digest of a network's configuration; its class, if it has none."""
    try:
        config = json.loads(network.to_json())
    except (
        NotImplementedError,
        TypeError,
        ValueError,
    ):  # a subclass without get_config
        return type(network).__name__
    return digest(_lasting(config))


def digest(value: Any) -> str:
    """A short digest of a JSON value.

    Example:
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return _hashed(json.dumps(value, default=_jsonable, sort_keys=True))


def numbers(settings: Mapping[str, Any]) -> list[int]:
    """A digest as numbers that workers can compare; see `strategy.agree`."""
    hashed = hashlib.sha256(as_json(settings).encode()).digest()
    return [int.from_bytes(hashed[n : n + 3], "big") for n in range(0, 24, 3)]


def as_json(value: Any) -> str:
    """JSON of logs and configurations, NumPy numbers included.

    Example:
    >>> as_json({"f1": np.float32(0.5), "of": np.arange(2)})
    '{"f1": 0.5, "of": [0, 1]}'
    """
    return json.dumps(value, default=_jsonable)


def _jsonable(value: Any) -> Any:
    """Paths, arrays, tensors and NumPy numbers; of anything else its type."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "__array__"):
        found = np.asarray(value)
        if found.dtype.kind in "biuf":
            return found.tolist()
    return f"<{type(value).__name__}>"


def _lasting(value: Any) -> Any:
    """A configuration without what differs between processes."""
    if isinstance(value, str):
        return _COUNTED.sub("", value)
    if isinstance(value, list):
        return [_lasting(each) for each in value]
    if isinstance(value, dict):
        if value.get("class_name") in _ARRAYS:
            return list(np.shape(value["config"]["value"]))
        if (
            value.get("class_name") == "__lambda__"
        ):  # bytecode, which differs between versions
            return "<lambda>"
        kept = {k: v for k, v in value.items() if k != "shared_object_id"}
        return {name: _lasting(each) for name, each in kept.items()}
    return value


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
