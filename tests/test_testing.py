"""The conformance suite names what a broken task breaks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp import testing
from tfnlp.data.readers import from_list
from tfnlp.export.onnx import conversion
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Task
from tfnlp.training.defaults import Defaults

TEXTS = ("a", "b a", "a b a", "b", "seventeen nineteen", "eleven", "twelve", "thirty")
ROWS = from_list([{"text": text, "y": float(k > 3)} for k, text in enumerate(TEXTS)])


class Words(Task):
    """Distinguishes texts of long words from texts of short ones; breaks no rule."""

    inputs = {"text": TEXT}  # noqa: RUF012  (the contract declares it so)
    targets = {"y": NUMBER}  # noqa: RUF012

    def encode(self, inputs):
        words = tf.strings.split("- " + inputs["text"])
        sizes = tf.strings.length(words.flat_values)
        sizes = words.with_flat_values(tf.cast(sizes, tf.float32)).to_tensor()
        return {"sizes": sizes, "mask": tf.cast(sizes > 0.0, tf.int32)}  # [B, T]

    def encode_targets(self, row):
        return row["y"], tf.ones_like(row["y"])

    def loss(self, y, outputs):
        logits = tf.cast(outputs[:, 0], tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)

    def decode(self, outputs, inputs):
        return {"score": tf.sigmoid(outputs[:, 0])}

    def score(self, rows, answers):
        return {"error": float(np.mean(np.abs(rows["y"] - answers["score"])))}

    def config(self):
        return {}


class Forgetful(Words):
    """Leaves an argument out of its configuration."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.scale = scale

    def encode(self, inputs):
        features = super().encode(inputs)
        return features | {"sizes": features["sizes"] * self.scale}


class Moody(Words):
    """Encodes differently every time."""

    def encode(self, inputs):
        features = super().encode(inputs)
        noise = tf.cast(tf.math.floormod(tf.timestamp(), 1.0), tf.float32)
        return features | {"sizes": features["sizes"] + noise}


class Bools(Words):
    """Its mask is not int32."""

    def encode(self, inputs):
        features = super().encode(inputs)
        return features | {"mask": features["mask"] > 0}


class Strings(Words):
    """Lets the text itself through to the network."""

    def encode(self, inputs):
        return super().encode(inputs) | {"raw": inputs["text"]}


class Dividing(Words):
    """Its answer to an empty text is infinite."""

    def decode(self, outputs, inputs):
        size = tf.cast(tf.strings.length(inputs["text"]), tf.float32)
        return {"score": 1.0 / size}


class Averaging(Words):
    """Divides its loss by the batch, which only the engine may do."""

    def loss(self, y, outputs):
        return super().loss(y, outputs) / tf.cast(tf.shape(y)[0], tf.float32)


class Blind(Words):
    """Sees nothing, so that there is nothing to learn."""

    def encode(self, inputs):
        features = super().encode(inputs)
        return features | {"sizes": tf.zeros_like(features["sizes"])}


class Misread(Words):
    """Its score compares the gold with something else than the answer."""

    def score(self, rows, answers):
        return {"error": float(np.mean(np.abs(rows["y"] - 0.5)))}

    def gold_answers(self, rows, answers):
        return {"score": rows["y"]}


class Unscored(Words):
    """Its score is no number."""

    def score(self, rows, answers):
        return {"error": float("nan")}


def build(hp, *, mask="int32", leaks=False, raw=False, coarse=False):
    sizes = keras.Input([None], name="sizes")
    padding = keras.Input([None], dtype=mask, name="mask")
    inputs = {"sizes": sizes, "mask": padding}
    if raw:
        inputs["raw"] = keras.Input([], dtype="string", name="raw")
    vectors = keras.layers.Dense(32, activation="relu")(sizes[..., None])
    weights = keras.ops.cast(padding, vectors.dtype)[..., None]
    if leaks:
        weights = keras.ops.ones_like(weights)
    total = keras.ops.sum(vectors * weights, axis=1) / keras.ops.sum(weights, axis=1)
    if coarse:  # 1.001 - 1 is 0 in bfloat16
        total = total / (keras.ops.cast(1.001, total.dtype) - 1)
    return keras.Model(inputs, keras.layers.Dense(1)(total))


