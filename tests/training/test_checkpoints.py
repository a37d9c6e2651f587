"""A run that is interrupted anywhere and resumed has the weights of another."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc

import keras
import numpy as np
import pytest

from tfnlp.data.blocks import blocks
from tfnlp.data.readers import from_list
from tfnlp.errors import UsageError
from tfnlp.networks import bow
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.tasks.classification import Classification
from tfnlp.tasks.language_model import LanguageModel
from tfnlp.training import checkpoint_files, checkpoints, strategy
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import fit
from tfnlp.training.step import Trainable

TEXTS = ["a good film", "a bad film", "so good", "so bad", "good", "bad", "not bad"]
ROWS = from_list([{"text": t, "label": "no" if "bad" in t else "yes"} for t in TEXTS])
STEPS = 4  # per epoch of 7 rows
CONFIG = {
    "epochs": 3,
    "batch_size": 2,
    "patience": 3,
    "learning_rate": 0.05,
    "checkpoint_seconds": 0.0,  # after every step
}


class Stop(keras.callbacks.Callback):
    """Interrupts a run as if it was killed there."""

    def __init__(self, after, when="on_train_batch_end"):
        super().__init__()
        self.after = after
        setattr(self, when, self._count)

    def _count(self, *ignored, **logs):
        self.after -= 1
        if self.after == 0:
            raise InterruptedError


@pytest.fixture(scope="module")
def task():
    return Classification.from_rows(ROWS)


@pytest.fixture(scope="module")
def expected(task):
    """The network of an uninterrupted run."""
    return trained(task, classifier(task))


@pytest.fixture(scope="module")
def stopped(task, tmp_path_factory):
    """The folder of a run that was interrupted in its second epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Stop(7), run=folder)
    return folder


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(stopped, tmp_path / "run")


def classifier(task):
    size = len(task.text.vocabulary)
    return lambda hp: task.network(bow.encoder(size, hidden_dim=4, dropout=0.4))


def trained(task, build, rows=ROWS, stop=None, run=None, resume=False, **config):
    return fit(
        task,
        build,
        rows,
        rows,
        TrainConfig(**{**CONFIG, **config}),
        callbacks=() if stop is None else (stop,),
        run=run,
        resume=resume,
    )


def check_equal(found, expected):
    variables = (each.network.variables for each in (found, expected))
    for one, other in zip(*variables, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    assert found.history == expected.history


@pytest.mark.parametrize("after", [1, STEPS, 2 * STEPS + 3])
def test_a_resumed_run_is_the_same_bit_for_bit(task, expected, tmp_path, after):
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Stop(after + 1), run=tmp_path / "run")
    assert list(tmp_path.glob("run/checkpoints/*.ckpt"))
    found = trained(task, classifier(task), run=tmp_path / "run", resume=True)
    check_equal(found, expected)
    checkpoints.remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        {
            "ema_momentum": 0.9,
            "gradient_accumulation_steps": 2,
            "global_clipnorm": 0.1,
            "optimizer": "adamw",
            "schedule": "cosine",
            "warmup_ratio": 0.2,
        },
        {"precision": "mixed_float16", "patience": 1},
    ],
    ids=["ema_momentum", "float16"],
)
def test_checkpoints_hold_all_that_a_step_depends_on(task, tmp_path, options):
    expected = trained(task, classifier(task), **options)
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Stop(7), run=tmp_path, **options)
    found = trained(task, classifier(task), run=tmp_path, resume=True, **options)
    check_equal(found, expected)


@pytest.mark.slow
def test_a_mirrored_run_is_resumed(task, tmp_path):
    """The logs of an interrupted epoch are divided among the devices, and rounded."""
    options = {"strategy": "mirrored"}
    expected = trained(task, classifier(task), **options)
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Stop(7), run=tmp_path, **options)
    found = trained(task, classifier(task), run=tmp_path, resume=True, **options)
    variables = (each.network.variables for each in (found, expected))
    for one, other in zip(*variables, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    for name, values in expected.history.items():
        assert found.history[name] == pytest.approx(values, rel=1e-6)


@pytest.mark.slow
def test_a_run_may_be_interrupted_many_times(task, expected, tmp_path):
    for _ in range(20):
        try:
            found = trained(
                task, classifier(task), stop=Stop(6), run=tmp_path, resume=True
            )
            break
        except InterruptedError:
            continue
    check_equal(found, expected)


def test_a_run_interrupted_in_validation_is_resumed(task, expected, tmp_path):
    stop = Stop(STEPS + 2, when="on_test_batch_end")
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=stop, run=tmp_path)
    check_equal(trained(task, classifier(task), run=tmp_path, resume=True), expected)


