"""`fit` learns, stops, restores, complains and leaves the process as it was."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import DataError, SchemaError, TrainingError, UsageError
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import batched, counted, encode_rows, fit, optimizer
from tfnlp.training.optimizers import KINDS, averages
from tfnlp.training.schedules import WarmUpThenFall

ROWS = from_list([{"text": "a" * n, "y": float(n > 4)} for n in range(1, 9)])


class Long(Task):
    """Learns whether a text is long; the loss is the cross-entropy."""

    inputs = {"text": TEXT}  # noqa: RUF012  (the contract declares it so)
    targets = {"y": NUMBER}  # noqa: RUF012

    def encode(self, inputs):
        size = tf.strings.length(inputs["text"])[:, None]
        return {"x": tf.cast(size, tf.float32) - 4.5}

    def encode_targets(self, row):
        return row["y"], tf.ones_like(row["y"])

    def loss(self, y, outputs):
        outputs = tf.cast(outputs[:, 0], tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=outputs)

    def metrics(self):
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]

    def decode(self, outputs, inputs):
        return {"score": outputs[:, 0]}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


class Monitored(Long):
    """Monitors a score of its answers, which falls while the loss does, too."""

    monitor = "val_best_when_short"

    def score(self, rows, answers):
        return {"best_when_short": -float(np.abs(answers["score"]).sum())}


class Broken(Long):
    """Its loss is NaN from the second batch of the second epoch on."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0, trainable=False)

    def loss(self, y, outputs):
        calls = self.calls.assign_add(1)
        return super().loss(y, outputs) + tf.where(calls > 4, np.nan, 0.0)


