"""tfnlp: text in, answers out, with Keras 3 and TensorFlow.

Lazy loading: the public names stand in ``__init__.pyi`` beside this file and are
imported on first use, so that ``import tfnlp`` loads neither TensorFlow nor Keras:
devices and strategies can still be set up, and the command line starts at once.
Importing changes nothing in the process: logs and garbage collection are settings of
the command line, see `tfnlp.cli.tensorflow_logs`.
"""

import lazy_loader

__version__ = "0.1.0"

_load, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


def __getattr__(name: str) -> object:
    """Imports a public name on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _load(name)


def __dir__() -> list[str]:
    return list(__all__)