def test_variables_of_layers_are_restored(tmp_path):
    text = from_list([{"text": "the dog sees the cat and the cat sees the dog "}] * 6)
    task = LanguageModel.from_rows(text, tokenizer="words", slots=2)
    rows = blocks(text, size=4, unit="words", slots=2)
    decoder = {"hidden_dim": 8, "dropout": 0.3, "word_dropout": 0.2}

    def build(hp):
        return task.network(RecurrentDecoder(task.tokenizer.vocabulary_size, **decoder))

    expected = trained(task, build, rows)
    with pytest.raises(InterruptedError):
        trained(task, build, rows, stop=Stop(12), run=tmp_path)
    check_equal(trained(task, build, rows, run=tmp_path, resume=True), expected)


@pytest.mark.parametrize(
    "options",
    [{}, {"ema_momentum": 0.9, "keep_weights": "last"}, {"keep_weights": "both"}],
)
def test_a_run_that_has_ended_is_not_trained_again(task, tmp_path, options):
    """The process was killed before the network was saved."""
    expected = trained(task, classifier(task), run=tmp_path, **options)
    again = {"stop": Stop(1, "on_train_begin"), "resume": True}
    found = trained(task, classifier(task), run=tmp_path, **again, **options)
    check_equal(found, expected)
    last, again = expected.last_weights, found.last_weights
    assert (last is None) == (again is None) == (options.get("keep_weights") != "both")
    for one, other in zip(last or (), again or (), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_starts_over_where_one_has_ended(task, expected, tmp_path, caplog):
    trained(task, classifier(task), run=tmp_path, learning_rate=0.5)
    assert (tmp_path / "checkpoints" / "ended.ckpt").exists()
    check_equal(trained(task, classifier(task), run=tmp_path), expected)
    assert "would have gone on" not in caplog.text


def test_resume_without_a_checkpoint_starts_a_run(task, expected, tmp_path):
    found = trained(task, classifier(task), run=tmp_path / "run", resume=True)
    check_equal(found, expected)


def test_damaged_and_partial_checkpoints_are_skipped(task, expected, run, caplog):
    _, last = sorted(run.glob("checkpoints/*.ckpt"))
    whole = bytearray(last.read_bytes())
    whole[len(whole) // 2] ^= 1
    last.write_bytes(whole)
    (last.parent / "99999-000000001.half").write_bytes(b"cut")
    check_equal(trained(task, classifier(task), run=run, resume=True), expected)
    assert f"{last} is damaged" in caplog.text


def test_a_run_that_starts_over_removes_old_checkpoints(task, expected, run, caplog):
    before = sorted(run.glob("checkpoints/*.ckpt"))
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Stop(3), run=run)
    left = sorted(run.glob("checkpoints/*.ckpt"))
    assert left and not set(left) & set(before)
    assert "resume would have continued it" in caplog.text
    check_equal(trained(task, classifier(task), run=run, resume=True), expected)


def test_a_run_with_only_damaged_checkpoints_starts_over(task, expected, run, caplog):
    for file in run.glob("checkpoints/*.ckpt"):
        file.write_bytes(file.read_bytes()[:-1])
    check_equal(trained(task, classifier(task), run=run, resume=True), expected)
    assert caplog.text.count("is damaged") == 2
    assert "no intact checkpoint; training starts over" in caplog.text
    assert "would have gone on" not in caplog.text and "before" not in caplog.text
    left = [file.name for file in (run / "checkpoints").iterdir()]
    assert "ended.ckpt" in left and not any(name.startswith("00001") for name in left)


def test_other_settings_are_refused(task, run):
    kept = sorted(run.glob("checkpoints/*"))
    with pytest.raises(UsageError, match="resumed with the settings it was started"):
        trained(task, classifier(task), run=run, resume=True, learning_rate=0.1)
    assert sorted(run.glob("checkpoints/*")) == kept


def test_other_rows_are_refused(task, run):
    rows = ROWS.map(lambda row: row | {"text": row["text"] + "!"})
    with pytest.raises(UsageError, match=r"Received: rows=7 \(\w+\), but .*with 7 \("):
        trained(task, classifier(task), rows, run=run, resume=True)


def test_another_network_is_refused(task, run):
    size = len(task.text.vocabulary)

    def build(hp):
        return task.network(bow.encoder(size, hidden_dim=4, dropout=0.7))

    with pytest.raises(UsageError, match="Received: network="):
        trained(task, build, run=run, resume=True)


def test_another_task_is_refused(task, run):
    other = Classification.from_rows(ROWS, label_smoothing=0.1)
    with pytest.raises(UsageError, match="Received: task="):
        trained(other, classifier(other), run=run, resume=True)


@pytest.mark.parametrize(
    ("count", "message"), [(8, "on the same rows"), (3, "from the same checkpoint")]
)
def test_workers_that_differ_are_refused(task, run, monkeypatch, count, message):
    """Eight numbers are the fingerprint; three are the position."""
    monkeypatch.setattr(strategy, "agree", lambda peers, numbers: len(numbers) != count)
    with pytest.raises(UsageError, match=f"All workers .*{message}"):
        trained(task, classifier(task), run=run, resume=True)


def test_flags_of_a_script_are_compared_first(task, tmp_path):
    def go_on(**options):
        config = TrainConfig(**{**CONFIG, **options, "epochs": 1})
        run = {"run": tmp_path, "resume": True, "settings": {"--size": options["seed"]}}
        return fit(task, classifier(task), ROWS, ROWS, config, **run)

    go_on(seed=1)
    with pytest.raises(UsageError, match=r"--size=2, but .*written with 1"):
        go_on(seed=2)


class Terminate(Stop):
    """Sends SIGTERM, and records whether training continued after that."""

    continued = False

    def _count(self, *ignored, **logs):
        self.after -= 1
        self.continued = self.after < 0
        if self.after == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)


