"""Two logical CPUs, fixed seeds, and the shared data sets where they exist."""

import gc
import os
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
    return tfnlp.save(task.for_texts(), network, "names", output=folder)