class Kept(keras.callbacks.Callback):
    """Records the weights after every epoch."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.network.get_weights())


def build(hp):
    x = keras.Input([1], name="x")
    hidden = keras.layers.Dense(3, activation="tanh")(x)
    return keras.Model(
        {"x": x}, keras.layers.Dense(1)(keras.layers.Dropout(0.1)(hidden))
    )


def train(rows=ROWS, valid=ROWS, *, task=None, callbacks=(), **options):
    config = TrainConfig(
        **{"epochs": 1, "batch_size": 4, "learning_rate": 0.1} | options
    )
    return fit(task or Long(), build, rows, valid, config, callbacks=callbacks)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_toy_set_is_learnt():
    found = train(epochs=30, patience=30)
    logs = found.history
    assert logs["loss"][-1] < 0.2 * logs["loss"][0]
    assert max(logs["val_accuracy"]) == 1.0


def test_the_same_seed_gives_the_same_weights():
    first, second = (
        train(seed=7).network.get_weights(),
        train(seed=7).network.get_weights(),
    )
    assert same(first, second)
    assert not same(first, train(seed=8).network.get_weights())


def test_training_stops_and_keeps_the_best_weights():
    kept = Kept()
    wrong = ROWS.map(lambda row: {"text": row["text"], "y": 1.0 - row["y"]})
    found = train(valid=wrong, epochs=9, patience=2, callbacks=(kept,))
    losses = found.history["val_loss"]
    assert len(losses) == 3 == losses.index(min(losses)) + 3
    assert same(found.network.get_weights(), kept.weights[0])


def test_the_last_weights_are_kept_beside_the_best():
    kept = Kept()
    wrong = ROWS.map(lambda row: {"text": row["text"], "y": 1.0 - row["y"]})
    options = {"valid": wrong, "epochs": 9, "patience": 2}
    found = train(keep_weights="both", callbacks=(kept,), **options)
    assert same(found.network.get_weights(), kept.weights[0])
    assert same(found.last_weights, kept.weights[2])
    assert train(keep_weights="last", **options).last_weights is None


@pytest.mark.parametrize(("steps", "epochs"), [(0, 3), (1, 1), (3, 2), (99, 3)])
def test_max_steps_limits_the_epochs(steps, epochs):
    """8 rows by 4 are 2 steps per epoch."""
    found = train(epochs=3, max_steps=steps, patience=9)
    assert len(found.history["loss"]) == epochs


@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_averaged_weights_are_validated_and_kept(strategy):
    """Training itself is the same; only the kept weights differ."""
    kept, other = Kept(), Kept()
    options = {"epochs": 3, "patience": 9, "strategy": strategy}
    plain = train(callbacks=(kept,), **options)
    averaged = train(ema_momentum=0.9, callbacks=(other,), **options)
    losses = [found.history["loss"] for found in (plain, averaged)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert not same(kept.weights[-1], other.weights[-1])
    assert any(
        same(averaged.network.get_weights(), weights) for weights in other.weights
    )


def test_a_score_of_answers_is_monitored_and_in_the_history():
    kept = Kept()
    found = train(task=Monitored(), epochs=9, patience=2, callbacks=(kept,))
    scores = found.history["val_best_when_short"]
    best = scores.index(max(scores))
    assert len(scores) == best + 3
    assert same(found.network.get_weights(), kept.weights[best])


def test_a_nan_loss_names_epoch_and_batch():
    with pytest.raises(
        TrainingError, match=r"nan in epoch 2, batch 1\. Lower learning_rate"
    ):
        train(task=Broken(), epochs=3)


def test_a_nan_validation_loss_is_an_error():
    odd = from_list([{"text": "a", "y": float("nan")}])
    with pytest.raises(TrainingError, match=r"validation rows .*: nan after epoch 1\."):
        train(valid=odd)


@pytest.mark.parametrize("side", ["train", "valid"])
def test_a_split_without_rows_is_refused(side):
    rows = {"train": ROWS, "valid": ROWS} | {side: ROWS.take(0)}
    with pytest.raises(
        DataError, match=r"at least one row on each side. Received: non"
    ):
        train(rows["train"], rows["valid"])


def test_rows_without_a_field_are_refused():
    rows = from_list([{"text": "a", "yy": 2.0}])
    with pytest.raises(SchemaError, match=r"no field 'y'.*Did you mean 'yy'"):
        train(rows)


def test_a_cache_of_other_rows_is_refused():
    task, other = Long(), ROWS.take(4)
    kept = encode_rows(task, other)
    with pytest.raises(UsageError, match="the task and the rows that they come of"):
        fit(task, build, ROWS, ROWS, TrainConfig(epochs=1), encoded=kept)


def test_a_given_cache_changes_nothing():
    task, config = Long(), TrainConfig(epochs=2, batch_size=4)
    kept = encode_rows(task, ROWS)
    before = fit(task, build, ROWS, ROWS, config, encoded=kept).network.get_weights()
    assert same(before, fit(task, build, ROWS, ROWS, config).network.get_weights())


def test_rows_are_counted_where_their_number_is_unknown():
    odd = ROWS.filter(lambda row: tf.strings.length(row["text"]) > 5)
    assert int(counted(odd).cardinality()) == 3
    assert int(counted(ROWS).cardinality()) == 8


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_dtype_policy_is_restored(precision):
    found = train(precision=precision)
    assert found.network.layers[1].dtype_policy.name == precision
    assert keras.config.dtype_policy().name == "float32"


def test_the_dtype_policy_is_restored_after_a_failure():
    def failing(hp):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(Long(), failing, ROWS, ROWS, TrainConfig(precision="mixed_float16"))
    assert keras.config.dtype_policy().name == "float32"


def test_one_line_per_epoch_is_logged_and_nothing_printed(caplog, capfd):
    with caplog.at_level(logging.INFO, logger="tfnlp"):
        train(epochs=2)
    lines = [record.message for record in caplog.records if record.name == "tfnlp"]
    device, cached, *epochs = lines
    assert device == "device 1 CPU · float32 · batch size 4 · 2 steps/epoch"
    assert cached.startswith("cached 8 encoded rows in ")
    assert [line.split("  ")[0] for line in epochs] == ["epoch 1/2", "epoch 2/2"]
    assert "val_loss 0." in epochs[0] and epochs[0].endswith(" s")
    assert capfd.readouterr().out == ""


def test_texts_are_shuffled_and_each_is_seen_once_per_epoch():
    rows = from_list([{"text": "a" * number, "y": 1.0} for number in range(1, 21)])
    config = TrainConfig(batch_size=5)

    def epoch(number):
        found = batched(Long(), rows, config, from_step=4 * number).take(4)
        return [
            round(x + 4.5)
            for features, *_ in found
            for x in features["x"][:, 0].numpy()
        ]

    first, second = epoch(0), epoch(1)
    assert sorted(first) == sorted(second) == list(range(1, 21))
    assert first != second and first != sorted(first)


@pytest.mark.parametrize(
    ("fall", "expected"),
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 0.5, 0.0, 0.0]),
        ("cosine", [0.5, 1.0, 1.0, 0.5, 0.0, 0.0]),
        ("polynomial", [0.5, 1.0, 1.0, 0.25, 0.0, 0.0]),
        ("inverse_sqrt", [0.5, 1.0, 1.0, 3**-0.5, 5**-0.5, 5.5**-0.5]),
    ],
)
def test_schedules_by_hand(fall, expected):
    schedule = WarmUpThenFall(1.0, steps=10, warmup_steps=2, fall=fall)
    rates = [float(schedule(step)) for step in (0, 1, 2, 6, 10, 11)]
    assert rates == pytest.approx(expected, abs=1e-6)


def test_a_schedule_survives_its_configuration():
    schedule = WarmUpThenFall(0.5, steps=8, fall="cosine")
    twin = WarmUpThenFall.from_config(schedule.get_config())
    assert float(twin(4)) == float(schedule(4)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        ({}, 0.001),
        ({"learning_rate": 0.5}, 0.5),
        ({"learning_rate": 0.5, "warmup_ratio": 0.5}, 0.25),
        ({"learning_rate": 0.5, "schedule": "linear"}, 0.5),
    ],
)
def test_the_first_learning_rate_of_an_optimizer(options, rate):
    built = optimizer(TrainConfig(**options), steps=4)
    assert float(built.learning_rate) == pytest.approx(rate)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_optimizer_learns_a_toy_set(name):
    found = train(epochs=30, patience=30, learning_rate=0.05, optimizer=name)
    losses = found.history["val_loss"]
    assert min(losses) < 0.75 * losses[0]


def test_schedule_free_validates_its_averages():
    """The weights that are validated and kept are not those of the gradients."""

    class Compared(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            """The network has averages, from which training's own weights differ."""
            between = self.before_test
            shown = self.model.network.get_weights()
            going = [each.numpy() for each in self.model.optimizer._momentums]
            for own, average, last in zip(between, shown, going, strict=True):
                np.testing.assert_allclose(own, 0.9 * average + 0.1 * last, atol=1e-6)

        def on_train_batch_end(self, batch, logs=None):
            self.before_test = self.model.network.get_weights()

    kept = Kept()
    options = {"epochs": 3, "patience": 9, "callbacks": (Compared(), kept)}
    found = train(optimizer="schedule_free", keep_weights="last", **options)
    assert same(found.network.get_weights(), kept.weights[-1])


