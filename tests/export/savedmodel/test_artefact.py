"""Artefacts are written atomically, and answer like the network."""

import errno
import json
import os
import resource
import subprocess
import sys
import textwrap
import time

import keras
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.errors import ExportError, UsageError
from tfnlp.export.savedmodel.artefact import check_output, export
from tfnlp.export.savedmodel.versions import versions
from tfnlp.specs import TEXT
from tfnlp.task import Task

BESIDE = ("models.config", "serving")
"""What TF Serving needs beside the versions."""


class Lengths(Task):
    """Answers how long a text is, times the only weight of its network."""

    inputs = {"text": TEXT}  # noqa: RUF012  (the contract declares it so)

    def encode(self, inputs):
        return {"bytes": tf.strings.length(inputs["text"])[:, None]}

    def loss(self, y, outputs):
        return outputs[:, 0]

    def decode(self, outputs, inputs):
        return {"score": outputs[:, 0], "label": inputs["text"]}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


class Moment(Lengths):
    """Never gives the same answer twice."""

    def decode(self, outputs, inputs):
        milliseconds = tf.math.floormod(tf.timestamp(), 1.0) * 1000.0
        return {"score": tf.fill(tf.shape(outputs)[:1], milliseconds)}


class Narrow(Lengths):
    """Answers in bfloat16, as a network in mixed precision may."""

    def decode(self, outputs, inputs):
        return {"score": tf.cast(outputs[:, 0], tf.bfloat16)}


class Strict(Lengths):
    """Breaks on a text without letters."""

    def decode(self, outputs, inputs):
        with tf.control_dependencies([tf.debugging.assert_greater(outputs, 0.0)]):
            return {"score": tf.identity(outputs[:, 0])}


class Report:
    """Calls a function where a report would be written."""

    def __init__(self, action):
        self.save = action


def network() -> keras.Model:
    size = keras.Input([1], dtype="int32", name="bytes")
    numbers = keras.ops.cast(size, "float32")
    times = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    return keras.Model({"bytes": size}, times(numbers))


def write(folder, task=None, **options):
    return export(task or Lengths(), network(), "toy", output=folder, **options)


def failing(error):
    def action(folder):
        raise error

    return Report(action)


def left(folder):
    return sorted(path.name for path in folder.glob("toy/*"))


def test_an_artefact_has_the_files_of_a_server_and_its_own_beside(tmp_path):
    version = write(tmp_path, recipe={"epochs": 3}, report=Report(lambda folder: None))
    names = {str(path.relative_to(version)) for path in version.rglob("*.*")}
    assert version == tmp_path / "toy" / "1"
    assert names >= {
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/task.json",
        "assets.extra/format.json",
        "assets.extra/model.keras",
    }
    recipe = version / "assets.extra" / "recipe.json"
    assert json.loads(recipe.read_text()) == {"epochs": 3}


def test_inputs_and_outputs_keep_their_names(tmp_path):
    """docs/traps.md#t13: Keras would call them keras_tensor_18 and output_0."""
    served = tf.saved_model.load(str(write(tmp_path))).signatures["serving_default"]
    assert set(served.structured_input_signature[1]) == {"text"}
    assert set(served.structured_outputs) == {"label", "score"}
    assert served(text=tf.constant(["four"]))["score"].numpy().tolist() == [4.0]


def test_numbers_of_less_than_float32_are_widened(tmp_path):
    version = write(tmp_path, Narrow())
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    assert served.structured_outputs["score"].dtype == tf.float32


def test_tf_serving_finds_what_it_needs_in_and_beside_a_version(tmp_path):
    version = write(tmp_path)
    warm = version / "assets.extra" / "tf_serving_warmup_requests"
    assert warm.stat().st_size > 1000
    config = (tmp_path / "toy" / "models.config").read_text()
    assert 'base_path: "/models/toy"' in config
    readme = (tmp_path / "toy" / "serving" / "README.md").read_text()
    assert "| `text` | string [B] |" in readme


