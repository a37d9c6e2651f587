"""Where a run computes: one device, or all of this machine's GPUs mirrored."""

import functools

import tensorflow as tf

from tfnlp.errors import UsageError


def create(name: str = "auto") -> tf.distribute.Strategy:
    """Builds the strategy that a configuration names.

    Args:
        name: ``one`` is one device; ``mirrored`` keeps a copy of the network on
            every GPU, or on every logical CPU if there is no GPU; ``auto`` mirrors
            if there are two GPUs or more.

    Example:
    >>> create("one").num_replicas_in_sync
    1
    """
    gpus = _names("GPU")
    if name == "one" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if name in ("auto", "mirrored"):
        return _mirrored(gpus or _names("CPU"))
    raise UsageError(
        f"strategy must be one of auto, one, mirrored. Received: {name!r}."
    )


def _names(kind: str) -> tuple[str, ...]:
    return tuple(device.name for device in tf.config.list_logical_devices(kind))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """One strategy a process: a second one would use the collective keys again.

    TensorFlow then compares reductions of different runs and fails. CPUs reduce
    without collectives, so that tests may build strategies of their own.
    """
    reduction = tf.distribute.ReductionToOneDevice() if "CPU" in devices[0] else None
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)
