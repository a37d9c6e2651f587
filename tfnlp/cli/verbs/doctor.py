"""show versions, devices and what works on this machine"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from packaging.requirements import Requirement

from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import quiet_start
from tfnlp.errors import TfnlpError
from tfnlp.training import support

State = Literal["ok", "absent", "failed"]


@dataclass(frozen=True)
class Options:
    """Shows versions, devices and what works on this machine.

    Ends with exit code 1 if a package or an ability that tfnlp needs is broken.
    """

    json: bool = False  # print JSON instead of a table


@dataclass(frozen=True)
class Finding:
    """One line of the report; only the state ``failed`` is an error."""

    group: str
    name: str
    state: State
    detail: str


def main(words: Sequence[str]) -> None:
    """Checks this machine and prints a table, or JSON.

    Raises:
        TfnlpError: something that tfnlp needs is missing or does not work.
    """
    options = parse(Options, words, command="tfnlp doctor")
    with quiet_start():
        devices = list(_devices())
    findings = [*packages(), *devices, *_abilities(), *_support()]
    if options.json:
        print(json.dumps([dataclasses.asdict(f) for f in findings], indent=1))
    else:
        print(table(findings))
    failed = [finding.name for finding in findings if finding.state == "failed"]
    if failed:
        raise TfnlpError(
            f"tfnlp cannot work here. Failed: {', '.join(failed)}. "
            "In a checkout, `make setup` installs what requirements.txt pins."
        )


def table(findings: Sequence[Finding]) -> str:
    """Formats findings as a table, each group under its heading.

    Example:
    >>> print(table([Finding("core", "keras", "ok", "3.15.1")]))
    core
      ok      keras                    3.15.1
    """
    lines: list[str] = []
    for k, finding in enumerate(findings):
        if k == 0 or findings[k - 1].group != finding.group:
            lines.append(finding.group)
        lines.append(f"  {finding.state:<8}{finding.name:<25}{finding.detail}")
    return "\n".join(lines)


def packages() -> Iterator[Finding]:
    """Versions of Python, tfnlp and every required package, extras last."""
    yield Finding("core", "python", "ok", platform.python_version())
    try:
        version = importlib.metadata.version("tfnlp")
        requirements = importlib.metadata.requires("tfnlp") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("core", "tfnlp", "failed", "not installed: pip install -e .")
        return
    yield Finding("core", "tfnlp", "ok", version)
    for line in requirements:
        yield _package(Requirement(line))


def _package(wanted: Requirement) -> Finding:
    extra = str(wanted.marker).partition("extra == ")[2].strip("\"' ")
    group = f"extra: {extra}" if extra else "core"
    missing: State = "absent" if extra else "failed"
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        install = f"tfnlp[{extra}]" if extra else wanted.name
        return Finding(group, wanted.name, missing, f"pip install '{install}'")
    if not wanted.specifier.contains(version, prereleases=True):
        return Finding(group, wanted.name, "failed", f"{version}, needs {wanted}")
    return Finding(group, wanted.name, "ok", version)


def _devices() -> Iterator[Finding]:
    """CPU and GPUs that TensorFlow detects."""
    yield Finding("devices", "CPU", "ok", f"{os.cpu_count()} cores")
    try:
        import tensorflow as tf
    except ImportError as error:
        yield Finding("devices", "TensorFlow", "failed", str(error))
        return
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        name = details.get("device_name", gpu.name)
        capability = ".".join(map(str, details.get("compute_capability", ())))
        yield Finding("devices", "GPU", "ok", f"{name}, compute {capability or '?'}")
    if not gpus:
        built = tf.test.is_built_with_cuda()
        why = "none visible" if built else "this TensorFlow has no CUDA"
        yield Finding("devices", "GPU", "absent", why)


def _abilities() -> Iterator[Finding]:
    """Smoke tests of training, export and serving."""
    trials: dict[str, Callable[[], str]] = {
        "Keras on TensorFlow": _keras,
        "SavedModel": _saved_model,
    }
    for name, trial in trials.items():
        yield _tried(name, trial, "failed")
    yield _tried("XLA", _xla, "absent")
    yield _tried("several replicas", _replicas, "absent")


def _support() -> Iterator[Finding]:
    """Training features that tests cover, by strategy."""
    for feature, strategies in support.proven():
        yield Finding("--training.strategy, by tests", feature, "ok", strategies)
    untried = "not tested on one"
    yield Finding("--training.strategy, by tests", "tpu", "absent", untried)


def _tried(name: str, trial: Callable[[], str], otherwise: State) -> Finding:
    try:
        return Finding("works here", name, "ok", trial())
    except (ImportError, OSError, RuntimeError, ValueError, TfnlpError) as error:
        return Finding("works here", name, otherwise, _first_line(error))
    except _tensorflow_error() as error:
        return Finding("works here", name, otherwise, _first_line(error))


def _keras() -> str:
    import keras

    if keras.backend.backend() != "tensorflow":
        raise TfnlpError(
            f"Keras runs on {keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
        )
    return f"Keras {keras.__version__}"


def _saved_model() -> str:
    import tensorflow as tf

    module = tf.Module()
    module.lower = tf.function(
        tf.strings.lower, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder)
        (answer,) = tf.saved_model.load(folder).lower(tf.constant(["OK"])).numpy()
    return f"written, loaded, answered {answer.decode()!r}"


def _xla() -> str:
    import tensorflow as tf

    double = tf.function(lambda x: x * 2.0, jit_compile=True)
    return f"compiled: 2 × 21 = {float(double(tf.constant(21.0))):.0f}"


def _replicas() -> str:
    import tensorflow as tf

    count = len(tf.config.list_logical_devices("GPU"))
    if count < 2:
        raise TfnlpError(f"{count} GPU: --training.strategy auto takes one device")
    return f"--training.strategy auto takes {count} GPUs"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:100]


def _tensorflow_error() -> tuple[Any, ...]:
    try:
        import tensorflow as tf
    except ImportError:
        return ()
    return (tf.errors.OpError,)
