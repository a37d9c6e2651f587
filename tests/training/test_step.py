"""Weights do not depend on devices or micro-batches (docs/traps.md#t1 to #t4)."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfnlp.layers import DecoderBlock, Embedding, TransformerBlock
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import compiled
from tfnlp.training.optimizers import LazyAdagrad, LazyAdam

# Eight rows of one to four tokens: a mean over padded tokens would differ per device.
IDS = np.array(
    [[1, 2, 3, 4], [4, 3, 2, 1], [5, 0, 0, 0], [6, 0, 0, 0]] * 2, dtype="int32"
)
GOLD = np.array([[0.0] * 4, [1.0] * 4, [9.0] * 4, [7.0] * 4] * 2, dtype="float32")


class Tokens(Task):
    """A number for each token; the loss is [B, T], like that of a tagger."""

    inputs: dict = {}  # noqa: RUF012  (the contract declares it so)

    def encode(self, inputs):
        return inputs

    def loss(self, y, outputs):
        return (y - tf.cast(outputs, tf.float32)) ** 2

    def decode(self, outputs, inputs):
        return {"number": outputs}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    ids = keras.Input([None], dtype="int32", name="ids")
    vectors = keras.layers.Embedding(8, 4)(ids)
    last = keras.layers.Dense(1, kernel_regularizer="l2", name="dense")
    numbers = last(vectors)[..., 0]
    return keras.Model({"ids": ids}, numbers)


class Reads(keras.layers.Layer):
    """A decoder that attends to its own input as the source, too."""

    def __init__(self, rotary):
        super().__init__()
        options = {
            "num_heads": 2,
            "intermediate_dim": 4,
            "dropout": 0.0,
            "cross_attention": True,
        }
        self.block = DecoderBlock(**options, rotary=rotary)

    def build(self, shape):
        self.block.build(shape, shape)

    def call(self, vectors):
        mask = tf.ones(tf.shape(vectors)[:2], tf.int32)
        return self.block(vectors, vectors, mask)


def attentive(kind: str) -> keras.Model:
    """A network of attention, which is invariant to a constant in all keys."""
    keras.utils.set_random_seed(1)
    ids = keras.Input([None], dtype="int32", name="ids")
    vectors = Embedding(8, 8)(ids)
    if kind == "encoder":
        mask = ops.cast(ids > 0, "int32")
        vectors = TransformerBlock(num_heads=2, intermediate_dim=4, dropout=0.0)(
            vectors, mask
        )
    else:
        vectors = Reads(rotary=kind == "rotary decoder")(vectors)
    numbers = keras.layers.Dense(1)(vectors)[..., 0]
    return keras.Model({"ids": ids}, numbers)


def data(batch_size: int) -> tf.data.Dataset:
    weight = (IDS > 0).astype("float32")
    rows = tf.data.Dataset.from_tensor_slices(({"ids": IDS}, GOLD, weight))
    return rows.batch(batch_size)


def trained(
    batch_size: int = 8, epochs: int = 3, build=network, learning_rate=0.1, **options
) -> list[np.ndarray]:
    config = TrainConfig(learning_rate=learning_rate, **options)
    trainable = compiled(Tokens(), lambda hp: build(), config, steps=10)
    trainable.fit(data(batch_size), epochs=epochs, verbose=0, shuffle=False)
    return trainable.network.get_weights()


def far(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


OPTIMIZERS = {"adam": 0.0, "sgd": 0.5, "adamw": 0.5, "muon": 0.5, "schedule_free": 0}
CUTS = {
    "two devices in two parts": {
        "strategy": "mirrored",
        "gradient_accumulation_steps": 2,
    },
    "four parts": {"gradient_accumulation_steps": 4},
    "uneven parts": {"gradient_accumulation_steps": 3},
    "two devices": {"strategy": "mirrored"},
}


def cuts_of_optimizers():
    """Every optimizer with the first cut and adam with every one; all, if long."""
    for cut, options in CUTS.items():
        for optimizer, clip in OPTIMIZERS.items():
            first = cut == next(iter(CUTS)) or optimizer == "adam"
            marks = () if first else pytest.mark.long
            name = f"{cut}-{optimizer}"
            yield pytest.param(options, optimizer, clip, marks=marks, id=name)


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "optimizer", "clip"), list(cuts_of_optimizers()))
def test_weights_do_not_depend_on_devices_or_accumulation(cut, optimizer, clip):
    options = {"optimizer": optimizer, "global_clipnorm": clip, "weight_decay": 0.1}
    options["learning_rate_multipliers"] = ("dense=0.5",)
    assert far(trained(**options), trained(**options, **cut)) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "decoder", "rotary decoder"])
def test_weights_of_attention_do_not_depend_on_them_either(kind):
    options = {"build": functools.partial(attentive, kind), "learning_rate": 1e-3}
    cut = {"strategy": "mirrored", "gradient_accumulation_steps": 2}
    assert far(trained(**options), trained(**options, **cut)) <= 1e-6


@pytest.mark.parametrize("batch_size", [5, 7])
def test_a_last_batch_smaller_than_the_devices_counts_the_same(batch_size):
    plain = trained(batch_size)
    assert far(plain, trained(batch_size, strategy="mirrored")) <= 1e-6


def test_one_step_is_the_gradient_of_the_mean_over_real_tokens():
    before = network()
    with tf.GradientTape() as tape:
        numbers = before({"ids": IDS})
        loss = (GOLD - numbers)[IDS > 0] ** 2
        total = tf.reduce_mean(loss) + tf.add_n(before.losses)
    slopes = tape.gradient(total, [v.value for v in before.trainable_variables])
    expected = [
        w - 0.1 * np.asarray(tf.convert_to_tensor(g))
        for w, g in zip(before.get_weights(), slopes, strict=True)
    ]
    assert far(expected, trained(epochs=1, optimizer="sgd")) <= 1e-6


def test_the_clipped_norm_is_that_of_the_summed_gradient():
    start = network().get_weights()
    moved = trained(epochs=1, optimizer="sgd", global_clipnorm=0.5, strategy="mirrored")
    norm = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(start, moved, strict=True)))
    assert norm == pytest.approx(0.1 * 0.5, rel=1e-5)


def test_the_reported_loss_is_that_of_the_whole_batch():
    losses = {}
    for name in ("one_device", "mirrored"):
        config = TrainConfig(learning_rate=0.1, strategy=name)
        trainable = compiled(Tokens(), lambda hp: network(), config, steps=1)
        history = trainable.fit(data(8), verbose=0, shuffle=False)
        losses[name] = history.history["loss"][0]
    assert losses["one_device"] == pytest.approx(losses["mirrored"], rel=1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "options", [{}, {"global_clipnorm": 1.0}, {"strategy": "mirrored"}]
)
def test_mixed_precision_trains_to_finite_weights(precision, options):
    weights = trained(precision=precision, **options)
    assert all(np.isfinite(each).all() for each in weights)


@pytest.mark.parametrize("lazy", [LazyAdam, LazyAdagrad])
def test_lazy_optimizers_change_only_the_rows_of_a_batch(lazy):
    table = keras.Variable(np.ones([4, 2], "float32"))
    optimizer = lazy(learning_rate=0.1)
    for row in (1, 1, 2):
        slope = tf.IndexedSlices(tf.constant([[1.0, -1.0]]), [row], [4, 2])
        optimizer.apply_gradients([(slope, table)])
    assert np.allclose(table.numpy()[[0, 3]], 1.0)
    assert table.numpy()[1, 0] < 0.85


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize(
    ("lazy", "plain"),
    [
        (LazyAdam, keras.optimizers.Adam),
        (LazyAdagrad, keras.optimizers.Adagrad),
    ],
)
def test_lazy_optimizers_equal_those_of_keras_on_all_rows(lazy, plain, is_sparse):
    start = np.arange(6, dtype="float32").reshape(3, 2)
    tables = [keras.Variable(start) for _ in range(2)]
    lazy, plain = lazy(learning_rate=0.1), plain(learning_rate=0.1)
    slope = tf.constant([[1.0, 2.0], [3.0, -4.0], [0.5, 0.0]])
    for factor in (1.0, -0.5, 0.2):
        met = slope * factor
        if is_sparse:
            met = tf.IndexedSlices(met, [0, 1, 2], [3, 2])
        lazy.apply_gradients([(met, tables[0])])
        plain.apply_gradients([(slope * factor, tables[1])])
    assert np.allclose(tables[0].numpy(), tables[1].numpy(), atol=1e-6)


def test_duplicate_rows_of_a_sparse_gradient_are_summed():
    """A sparse gradient reaches the optimizer with each row once."""
    seen = []

    class Watched(LazyAdam):
        def update_step(self, gradient, variable, learning_rate):
            if isinstance(gradient, tf.IndexedSlices):
                seen.append(gradient.indices)
            super().update_step(gradient, variable, learning_rate)

    trainable = compiled(Tokens(), lambda hp: network(), TrainConfig(), steps=1)
    trainable.compile(optimizer=Watched(), run_eagerly=True)
    trainable.train_step(next(iter(data(8))))
    assert sorted(seen[0].numpy()) == list(range(7))
