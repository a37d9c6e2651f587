"""Backward compatibility of ``.keras`` files: old argument names and class names."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)


def renamed(config: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A layer's `get_config` of an earlier version, with the argument names of today.

    For `from_config`: networks that were saved as ``.keras`` files load for ever.

    Args:
        config: constructor arguments by name.
        names: old name → new name.

    Example:
    >>> renamed({"width": 8, "name": "decoder"}, {"width": "hidden_dim"})
    {'hidden_dim': 8, 'name': 'decoder'}
    """
    return {names.get(name, name): value for name, value in config.items()}


def weights_saved_as(name: str) -> Callable[[Kind], Kind]:
    """Class decorator: the weights of a renamed layer stay at their path in files.

    Keras builds the path of a weight in a ``.keras`` or ``.h5`` file from the
    `__name__` of the layer's class (``layers/term_sums/vars/0``), and from attribute
    names inside a layer. So a renamed class keeps its old `__name__`, and attributes
    that hold layers keep theirs. The default name of a layer stays the same, too.

    Example:
    >>> @weights_saved_as("Old")
    ... class New: ...
    >>> New.__name__
    'Old'
    """

    def decorate(kind: Kind) -> Kind:
        kind.__name__ = name
        return kind

    return decorate
