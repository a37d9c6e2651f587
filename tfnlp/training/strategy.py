"""Distribution strategies: one device, GPUs of a machine, several machines, or TPUs.

Imports TensorFlow only. Several machines must be joined before TensorFlow computes
anything, as an import of Keras may: its context knows no others then
(docs/traps.md#m2).
"""

import functools
import json
import os
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tfnlp.errors import UsageError

NAMES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")


class Worker(NamedTuple):
    """One of the processes that train a network together."""

    number: int = 0
    """From 0; the chief is 0."""
    total: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether it writes checkpoints, logs and the artefact."""
        return self.number == 0


ALONE = Worker()
"""A process that trains by itself."""


def create(name: str = "auto") -> tf.distribute.Strategy:
    """Builds the strategy that a configuration names.

    Args:
        name: ``one_device`` is one device; ``mirrored`` keeps a copy of the network on
            every GPU, or on every logical CPU if there is no GPU; ``auto`` mirrors
            if there are two GPUs or more; ``multi_worker`` does so on every machine
            of a cluster, see `join`; ``tpu`` on every core of a TPU.

    Raises:
        UsageError: there is no such strategy, no cluster or no TPU.

    Example:
    >>> create("one_device").num_replicas_in_sync
    1
    """
    if name not in NAMES:
        raise UsageError(
            f"strategy must be one of {', '.join(NAMES)}. Received: {name!r}."
        )
    if name == "multi_worker":
        return join()
    if name == "tpu":
        return _tpu()
    gpus = _names("GPU")
    if name == "one_device" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    return _mirrored(gpus or _names("CPU"))


@functools.cache
def join() -> tf.distribute.Strategy:
    """Joins the other machines of a cluster, once a process.

    The cluster is described by ``TF_CONFIG``, as Kubeflow's TFJob writes it, or by the
    environment of a Slurm step. Each process calls this before anything of Keras is
    imported (which may use TensorFlow), and waits for the others.

    Raises:
        UsageError: there is no cluster, it has no place for this process, or
            TensorFlow has been used.
    """
    resolver = _cluster()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except RuntimeError as error:
        raise UsageError(
            "Several machines are joined before TensorFlow is used. "
            "Received: a process that has used it already. Call "
            "tfnlp.training.strategy.join() first; scripts do so with the strategy "
            "multi_worker."
        ) from error


def worker(strategy: tf.distribute.Strategy) -> Worker:
    """Which process of a strategy's cluster this is."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return ALONE
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().as_dict()
    places = [
        (job, place)
        for job in ("chief", "worker")
        for place in range(len(jobs.get(job, ())))
    ]
    own = places.index((resolver.task_type, resolver.task_id))
    return Worker(own, len(places))


def described(strategy: tf.distribute.Strategy) -> str:
    """Names the devices that keep a copy of the network.

    Example:
    >>> described(create("mirrored"))
    '2 CPUs'
    """
    count, total = strategy.num_replicas_in_sync, worker(strategy).total
    kind = "TPU" if isinstance(strategy, tf.distribute.TPUStrategy) else "CPU"
    kind = "GPU" if _names("GPU") else kind
    devices = f"{count} {kind}{'s' * (count > 1)}"
    return devices if total == 1 else f"{devices} of {total} workers"


def agree(strategy: tf.distribute.Strategy, numbers: Sequence[int]) -> bool:
    """Whether all workers have the same numbers; a collective call."""
    if worker(strategy).total == 1:
        return True
    own = tf.constant(numbers, tf.int64)

    @tf.function
    def summed() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        squares = tf.stack([own, own * own])  # equal numbers alone have such sums
        return context.all_reduce(tf.distribute.ReduceOp.SUM, squares)

    sums, of_squares = strategy.experimental_local_results(strategy.run(summed))[0]
    replicas = strategy.num_replicas_in_sync
    return bool(tf.reduce_all(sums * sums == replicas * of_squares))


def _cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """The cluster that the environment describes."""
    if os.environ.get("TF_CONFIG"):
        _check_cluster(os.environ["TF_CONFIG"])
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_STEP_NODELIST" in os.environ:
        # Slurm gives each task its GPUs. The resolver would assign them again, and
        # fails on machines without GPUs: 1,000 is more than any number of tasks.
        return tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=1000, gpus_per_task=1, auto_set_gpu=False
        )
    raise UsageError(
        "multi_worker needs a cluster: TF_CONFIG with the addresses of all workers and "
        "the place of this one, or a Slurm step. Received: neither. For example "
        'TF_CONFIG=\'{"cluster": {"worker": ["a:2222", "b:2222"]}, '
        '"task": {"type": "worker", "index": 0}}\'.'
    )


def _check_cluster(text: str) -> None:
    try:
        config = json.loads(text)
        task = config["task"]
        jobs = config["cluster"]
        known = 0 <= int(task["index"]) < len(jobs[task["type"]])
        trains = known and task["type"] in ("chief", "worker")
    except (ValueError, KeyError, TypeError):
        trains = False
    if not trains:
        raise UsageError(
            "TF_CONFIG is JSON with the cluster's addresses, and in task the type "
            "(chief or worker) and index of this process among them. "
            f"Received: {text[:200]!r}."
        )


@functools.cache
def _tpu() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as why:
        raise UsageError(
            "tpu needs a TPU that TensorFlow can reach. Received: none. "
            "Choose the strategy auto, or run on a TPU machine."
        ) from why
    return tf.distribute.TPUStrategy(resolver)


def _names(kind: str) -> tuple[str, ...]:
    return tuple(device.name for device in tf.config.list_logical_devices(kind))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """One strategy per process: a second one would reuse the collective keys.

    TensorFlow then compares reductions of different runs and fails. CPUs reduce
    without collectives, so that tests may build strategies of their own.
    """
    reduction = tf.distribute.ReductionToOneDevice() if "CPU" in devices[0] else None
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)