def fails(check, task, *arguments):
    """The message with which a check fails."""
    with pytest.raises(AssertionError) as caught:
        check(task, *arguments)
    return str(caught.value)


@pytest.mark.slow
def test_a_task_that_breaks_no_rule_passes(tmp_path):
    testing.check_task(Words(), build, ROWS, tmp_path, classes=(Words,))


@pytest.mark.slow
def test_a_leaking_mask_is_found_by_the_whole_suite(tmp_path):
    def leaking(hp):
        return build(hp, leaks=True)

    task = Words()
    with pytest.raises(
        AssertionError, match=r"batch invariance: row \d has another answer"
    ):
        testing.check_task(task, leaking, ROWS, tmp_path, classes=(Words,))


def test_a_leaking_mask_is_found():
    network = build(Defaults(), leaks=True)
    message = fails(testing.check_batch_invariance, Words(), network, ROWS)
    assert message.startswith("batch invariance: row 0 has another answer alone")


def test_a_bool_feature_is_found():
    network = build(Defaults(), mask="bool")
    message = fails(testing.check_seam, Bools(), network, ROWS)
    assert message == "seam: mask is bool; use int32 or float32 (docs/traps.md#m4)"


def test_a_string_that_leaves_encode_is_found():
    network = build(Defaults(), raw=True)
    message = fails(testing.check_seam, Strings(), network, ROWS)
    assert message == "seam: raw is string; use int32 or float32 (docs/traps.md#m4)"


def test_a_feature_that_the_network_does_not_know_is_found():
    message = fails(testing.check_seam, Strings(), build(Defaults()), ROWS)
    assert message.startswith("seam: features ['mask', 'raw', 'sizes'], network inputs")


def test_a_lost_argument_is_found():
    def check(task, rows):
        testing.check_config(task, rows, classes=(Forgetful,))

    assert fails(check, Forgetful(3.0), ROWS) == "config: ids differ"


def test_an_encoding_of_its_own_in_a_dataset_is_found(tmp_path):
    network = build(Defaults())
    message = fails(testing.check_one_path, Moody(), network, ROWS, tmp_path)
    assert message == "one path: encode differs in a dataset"


def test_an_answer_that_is_not_finite_is_found():
    message = fails(testing.check_odd_requests, Dividing(), build(Defaults()), ROWS)
    assert message == "odd requests: score is not finite for ''"


def test_a_score_that_is_not_finite_is_found():
    message = fails(testing.check_score, Unscored(), build(Defaults()), ROWS)
    assert message == "score: error is nan"


def test_gold_answers_without_a_perfect_score_are_found():
    message = fails(testing.check_score, Misread(), build(Defaults()), ROWS)
    assert message == (
        "score: gold answers are scored {'error': 0.5}; none of these is perfect"
    )


def test_numbers_too_small_for_bfloat16_are_found():
    def coarse(hp):
        return build(hp, coarse=True)

    message = fails(testing.check_precision, Words(), coarse, ROWS)
    assert message == "precision: the loss in bfloat16 is nan"


@pytest.mark.slow
def test_another_network_in_onnx_is_found(monkeypatch):
    convert, other = conversion.network, build(Defaults())
    monkeypatch.setattr(conversion, "network", lambda network: convert(other))
    message = fails(testing.check_onnx, Words(), build(Defaults()), ROWS)
    assert message == "onnx: outputs differ from those of Keras"


@pytest.mark.slow
def test_nothing_learnt_is_found():
    message = fails(testing.check_overfits, Blind(), build, ROWS)
    assert message.startswith("overfits: loss went from 0.")


@pytest.mark.slow
def test_a_loss_that_divides_is_found():
    message = fails(testing.check_device_invariance, Averaging(), build, ROWS)
    assert message.startswith(
        "device invariance: two gradient accumulation steps with the strategy "
        "'mirrored' "
        "move a weight by"
    )
