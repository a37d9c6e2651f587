"""Leaves modules out of the doctests whose extra is not installed."""

import importlib.util

collect_ignore = (
    []
    if importlib.util.find_spec("apache_beam")
    else ["tfnlp/serving/beam/model_handler.py", "tfnlp/serving/beam/file_systems.py"]
)
