"""Properties of every encoder, with all its options."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.pooling import KINDS
from tfnlp.networks import bow, cnn, rnn, transformer

V = 12
IDS = np.array([[3, 4, 5, 0, 0], [6, 7, 8, 9, 2]], "int32")
VECTORS = np.random.default_rng(0).normal(size=[V, 6]).astype("float32")
SMALL = {"bow": {}, "cnn": {}, "rnn": {}, "transformer": {"num_heads": 2}}
MODULES = {"bow": bow, "cnn": cnn, "rnn": rnn, "transformer": transformer}
OPTIONS = [
    ("bow", {"token_weights": True, "activation": "prelu"}),
    ("bow", {"initial_vectors": VECTORS[:, :4]}),
    ("cnn", {"kernel_sizes": (1, 2, 3), "num_layers": 2, "activation": "prelu"}),
    ("cnn", {"embedding_dim": 3, "kernel_sizes": (2,), "activation": "elu"}),
    ("rnn", {"cell": "gru", "num_layers": 2}),
    ("rnn", {"bidirectional": False, "activation": "sigmoid", "embedding_dim": 3}),
    ("transformer", {"positions": "learned", "sequence_length": 3, "num_layers": 2}),
    (
        "transformer",
        {"positions": None, "normalize_first": False, "activation": "prelu"},
    ),
    ("transformer", {"causal": True, "attention_dropout": 0.1, "intermediate_dim": 5}),
    *[(name, {"normalization": "batch"}) for name in SMALL],
    *[(name, {"normalization": "layer"}) for name in SMALL],
    *[(name, {"vectors": VECTORS, "hidden_dim": None}) for name in ["bow"]],
    *[(name, {"vectors": VECTORS}) for name in ["cnn", "rnn", "transformer"]],
    *[(name, {"dropout": 0.5}) for name in SMALL],
    *[(name, {"word_dropout": 0.5, "spatial_dropout": 0.5}) for name in SMALL],
]
ALL = [*[(name, {}) for name in SMALL], *OPTIONS]
NAMES = ["-".join([name, *options]) for name, options in ALL]


def build(name, **options):
    return MODULES[name].encoder(V, **{"hidden_dim": 4, **SMALL[name], **options})


def features(ids):
    return {"token_ids": ids, "padding_mask": (ids > 0).astype("int32")}


def disturb(encoder):
    """Moves every weight off its start value, so that no zero hides a leak."""
    random = np.random.default_rng(1)
    for weight in encoder.weights:
        if weight.dtype == "float32":
            weight.assign_add(random.normal(scale=0.1, size=weight.shape))


@pytest.mark.parametrize(("name", "options"), ALL, ids=NAMES)
def test_the_output_of_a_row_does_not_depend_on_its_padding(name, options):
    encoder = build(name, **options)
    disturb(encoder)
    alone = encoder(features(IDS[:1, :3]))

    padded = encoder(features(np.pad(IDS[:1, :3], [(0, 0), (0, 7)])))

    np.testing.assert_allclose(padded[:, :3], alone, atol=1e-6)
    assert not np.any(padded[:, 3:])


@pytest.mark.parametrize(("name", "options"), ALL, ids=NAMES)
def test_a_saved_encoder_has_the_same_outputs(name, options, tmp_path):
    encoder = build(name, **options)
    encoder.save(tmp_path / "encoder.keras")

    again = keras.models.load_model(tmp_path / "encoder.keras")

    assert again.name == name
    np.testing.assert_array_equal(again(features(IDS)), encoder(features(IDS)))


@pytest.mark.parametrize(("name", "options"), ALL, ids=NAMES)
def test_a_gradient_reaches_every_weight(name, options):
    encoder = build(name, **options)
    disturb(encoder)
    values = [weight.value for weight in encoder.trainable_weights]

    with tf.GradientTape() as tape:
        outputs = encoder(features(IDS), training=False)
        loss = tf.reduce_sum(tf.sin(outputs))  # a plain sum is constant under a norm

    for weight, slope in zip(values, tape.gradient(loss, values), strict=True):
        assert slope is not None, weight.name
        assert np.any(tf.convert_to_tensor(slope)), weight.name


@pytest.mark.parametrize(("name", "options"), ALL, ids=NAMES)
def test_half_precision_trains_finite_and_answers_float32(name, options):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = build(name, **options)
    finally:
        keras.config.set_dtype_policy("float32")

    outputs = encoder(features(IDS), training=True)

    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("name", SMALL)
def test_frozen_vectors_are_no_trainable_weights(name):
    encoder = build(name, vectors=VECTORS, hidden_dim=6, trainable_vectors=False)

    assert not encoder.get_layer("embedding").trainable_weights


@pytest.mark.parametrize("name", SMALL)
def test_training_starts_from_pretrained_vectors(name):
    encoder = build(name, vectors=VECTORS, hidden_dim=6)

    begun = encoder.get_layer("embedding").get_weights()[0]
    np.testing.assert_array_equal(begun, VECTORS)


@pytest.mark.parametrize("name", SMALL)
def test_regularization_grows_with_its_factor(name):
    light, heavy = build(name, l2=0.1), build(name, l1=0.1, l2=0.1)
    heavy.set_weights(light.get_weights())

    assert 0.0 < sum(light.losses) < sum(heavy.losses)
    assert not build(name).losses


@pytest.mark.parametrize("name", SMALL)
def test_inputs_are_named_and_the_pooling_exists(name):
    encoder = build(name)

    assert set(encoder.input) == {"token_ids", "padding_mask"}
    assert {tensor.dtype for tensor in encoder.inputs} == {"int32"}
    assert encoder.output_shape == (None, None, 4)
    assert MODULES[name].POOLING in KINDS


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bow", {"normalization": "bach"}, "Did you mean 'batch'"),
        ("bow", {"initial_vectors": VECTORS, "vectors": VECTORS}, "Pass either"),
        ("bow", {"activation": "rellu"}, "Did you mean 'relu'"),
        ("cnn", {"activation": "rellu"}, "Did you mean 'relu'"),
        ("cnn", {"kernel_sizes": ()}, "at least one kernel size"),
        ("cnn", {"kernel_sizes": 3}, r"kernel_sizes=3\. Pass kernel_sizes=\(3, 4, 5\)"),
        ("cnn", {"vectors": "glove.txt"}, "Received: 'glove.txt'. Read a file"),
        ("cnn", {"kernel_sizes": (0,)}, "kernel_sizes must be a whole number"),
        ("cnn", {"hidden_dim": 1}, "hidden_dim must be a whole number of at least 3"),
        ("cnn", {"l2": -1.0}, "l2 must be a number, 0 or more"),
        ("cnn", {"vectors": VECTORS[:5]}, r"Received: \(5, 6\)"),
        ("rnn", {"cell": "lstn"}, "Did you mean 'lstm'"),
        ("rnn", {"hidden_dim": 5}, r"hidden_dim=5\. Pass hidden_dim=6"),
        ("rnn", {"activation": "prelu"}, "Received: 'prelu'"),
        ("rnn", {"num_layers": 0}, "num_layers must be a whole number of at least 1"),
        ("rnn", {"dropout": 1.5}, "dropout must be at least 0 and below 1"),
        ("transformer", {"positions": "learnt"}, "Did you mean 'learned'"),
        (
            "transformer",
            {"num_heads": 3},
            "num_heads=3, hidden_dim=4. Pass a hidden_dim of 6",
        ),
        ("transformer", {"spatial_dropout": -0.1}, "spatial_dropout must be"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_invalid_arguments_of_encoders_are_refused(name, options, message):
    with pytest.raises(UsageError, match=message):
        build(name, **options)