def test_the_average_of_schedule_free_is_the_mean_of_its_iterates():
    """Two steps of one weight: the mean of its two iterates."""
    weight = keras.Variable(np.ones([1], "f"))
    optimizer = KINDS["schedule_free"](learning_rate=0.1)
    optimizer.build([weight])
    places = []
    for gradient in (1.0, -3.0):
        optimizer.apply([tf.constant([gradient])], [weight])
        places.append(float(optimizer._momentums[0].numpy()[0]))
    assert float(averages(optimizer)[0][0]) == pytest.approx(np.mean(places), abs=1e-6)


def test_the_last_weights_are_kept():
    kept = Kept()
    wrong = ROWS.map(lambda row: {"text": row["text"], "y": 1.0 - row["y"]})
    options = {"epochs": 3, "patience": 9, "callbacks": (kept,)}
    found = train(valid=wrong, keep_weights="last", **options)
    assert same(found.network.get_weights(), kept.weights[-1])
    assert not same(found.network.get_weights(), kept.weights[0])


def test_another_score_is_monitored():
    found = train(task=Monitored(), monitor="val_accuracy", epochs=9, patience=2)
    scores = found.history["val_accuracy"]
    assert "val_best_when_short" not in found.history
    assert len(scores) == min(9, scores.index(max(scores)) + 3)


def test_an_unknown_monitor_is_refused():
    with pytest.raises(UsageError, match="one of val_accuracy, val_loss"):
        train(monitor="val_acuracy")


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("val_perplexity", "min"),
        ("val_phone_error", "min"),
        ("val_ter", "min"),
        ("val_f1", "max"),
        ("val_accuracy", "max"),
        ("val_bleu", "max"),
    ],
)
def test_the_mode_of_a_monitor(monitor, mode):
    assert TrainConfig(monitor=monitor).monitor_and_mode("val_x") == (monitor, mode)
