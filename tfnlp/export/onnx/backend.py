"""The ONNX backend of string primitives: placeholders instead of TensorFlow operations.

Set with `tfnlp.text.ops.using` while an endpoint is traced. A primitive that it lacks
is an error: TensorFlow's own operations would make a graph that ONNX cannot run.
"""

from collections.abc import Callable
from typing import Any

from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.export.onnx.text import TextPrimitives, refused
from tfnlp.export.onnx.words import WordPrimitives
from tfnlp.text.ops import PRIMITIVES


class OnnxBackend:
    """Adds a placeholder for each primitive that has an exact counterpart in ONNX.

    Args:
        placeholders: receives the calls.
    """

    def __init__(self, placeholders: Placeholders):
        groups = (TextPrimitives(placeholders), WordPrimitives(placeholders))
        self._primitives: dict[str, Callable] = {
            name: getattr(group, name)
            for group in groups
            for name in PRIMITIVES
            if hasattr(group, name)
        }

    def run(self, primitive: str, function: Callable, *args: Any, **kwargs: Any) -> Any:
        """Adds the placeholder of a primitive to the graph that is traced.

        Raises:
            ExportError: the primitive has no exact counterpart.
        """
        if primitive not in self._primitives:
            raise refused(f"the string primitive {primitive!r}")
        return self._primitives[primitive](*args, **kwargs)
