"""Several processes on one machine train as one: the same weights, nothing twice."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.training import strategy
from tfnlp.training.checkpoints import remove

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "pipelines" / "text_classification.py"
pytestmark = pytest.mark.slow


def started(words, folder, *, number=0, ports=()):
    """Starts worker `number` of those at the ports, or a single process."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    environment |= {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    if ports:
        addresses = [f"127.0.0.1:{port}" for port in ports]
        environment["TF_CONFIG"] = json.dumps(
            {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": number},
            }
        )
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def together(words, folder, workers):
    """Starts the workers, or a single process."""
    ports = free_ports(workers) if workers > 1 else ()
    return [
        started(words, folder, number=number, ports=ports) for number in range(workers)
    ]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def ended(processes, *, code=0, seconds=240):
    """Waits for processes and returns what they wrote to stderr."""
    try:
        stderr = [process.communicate(timeout=seconds)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, stderr, strict=True):
        assert process.returncode == code, text
    return stderr


TRAINING = """
import sys
workers, optimizer, clip, parts, folder, number = sys.argv[1:7]
name = "multi_worker" if int(workers) > 1 else "one_device"
from tfnlp.training import strategy
strategy.create(name)  # before anything of Keras
import numpy as np
import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.networks import rnn

random = np.random.default_rng(0)
words = "a fine dull film of some kind".split()
texts = [" ".join(random.choice(words, random.integers(1, 9))) for _ in range(50)]
rows = from_list([{"text": t, "label": "np"[n % 2]} for n, t in enumerate(texts)])
task = tfnlp.Classification.from_rows(rows)
size = len(task.text.vocabulary)
config = tfnlp.TrainConfig(
    epochs=3, batch_size=8, learning_rate=0.05, strategy=name, optimizer=optimizer,
    global_clipnorm=float(clip), gradient_accumulation_steps=int(parts),
    ema_momentum=0.9,
)
trained = tfnlp.fit(
    task,
    lambda hp: task.network(
        rnn.encoder(size, hidden_dim=8, embedding_dim=4, dropout=0.0), dropout=0.0
    ),
    rows, rows.take(23), config,
)
losses = [trained.history[key] for key in ("loss", "val_loss")]
weights = trained.network.get_weights()
np.savez(f"{folder}/{workers}-{number}.npz", *weights, losses=losses)
"""


@pytest.mark.parametrize(
    ("workers", "optimizer", "clip", "parts"), [(2, "adam", 0.5, 1), (3, "sgd", 0, 2)]
)
def test_weights_do_not_depend_on_the_number_of_workers(
    tmp_path, workers, optimizer, clip, parts
):
    """50 rows by 8: the last batch has 2 rows, so a third worker has none."""
    options = [optimizer, str(clip), str(parts), str(tmp_path)]
    ports = free_ports(workers)
    processes = [started(["-c", TRAINING, "1", *options, "0"], tmp_path)]
    processes += [
        started(
            ["-c", TRAINING, str(workers), *options, str(number)],
            tmp_path,
            number=number,
            ports=ports,
        )
        for number in range(workers)
    ]
    ended(processes)
    alone = np.load(tmp_path / "1-0.npz")
    for number in range(workers):
        found = np.load(tmp_path / f"{workers}-{number}.npz")
        for name in alone.files:
            np.testing.assert_allclose(found[name], alone[name], atol=1e-6, rtol=1e-6)