def test_a_version_is_complete_where_the_files_beside_it_cannot_be(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "serving").write_text("a file")
    with pytest.raises(ExportError, match="The versions beside it are complete"):
        write(tmp_path)
    assert (tmp_path / "toy" / "1" / "saved_model.pb").exists()


def test_the_next_version_follows_the_highest(tmp_path):
    base = tmp_path / "toy"
    for name in ("1", "5", "onnx", ".writing-left", "x9", "007"):
        (base / name).mkdir(parents=True)
    (base / "6").write_text("a file")
    assert versions(base) == [1, 5]
    assert write(tmp_path).name == "7"


def test_nothing_has_versions_where_nothing_is(tmp_path):
    assert versions(tmp_path / "toy") == []


def test_no_version_is_visible_before_it_is_complete(tmp_path):
    seen = []

    def look(side):
        seen.append((side.parent.name[:9], versions(tmp_path / "toy")))

    version = write(tmp_path, report=Report(look))
    assert seen == [(".writing-", [])]
    assert left(tmp_path) == ["1", *BESIDE]
    assert version.stat().st_mode & 0o777 == 0o755


def test_an_artefact_with_other_answers_is_not_published(tmp_path):
    with pytest.raises(ExportError, match=r"by SavedModel: .*another 'score'"):
        tfnlp.save(Moment(), network(), "toy", output=tmp_path)
    assert left(tmp_path) == []


def test_an_artefact_that_fails_on_a_text_is_not_published(tmp_path):
    with pytest.raises(ExportError, match="must answer any text, however odd"):
        tfnlp.save(Strict(), network(), "toy", output=tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ExportError),
        (tf.errors.ResourceExhaustedError(None, None, "disk"), ExportError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_failure_leaves_nothing_behind(raised, expected, tmp_path):
    with pytest.raises(expected):
        write(tmp_path / "models", report=failing(raised))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_a_folder_that_was_there_and_its_versions(tmp_path):
    write(tmp_path)
    with pytest.raises(ExportError):
        write(tmp_path, report=failing(OSError(errno.ENOSPC, "No space left")))
    assert left(tmp_path) == ["1", *BESIDE]


def test_what_a_killed_run_left_is_removed_after_a_day(tmp_path):
    for name, hours in (("old", 25), ("young", 1)):
        folder = tmp_path / "toy" / f".writing-{name}"
        (folder / "variables").mkdir(parents=True)
        os.utime(folder, times=(time.time() - hours * 3600,) * 2)
    write(tmp_path)
    assert left(tmp_path) == [".writing-young", "1", *BESIDE]


def test_a_full_disk_is_reported(tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ExportError) as caught:
        write(tmp_path, report=failing(error))
    assert "must be writable and have room" in str(caught.value)
    assert "Received: No space left on device. Nothing was left" in str(caught.value)


def test_files_that_cannot_grow_are_reported(tmp_path):
    """TensorFlow's own writer meets the limit here, as it would a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(ExportError, match=r"Received: File too large\. Nothing"):
            write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "naïve", "-v", "a b"])
def test_a_name_is_a_plain_folder(name, tmp_path):
    with pytest.raises(UsageError, match=r"starts with a letter or digit. Received:"):
        check_output(name, tmp_path)


def test_a_file_in_place_of_the_folder_is_reported_before_training(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ExportError, match=r"must be writable .*Not a directory"):
        check_output("toy", tmp_path / "models")


def test_checking_the_output_leaves_no_version(tmp_path):
    assert check_output("toy", tmp_path / "a" / "b") == tmp_path / "a" / "b" / "toy"
    assert list(tmp_path.iterdir()) == []


TWO = """
    import importlib.util, pathlib, sys
    spec = importlib.util.spec_from_file_location("toy", sys.argv[1])
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    print("ready", flush=True)
    sys.stdin.readline()
    print(toy.write(pathlib.Path(sys.argv[2])).name)
"""


@pytest.mark.slow
def test_two_processes_get_two_versions(tmp_path):
    words = [sys.executable, "-c", textwrap.dedent(TWO), __file__, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(words, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = sorted(process.communicate()[0].strip() for process in both)
    assert printed == ["1", "2"]
    assert left(tmp_path) == ["1", "2", *BESIDE]