SELDOM = {"checkpoint_seconds": 3600.0}


@pytest.mark.parametrize(
    ("when", "after"),
    [
        ("on_train_batch_begin", 6),
        ("on_test_batch_begin", 1),
        ("on_test_batch_begin", 3 * STEPS),
        ("on_epoch_end", 1),
        ("on_epoch_end", 3),
        ("on_train_end", 1),
    ],
)
def test_a_run_ended_by_sigterm_is_resumed(
    task, expected, tmp_path, caplog, when, after
):
    caplog.set_level("INFO")
    listens = signal.getsignal(signal.SIGTERM)
    stop = Terminate(after, when)
    with pytest.raises(KeyboardInterrupt):
        trained(task, classifier(task), stop=stop, run=tmp_path, **SELDOM)
    assert signal.getsignal(signal.SIGTERM) == listens
    assert "resume continues from there" in caplog.text and not stop.continued
    found = trained(task, classifier(task), run=tmp_path, resume=True, **SELDOM)
    check_equal(found, expected)


def test_sigterm_does_not_wait_for_predictions(task, tmp_path, monkeypatch):
    """Predictions may take minutes, as those of a beam search."""
    options = {"monitor": "val_f1_macro", **SELDOM}
    expected = trained(task, classifier(task), **options)
    stop = Terminate(2)  # the first answers are two rows, to find the names of scores

    def headline(rows, answers):
        stop._count()
        return type(task).headline(task, rows, answers)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(task, "headline", headline)
        trained(task, classifier(task), run=tmp_path, **options)
    assert not stop.continued
    found = trained(task, classifier(task), run=tmp_path, resume=True, **options)
    check_equal(found, expected)