def reviews(folder, count=400):
    """Reviews; half of them are good."""
    words = {"good": ["fine", "great", "moving"], "bad": ["dull", "flat", "endless"]}
    lines = [
        f"a {words[label][number % 3]} film number {number},{label}"
        for number in range(count // 2)
        for label in words
    ]
    file = folder / "reviews.csv"
    file.write_text("\n".join(["text,label", *lines]) + "\n")
    return str(file)


def script(folder, *more, workers=2):
    words = [str(SCRIPT), "--train", reviews(folder), "--encoder", "cnn"]
    words += ["--training.epochs", "6", "--training.batch_size", "8"]
    words += ["--encoder.hidden_dim", "16", "--dropout", "0", "--word_dropout", "0"]
    if workers > 1:
        words += ["--training.strategy", "multi_worker"]
    return [*words, "--training.patience", "9", *more]


def weights(folder):
    version = folder / "saved_models" / "text_classification" / "1"
    kept = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = sorted(kept.get_variable_to_shape_map())
    found = {name: kept.get_tensor(name) for name in names if "OBJECT" not in name}
    assert len(found) > 3
    return found


def test_only_the_chief_writes_and_a_lost_worker_changes_nothing(tmp_path):
    """One of two is killed; both restart, and end as if uninterrupted."""
    calm, lost = tmp_path / "calm", tmp_path / "lost"
    for folder in (calm, lost):
        folder.mkdir()
    stderr = ended(together(script(calm), calm, 2))
    assert "worker 1 of 2 is done; the chief saves" in stderr[1]
    assert len(list((calm / "saved_models").iterdir())) == 1
    assert not any((calm / "runs").iterdir())
    often = ("--training.checkpoint_seconds", "0")
    processes = together(script(lost, *often), lost, 2)
    checkpoints = lost / "runs" / "text_classification" / "checkpoints"
    deadline = time.monotonic() + 120
    while not any(checkpoints.glob("00002-*.ckpt")):
        assert time.monotonic() < deadline
        assert processes[0].poll() is None, processes[0].communicate()
        time.sleep(0.05)
    processes[1].send_signal(signal.SIGKILL)
    processes[1].communicate()
    stderr = processes[0].communicate(timeout=240)[1]
    assert processes[0].returncode == 1, stderr
    assert "All 2 workers train to the end together" in stderr
    assert "and resume" in stderr and "Traceback" not in stderr
    stderr = ended(together(script(lost, "--resume"), lost, 2))
    assert "resumed after step" in stderr[0] and "resumed after step" in stderr[1]
    np.testing.assert_equal(weights(calm), weights(lost))


STOPPED = """
import os, signal, sys
workers, when, after, folder, number = sys.argv[1:6]
name = "multi_worker" if int(workers) > 1 else "one_device"
from tfnlp.training import strategy
strategy.create(name)  # before anything of Keras
import keras
import numpy as np
from tests.training import test_checkpoints as t

class Terminate(keras.callbacks.Callback):
    left = int(after)

    def count(self, *ignored, **logs):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)

task = t.Classification.from_rows(t.ROWS)
stop = Terminate()
if when != "never" and number == "1":
    setattr(stop, when, stop.count)
options = {"strategy": name, "checkpoint_seconds": 3600.0, "batch_size": 4}
run = {"run": f"{folder}/run", "resume": True, "stop": stop}
def build(hp):
    size = len(task.text.vocabulary)
    return task.network(t.bow.encoder(size, hidden_dim=4, dropout=0.0), dropout=0.0)
try:
    trained = t.trained(task, build, **run, **options)
except KeyboardInterrupt:
    sys.exit(130)
np.savez(f"{folder}/{workers}-{number}.npz", *trained.network.get_weights())
"""


@pytest.mark.parametrize(
    ("when", "after", "codes"),
    [
        ("on_train_batch_begin", 1, [130, 130]),
        ("on_epoch_end", 3, [130, 130]),
        ("on_train_end", 1, [0, 130]),
    ],
)
def test_a_signal_to_one_of_two_stops_both_and_they_resume(
    tmp_path, when, after, codes
):
    """A signal to the second worker reaches the first after a step or an epoch."""

    def run(workers, when):
        ports = free_ports(workers) if workers > 1 else ()
        words = ["-c", STOPPED, str(workers), when, str(after), str(tmp_path)]
        return [
            started([*words, str(number)], tmp_path, number=number, ports=ports)
            for number in range(workers)
        ]

    processes = run(2, when)
    stderr = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == codes, stderr
    assert [*tmp_path.glob("run/checkpoints/*.ckpt")]
    ended(run(2, "never"))
    remove(tmp_path / "run")
    ended(run(1, "never"))
    found, expected = (np.load(tmp_path / f"{n}-0.npz") for n in (2, 1))
    for name in expected.files:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "multi_worker needs a cluster"),
        ("{", "TF_CONFIG is JSON"),
        ('{"cluster": {}}', "TF_CONFIG is JSON"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "TF_CONFIG is JSON",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
            "TF_CONFIG is JSON",
        ),
        (
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG is JSON",
        ),
    ],
)
def test_a_wrong_cluster_is_refused(monkeypatch, config, message):
    monkeypatch.delenv("SLURM_STEP_NODELIST", raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UsageError, match=message):
        strategy.create("multi_worker")


def test_a_slurm_step_is_a_cluster(monkeypatch):
    """Two nodes with two tasks each, none with a GPU."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    step = {"STEP_NODELIST": "n[08-09]", "STEP_TASKS_PER_NODE": "2(x2)"}
    for name, value in {**step, "STEP_NUM_TASKS": "4", "PROCID": "3"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    cluster = strategy._cluster()
    workers = ["n08:8888", "n08:8889", "n09:8888", "n09:8889"]
    assert cluster.cluster_spec().as_dict() == {"worker": workers}
    assert cluster.get_task_info() == ("worker", 3)


LATE = """
import tensorflow as tf
from tfnlp.training import strategy
tf.constant(0)  # begins TensorFlow's context, which knows of no cluster
strategy.join()
"""


def test_a_cluster_that_comes_after_a_tensor_is_refused(tmp_path):
    (stderr,) = ended([started(["-c", LATE], tmp_path, ports=free_ports(1))], code=1)
    assert "joined before TensorFlow is used" in stderr
