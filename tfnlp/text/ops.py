"""String primitives behind one backend object, so that tracing can replace them.

The functions of `tfnlp.text` that read or write strings are primitives. They call the
current backend: by default `TensorFlow`, which runs the function itself. An exporter
sets another backend with `using` while it traces a graph. The backend is kept in a
context variable: each thread and each asyncio task has its own, so an export does not
disturb a training or a prediction in another thread. `tf.function` and `tf.data` trace
in the calling thread. Nothing here knows what a primitive does.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

PRIMITIVES = {
    "casing_ids": "words [N] → int32 [N]",
    "characters": "texts [B] → characters [B, (T)]",
    "concatenate_neighbours": "two equal shapes of strings → one, with spaces between",
    "gazetteer_keys": "gazetteers, words [N] → string [N]",
    "join_labels": "bool [B, C], names, separator → string [B]",
    "look_up": "vocabulary, strings of any shape → int32 ids of the same shape",
    "lower": "strings of any shape → the same shape",
    "split_texts": "texts [B], name of a tokenizer → `Words`",
    "split_tokens": "tokens joined with single spaces [B] → `Words`",
    "subword_ids": "vectorizer, texts [B] → token ids and padding mask, int32 [B, T]",
    "substrings": "texts [B], starts and ends int32 [B, (S)] → string [N]",
    "vectorize": "vectorizer, texts [B] → token ids and padding mask, int32 [B, T]",
}
"""Every primitive: what it takes and returns."""


class Backend(Protocol):
    """What runs the primitives."""

    def run(
        self,
        primitive: str,
        function: Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Runs a primitive.

        Args:
            primitive: a key of `PRIMITIVES`.
            function: its implementation in TensorFlow.
            args: positional arguments of the primitive.
            kwargs: keyword arguments of the primitive.

        Raises:
            TfnlpError: the backend lacks the primitive.
        """


class TensorFlow:
    """The default backend: runs every primitive as TensorFlow operations."""

    def run(
        self,
        primitive: str,
        function: Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls the function itself."""
        return function(*args, **kwargs)


TENSORFLOW = TensorFlow()
_BACKEND: ContextVar[Backend] = ContextVar("tfnlp_text_backend", default=TENSORFLOW)


@contextlib.contextmanager
def using(backend: Backend) -> Iterator[None]:
    """Sets the backend of this thread, or asyncio task, for a `with` block.

    Example:
    >>> class Loud:
    ...     def run(self, primitive, function, *args, **kwargs):
    ...         print(primitive)
    ...         return function(*args, **kwargs)
    >>> from tfnlp.text.normalize import lower
    >>> with using(Loud()):
    ...     text = lower(["A"])
    lower
    """
    token = _BACKEND.set(backend)
    try:
        yield
    finally:
        _BACKEND.reset(token)


def primitive(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function of strings: calls go through the current backend.

    Args:
        name: a key of `PRIMITIVES`.
    """
    if name not in PRIMITIVES:
        raise KeyError(name)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            return current().run(name, function, *args, **kwargs)

        return run

    return decorate


def current() -> Any:
    """The backend of this thread or asyncio task."""
    return _BACKEND.get()
