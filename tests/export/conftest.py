"""Versions of a small artefact, with what TF Serving needs beside them."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import yaml

from tfnlp.export.deployment import bundle

TEXTS = tf.TensorSpec([None], tf.string, name="text")
TIMES = tf.TensorSpec([None], tf.float32, name="times")


def sized(text, times):
    size = tf.cast(tf.strings.length(text, unit="UTF8_CHAR"), tf.float32) * times
    return {"label": tf.strings.upper(text), "score": size}


def save(base, *, optional=False, version=1):
    """Writes a version that says how long a text is; times may be `optional`."""

    def scaled(text, times):
        return sized(text, times)

    def scaled_or_not(text, times=tf.constant([0.9])):  # noqa: B008
        return sized(text, times)

    module = tf.Module()
    module.plain = tf.function(lambda text: sized(text, 1.0), input_signature=[TEXTS])
    module.scaled = tf.function(
        scaled_or_not if optional else scaled, input_signature=[TEXTS, TIMES]
    )
    signatures = {"serving_default": module.plain, "scaled": module.scaled}
    tf.saved_model.save(module, str(base / str(version)), signatures=signatures)
    return base


@pytest.fixture(scope="session")
def save_version():
    """A function: folder, optional=, version= → the folder, with a version."""
    return save


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """An artefact all of whose fields are needed; not to be changed."""
    base = save(tmp_path_factory.mktemp("saved") / "My_reviews.v2")
    bundle.write(base)
    return base


@pytest.fixture
def base(original, tmp_path):
    """A copy of it."""
    return shutil.copytree(original, tmp_path / original.name)


@pytest.fixture(scope="session")
def optional(tmp_path_factory):
    """An artefact with a field that may be left out; not to be changed."""
    base = save(tmp_path_factory.mktemp("saved") / "optional", optional=True)
    bundle.write(base)
    return base


class Manifests:
    """The containers that the files of an artefact describe."""

    def __init__(self, base):
        read = {
            name: list(yaml.safe_load_all((base / "serving" / name).read_text()))
            for name in ("docker-compose.yaml", "kubernetes.yaml")
        }
        self.composed = read["docker-compose.yaml"][0]["services"]["serving"]
        self.objects = read["kubernetes.yaml"]
        self.kinds = {each["kind"]: each for each in self.objects}
        self.pod = self.kinds["Deployment"]["spec"]["template"]
        (self.container,) = self.pod["spec"]["containers"]


@pytest.fixture
def manifests():
    """A function: folder of an artefact → its containers."""
    return Manifests


@pytest.fixture
def drawn():
    """A function: network → the same with weights that matter."""

    def draw(network):
        random = np.random.default_rng(0)
        for weight in network.weights:
            weight.assign(random.normal(scale=0.5, size=weight.shape))
        return network

    return draw