def test_sigterm_is_not_lost_in_a_callback_that_catches_all(task, expected, tmp_path):
    class Catches(Terminate):
        def _count(self, *ignored, **logs):
            try:
                super()._count()
            except KeyboardInterrupt:
                pass

    stop = Catches(1, "on_epoch_end")
    with pytest.raises(KeyboardInterrupt):
        trained(task, classifier(task), stop=stop, run=tmp_path, **SELDOM)
    found = trained(task, classifier(task), run=tmp_path, resume=True, **SELDOM)
    check_equal(found, expected)


def test_a_second_sigterm_loses_nothing_between_epochs(task, expected, tmp_path):
    class Twice(Terminate):
        def on_train_batch_end(self, batch, logs=None):
            if self.after == 0:
                raise KeyboardInterrupt

    stop = Twice(STEPS + 1, "on_train_batch_begin")
    with pytest.raises(KeyboardInterrupt):
        trained(task, classifier(task), stop=stop, run=tmp_path, **SELDOM)

    class FirstEpoch(Stop):
        def on_epoch_begin(self, epoch, logs=None):
            begun.append(epoch)

    begun = []
    again = {"run": tmp_path, "resume": True, "stop": FirstEpoch(10**9)}
    found = trained(task, classifier(task), **again, **SELDOM)
    check_equal(found, expected)
    assert begun[0] == 0  # validation of the first epoch was not kept


def test_numpy_numbers_in_logs_are_kept(task, tmp_path):
    class Logs(Stop):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = np.float32(epoch / 3)

    expected = trained(task, classifier(task), stop=Logs(-1))
    with pytest.raises(InterruptedError):
        trained(task, classifier(task), stop=Logs(7), run=tmp_path)
    found = trained(task, classifier(task), stop=Logs(-1), run=tmp_path, resume=True)
    check_equal(found, expected)


def test_a_full_disk_does_not_end_a_run(task, expected, tmp_path, caplog):
    blocked = tmp_path / "run"
    blocked.write_text("a file, and no folder")
    check_equal(trained(task, classifier(task), run=blocked), expected)
    assert "was not written" in caplog.text


KILLED = """
import os, random, signal, sys, threading
import keras
import tfnlp.training.fit  # once for all of them: it takes seconds

def train(folder, seconds):
    from tests.training import test_checkpoints as t

    class Kill(keras.callbacks.Callback):
        clock = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
        def on_train_batch_end(self, batch, logs=None):
            if not self.clock.ident:
                self.clock.start()

    task = t.Classification.from_rows(t.ROWS)
    run = {"stop": Kill(), "run": folder, "resume": True}
    t.trained(task, t.classifier(task), **run, **t.LONG)

folder, kills = sys.argv[1:]
dice = random.Random(0)
for _ in range(int(kills)):
    seconds = dice.uniform(0.0, 0.4)
    child = os.fork()
    if not child:
        train(folder, seconds)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
"""
LONG = {"epochs": 100, "patience": 100}  # more than is done between the kills


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_kill_9_at_any_moment(task, tmp_path, kills):
    """The real thing: no handler runs, and half-written files stay behind."""
    folder = tmp_path / "run"
    words = [sys.executable, "-c", KILLED, str(folder), str(kills)]
    done = subprocess.run(words, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert list(folder.glob("checkpoints/*.ckpt"))
    found = trained(task, classifier(task), run=folder, resume=True, **LONG)
    check_equal(found, trained(task, classifier(task), **LONG))


def test_writing_a_checkpoint_does_not_copy_it_in_memory(tmp_path):
    arrays = {"weights": np.ones(10_000_000, np.float32)}  # 40 MB
    file = tmp_path / "00001-000000001.ckpt"
    tracemalloc.start()
    try:
        checkpoint_files.save(file, arrays)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000
    np.testing.assert_array_equal(checkpoint_files.read(file)["weights"], 1.0)


def test_the_training_model_is_freed(task):
    def alive():
        gc.collect()
        return sum(type(each) is Trainable for each in gc.get_objects())

    before = alive()
    found = trained(task, classifier(task), epochs=1)
    assert alive() == before and found.history["loss"]
