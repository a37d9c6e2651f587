"""The command line: dataclasses as flags, errors as exit codes, and the verbs.

Nothing in this folder imports TensorFlow before a verb needs it, so that
``tfnlp --help`` answers at once. The names in ``__init__.pyi`` are imported on first
use, so that the console script handles Ctrl-C before it imports anything else.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
