"""Tasks: one file each; no task imports another, no engine imports a task."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
