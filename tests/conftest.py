"""Two logical CPUs, fixed seeds, and the shared data sets where they exist."""

import fcntl
import gc
import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import tensorflow as tf

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    _CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)

import keras  # noqa: E402  (after the devices: importing Keras may create the context)
import numpy as np  # noqa: E402

import tfnlp  # noqa: E402
from tfnlp.data.readers import from_list  # noqa: E402
from tfnlp.export.savedmodel.artefact import export  # noqa: E402

ROOT = Path(__file__).parent.parent

gc.freeze()  # what was imported is not looked through by every collection


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Starts every test from the same random state."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def fresh_names():
    """Frees the graph state that Keras keeps between models."""
    yield
    keras.backend.clear_session(free_memory=False)  # collecting takes 0.2 s


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need it are skipped without it."""
    folder = Path(os.environ.get("TFNLP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("set TFNLP_SHARED_DATA to the folder of real data sets")
    return folder


@pytest.fixture(scope="session")
def saved_tagger(tmp_path_factory) -> Path:
    """A version of an untrained tagger of names, which answers all sorts of tags."""
    row = {"tokens": "Ann left New York", "tags": "B-PER O B-LOC I-LOC"}
    task = tfnlp.Tagging.from_rows(from_list([row]))
    start = tfnlp.networks.word_features.embedding_inputs(
        task.words.sizes, embedding_dim=4
    )
    network = task.network(tfnlp.cnn.encoder(start, hidden_dim=8), dropout=0.0)
    random = np.random.default_rng(3)
    for weight in network.weights:
        weight.assign_add(random.normal(scale=0.5, size=weight.shape))
    folder = tmp_path_factory.mktemp("saved")
    return export(task.for_texts(), network, "names", output=folder)


@pytest.fixture(scope="session")
def exported_tagger(saved_tagger, tmp_path_factory) -> Path:
    """The folder of the tagger's ONNX models, beside a copy of its version.

    The conversion takes half a minute, so it is done once for all workers of pytest.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    exported = root / "tagger" / "names" / "onnx" / "1"
    with (root / "tagger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exported.exists():
            from tfnlp.cli import console

            version = shutil.copytree(saved_tagger, exported.parents[1] / "1")
            with pytest.raises(SystemExit) as ended:
                console.main(["export", str(version), "--format", "onnx"])
            assert ended.value.code == 0
    return exported


@pytest.fixture
def without_parity_check(monkeypatch) -> None:
    """Has `tfnlp.save` publish without comparing backends, where that is no subject."""
    monkeypatch.setattr("tfnlp.serving.verify.check", lambda version: [])


@pytest.fixture
def check_form():
    """`check_task` for one more form of a task: all that depends on the form.

    Training on two devices and searches are left to the form that `check_task` checks;
    the others run through them in `make test-all`.
    """

    from tfnlp import testing  # imports all engines

    def check(task, build, rows, folder):
        network = testing.check_overfits(task, build, rows)
        testing.check_one_path(task, network, rows, folder)
        testing.check_encoded_once(task, rows)
        testing.check_config(task, rows)
        testing.check_served(task, network, rows, folder)
        testing.check_batch_invariance(task, network, rows)
        testing.check_odd_requests(task, network, rows)
        testing.check_score(task, network, rows)
        testing.check_seam(task, network, rows)

    return check
