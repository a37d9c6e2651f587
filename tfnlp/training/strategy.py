"""Where a run computes: one device, or all of this machine's GPUs mirrored."""

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
    gpus = tf.config.list_logical_devices("GPU")
    if name == "one" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if name in ("auto", "mirrored"):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    raise UsageError(
        f"strategy must be one of auto, one, mirrored. Received: {name!r}."
    )
