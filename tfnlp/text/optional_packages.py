"""Optional packages of texts: what learns subwords and what applies them in graph.

TensorFlow must know the operations of tensorflow-text before a SavedModel that
holds them is loaded; importing the package is what makes them known.
"""

import importlib
from types import ModuleType

from tfnlp.errors import UsageError

_CLASSES = (
    *("tfnlp/SentencePieceTokenizer", "tfnlp/WordPieceTokenizer"),
    *("tfnlp.text.subword:", "tfnlp.text.word_pieces:"),  # in format 1
)
"""How a packed task names classes whose graphs hold operations of tensorflow-text."""


def tensorflow_text() -> ModuleType:
    """Imports tensorflow-text, which applies subwords.

    Raises:
        UsageError: it is not installed.
    """
    return _imported("tensorflow_text", "tensorflow-text")


def sentencepiece() -> ModuleType:
    """Imports sentencepiece, which learns subwords.

    Raises:
        UsageError: it is not installed.
    """
    return _imported("sentencepiece", "sentencepiece")


def register(packed: str) -> None:
    """Makes the operations known that a packed task, as JSON text, was saved with.

    Raises:
        UsageError: the task needs tensorflow-text, which is not installed.

    Example:
    >>> register('{"class": "tfnlp/Vectorizer", "config": {}}')
    """
    if any(name in packed for name in _CLASSES):
        tensorflow_text()


def _imported(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"Subwords need {package}. Received: {error}. "
            "Install it with: pip install 'tfnlp[generation]'"
        ) from error
