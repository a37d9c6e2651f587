"""The environment of a run: package versions, platform and devices."""

import importlib.metadata
import os
import platform

import keras
import tensorflow as tf


def versions() -> dict[str, str | int]:
    """Names the versions, the platform and the devices of this process.

    Example:
    >>> sorted(versions())
    ['cores', 'devices', 'keras', 'platform', 'python', 'tensorflow', 'tfnlp']
    """
    return {
        "tfnlp": _version("tfnlp"),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "devices": ", ".join(_devices()),
        "cores": _cores(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what this process may use; Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _devices() -> list[str]:
    return [
        tf.config.experimental.get_device_details(device).get("device_name")
        or device.name.removeprefix("/physical_device:")
        for device in tf.config.list_physical_devices()
    ]
