"""Classification in its three forms: conformance, then what is special about it."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp import testing
from tfnlp.data.readers import from_list
from tfnlp.errors import DataError, UsageError
from tfnlp.export.savedmodel.artefact import export
from tfnlp.naive_bayes_prior import NaiveBayesPrior
from tfnlp.networks import bow, cnn, rnn, transformer
from tfnlp.saving import from_json, to_json
from tfnlp.serving.client.predictor import load
from tfnlp.tasks.classification import Classification, _compared
from tfnlp.testing import check_task
from tfnlp.training.fit import encode_rows

SINGLE = from_list(
    [
        {"text": "a fine film", "label": "good"},
        {"text": "what a great play", "label": "good"},
        {"text": "great", "label": "good"},
        {"text": "the worst film of the year", "label": "bad"},
        {"text": "dull and much too long", "label": "bad"},
        {"text": "dull", "label": "bad"},
        {"text": "it has two acts", "label": "neutral"},
        {"text": "a play", "label": "neutral"},
    ]
)
SEVERAL = from_list(
    [
        {"text": "fun and sad", "label": "joy,grief"},
        {"text": "fun", "label": "joy"},
        {"text": "fun fun fun", "label": "joy"},
        {"text": "sad", "label": "grief"},
        {"text": "sad and long", "label": "grief, boredom"},
        {"text": "long", "label": "boredom"},
        {"text": "a chair", "label": ""},
        {"text": "two acts", "label": ""},
    ]
)
PAIRS = from_list(
    [
        {"first": "a cat sat", "second": "a cat sat down", "label": "same"},
        {"first": "the film is dull", "second": "a dull film", "label": "same"},
        {"first": "rain", "second": "rain today", "label": "same"},
        {"first": "snow", "second": "much snow", "label": "same"},
        {"first": "a cat sat", "second": "the film is dull", "label": "other"},
        {"first": "rain", "second": "a chair", "label": "other"},
        {"first": "snow today", "second": "two acts", "label": "other"},
        {"first": "a play", "second": "a cat", "label": "other"},
    ]
)
FORMS = {
    "single": (SINGLE, {}),
    "several": (SEVERAL, {"label_separator": ","}),
    "pairs": (PAIRS, {"text_pair": True}),
}
ENCODERS = {
    "bow": lambda size: bow.encoder(size, hidden_dim=16),
    "cnn": lambda size: cnn.encoder(size, hidden_dim=12, embedding_dim=16, dropout=0.0),
    "rnn": lambda size: rnn.encoder(size, hidden_dim=12, embedding_dim=16, dropout=0.0),
    "transformer": lambda size: transformer.encoder(
        size, hidden_dim=16, num_heads=2, dropout=0.0
    ),
}


COSINE = -5
"""Where the cosine is in the features of the head: before the 4 of the alignment."""


def classification(form: str = "single", **options) -> Classification:
    rows, own = FORMS[form]
    return Classification.from_rows(rows, sequence_length=12, **own, **options)


def builder(task: Classification, encoder: str = "bow", **options):
    return lambda hp: task.network(
        ENCODERS[encoder](len(task.text.vocabulary)),
        pooling="mean",
        dropout=0.0,
        **options,
    )


def wide_network(
    task: Classification, start: np.ndarray | None, **options
) -> keras.Model:
    encoder = ENCODERS["bow"](len(task.text.vocabulary))
    return task.network(
        encoder, pooling="mean", dropout=0.0, log_ratios=start, **options
    )


def silenced(network: keras.Model) -> keras.Model:
    """The network without what its encoder says."""
    logits = network.get_layer("logits")
    logits.set_weights([np.zeros_like(weight) for weight in logits.get_weights()])
    return network


def compared(first: str, second: str) -> np.ndarray:
    """What the head of an untrained network of pairs sees of two texts."""
    task = classification("pairs")
    network = builder(task)(None)
    head = keras.Model(network.inputs, network.get_layer("logits").input)
    return head(task.encode(pair(first, second))).numpy()[0]


def pair(first: str, second: str) -> dict[str, tf.Tensor]:
    return {"first": tf.constant([first]), "second": tf.constant([second])}


OTHERS = [("single", "transformer"), ("several", "cnn"), ("pairs", "bow")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "encoder"),
    [("single", "rnn"), *(pytest.param(*o, marks=pytest.mark.long) for o in OTHERS)],
)
def test_conforms(form, encoder, tmp_path):
    task = classification(form)
    check_task(task, builder(task, encoder), FORMS[form][0], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "encoder"), OTHERS)
def test_other_forms_conform(form, encoder, tmp_path, check_form):
    task = classification(form)
    check_form(task, builder(task, encoder), FORMS[form][0], tmp_path)


@pytest.mark.slow
def test_a_network_with_a_wide_layer_learns_alike_on_all_devices():
    task = classification("several")
    start = 0.1 * task.log_ratios(SEVERAL)  # leaves something to learn

    def build(hp):
        return wide_network(task, start, nb_prior=NaiveBayesPrior(pooling="sum"))

    network = testing.check_overfits(task, build, SEVERAL)
    testing.check_batch_invariance(task, network, SEVERAL)
    testing.check_odd_requests(task, network, SEVERAL)
    testing.check_device_invariance(task, build, SEVERAL)


def test_labels_are_sorted_names():
    assert classification().labels.entries == ("bad", "good", "neutral")


def test_several_labels_are_split_and_stripped():
    task = classification("several")
    y, _ = task.encode_targets({"label": tf.constant(["grief, boredom", ""])})
    assert task.labels.entries == ("boredom", "grief", "joy")
    assert y.numpy().tolist() == [[1, 1, 0], [0, 0, 0]]


def test_rows_with_an_unseen_label_do_not_count():
    _, weight = classification().encode_targets({"label": tf.constant(["bad", "?"])})
    assert weight.numpy().tolist() == [1.0, 0.0]


def test_an_unseen_label_gives_a_finite_loss():
    task = classification()
    y, weight = task.encode_targets({"label": tf.constant(["?"])})
    loss = task.loss(y, tf.zeros([1, 3])) * weight
    assert loss.numpy().tolist() == [0.0]


def test_one_class_is_refused():
    rows = from_list([{"text": "a", "label": "x"}, {"text": "b", "label": "x"}])
    with pytest.raises(DataError, match=r"at least two classes\. Received: 'x'"):
        Classification.from_rows(rows)


def test_a_class_weight_is_balanced_or_none():
    with pytest.raises(UsageError, match=r"class_weight must be .* Received: 'even'"):
        Classification.from_rows(SINGLE, class_weight="even")


def test_balanced_weights_are_inverse_to_frequency():
    rows = from_list([{"text": "a", "label": label} for label in "xxxy"])
    task = Classification.from_rows(rows, class_weight="balanced")
    _, weight = task.encode_targets({"label": tf.constant(["x", "y"])})
    assert weight.numpy() == pytest.approx([2 / 3, 2.0])


def test_cross_entropy_is_that_of_keras():
    task, logits = classification(), tf.constant([[2.0, 0.5, -1.0]])
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = task.loss(tf.constant([1]), logits)
    assert loss.numpy() == pytest.approx(float(expected(tf.constant([1]), logits)))


def test_label_smoothing_is_that_of_keras():
    task, logits = classification(label_smoothing=0.1), tf.constant([[2.0, 0.5, -1.0]])
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1
    )
    target = tf.constant([[0.0, 1.0, 0.0]])
    loss = task.loss(tf.constant([1]), logits)
    assert loss.numpy() == pytest.approx(float(expected(target, logits)))


def test_focal_loss_is_that_of_keras():
    task, logits = classification(loss="focal"), tf.constant([[2.0, 0.5, -1.0]])
    expected = keras.losses.CategoricalFocalCrossentropy(
        from_logits=True, alpha=1.0, gamma=2.0
    )
    target = tf.constant([[0.0, 1.0, 0.0]])
    loss = task.loss(tf.constant([1]), logits)
    assert loss.numpy() == pytest.approx(float(expected(target, logits)), rel=1e-5)


def test_the_loss_of_several_labels_sums_over_classes():
    task, logits = classification("several"), tf.constant([[2.0, 0.5, -1.0]])
    target = tf.constant([[1.0, 0.0, 1.0]])
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(target, logits) * 3
    assert task.loss(target, logits).numpy() == pytest.approx(float(expected))


def test_an_answer_names_the_likeliest_class():
    answer = classification().decode(tf.constant([[0.0, 3.0, 0.0]]), {})
    assert answer["label"].numpy().tolist() == [b"good"]
    assert float(answer["score"][0]) == float(answer["probabilities"][0, 1])


def test_several_labels_are_joined_where_they_reach_their_threshold():
    task = classification("several")
    answer = task.decode(tf.constant([[-9.0, 2.0, 1.0], [-9.0, -9.0, -9.0]]), {})
    assert answer["label"].numpy().tolist() == [b"grief,joy", b""]


def test_rows_that_always_have_a_label_always_get_one():
    rows = from_list([{"text": "a", "label": "x,y"}, {"text": "b", "label": "y"}])
    task = Classification.from_rows(rows, label_separator=",")
    answer = task.decode(tf.constant([[-2.0, -3.0]]), {})
    assert answer["label"].numpy().tolist() == [b"x"]


def test_thresholds_are_learnt_from_held_out_answers():
    task = classification("several")
    rows = {"label": np.array(["joy", "", ""], object)}
    answers = {"probabilities": np.array([[0, 0, 0.3], [0, 0, 0.2], [0, 0, 0.1]])}
    assert task.calibrate(rows, answers).thresholds == (0.5, 0.5, 0.25)


def test_the_headline_is_part_of_the_scores():
    task = Classification.from_rows(SEVERAL, label_separator=",", sequence_length=4)
    rows = {"label": np.array(["joy", "grief,joy", "", "boredom"], object)}
    sure = np.array([[0.1, 0.2, 0.9], [0.3, 0.9, 0.6], [0.2, 0.4, 0.7], [0.6, 0.1, 0]])
    answers = {"label": np.array(["joy", "grief", "joy", "boredom"], object)}
    answers["probabilities"] = sure
    scores, headline = task.score(rows, answers), task.headline(rows, answers)
    assert headline == pytest.approx({name: scores[name] for name in headline})
    assert {"accuracy", "f1_macro", "roc_auc", "calibration_error"} < set(headline)


@pytest.mark.parametrize(
    ("form", "name"), [("single", "accuracy"), ("several", "decision_accuracy")]
)
def test_what_the_progress_bar_shows_is_named_for_what_it_counts(form, name):
    rows, options = FORMS[form]
    task = Classification.from_rows(rows, sequence_length=4, **options)
    assert [metric.name for metric in task.metrics()] == [name]


def test_a_label_may_hold_any_character():
    rows = from_list(
        [{"text": "a", "label": "line\nline"}, {"text": "b", "label": "ö"}]
    )
    task = from_json(json.dumps(json.loads(to_json(Classification.from_rows(rows)))))
    assert task.labels.entries == ("line\nline", "ö")


def test_ten_thousand_classes_are_answered():
    rows = from_list([{"text": str(k), "label": f"class {k}"} for k in range(10_000)])
    task = Classification.from_rows(rows, vocabulary_size=100)
    logits = tf.one_hot([9_999], 10_000)
    assert task.decode(logits, {})["label"].numpy().tolist() == [b"class 9999"]


def test_log_ratios_have_a_row_a_term_and_a_column_a_class():
    task = classification()
    ratios = task.log_ratios(SINGLE)
    (dull,) = task.text.vocabulary.ids(["dull"]).numpy()
    assert ratios.shape == (len(task.text.vocabulary), 3)
    assert task.labels.entries[ratios[dull].argmax()] == "bad"


def test_log_ratios_of_several_labels_count_each_label():
    task = classification("several")
    ids = task.text.vocabulary.ids(["fun", "sad"]).numpy()
    fun, sad = task.log_ratios(SEVERAL)[ids]
    assert task.labels.entries[fun.argmax()] == "joy"
    assert task.labels.entries[sad.argmax()] == "grief"


def test_log_ratios_of_encoded_rows_are_those_of_the_rows():
    task = classification()
    kept = encode_rows(task, SINGLE)
    found = task.log_ratios(SINGLE, encoded=kept)
    assert found.tolist() == task.log_ratios(SINGLE).tolist()


def test_pairs_have_no_log_ratios():
    assert classification("pairs").log_ratios(PAIRS) is None


@pytest.mark.parametrize(("pooling", "share"), [("sqrt", 3**-0.5), ("sum", 1.0)])
def test_a_wide_network_starts_as_naive_bayes(pooling, share):
    task = classification()
    ratios = task.log_ratios(SINGLE)
    network = silenced(
        wide_network(task, ratios, nb_prior=NaiveBayesPrior(pooling=pooling))
    )
    features = task.encode({"text": tf.constant(["a dull film", "great"])})
    dull, great = (ratios[ids] for ids in features["token_ids"].numpy())
    expected = [dull.sum(0) * share, great[0]]
    assert network(features).numpy() == pytest.approx(np.array(expected), rel=1e-5)


@pytest.mark.parametrize("per_term", [True, False])
def test_a_wide_network_answers_before_it_is_trained(per_term):
    task = classification()
    network = silenced(
        wide_network(
            task, task.log_ratios(SINGLE), nb_prior=NaiveBayesPrior(per_term=per_term)
        )
    )
    answer = task.answer(network, {"text": tf.constant(["dull", "great", "acts"])})
    assert answer["label"].numpy().tolist() == [b"bad", b"good", b"neutral"]


def test_nbsvm_learns_one_factor_a_term():
    task = classification()
    start = task.log_ratios(SINGLE)
    network = wide_network(task, start, nb_prior=NaiveBayesPrior(per_term=True))
    learned = {weight.path: weight.shape for weight in network.trainable_weights}
    assert learned["wide_weights/weight"] == (len(start), 1)
    assert not any(path.startswith("wide/") for path in learned)


def test_without_an_encoder_the_linear_layer_is_alone():
    task = classification()
    start = task.log_ratios(SINGLE)
    network = task.network(
        None, log_ratios=start, nb_prior=NaiveBayesPrior(pooling="sum"), dropout=0.0
    )
    assert [weight.path for weight in network.weights] == [
        "wide/embeddings",
        "logits/bias",
    ]
    features = task.encode({"text": tf.constant(["a dull film", "great"])})
    dull, great = (start[ids] for ids in features["token_ids"].numpy())
    assert network(features).numpy() == pytest.approx(
        np.array([dull.sum(0), great[0]]), rel=1e-5
    )


@pytest.mark.parametrize("kind", ["single", "pairs"])
def test_without_an_encoder_and_a_table_there_is_nothing(kind):
    received = {"single": "log_ratios=None", "pairs": "pairs of texts"}[kind]
    with pytest.raises(UsageError, match=f"Received: {received}"):
        classification(kind).network(None)


def test_without_a_start_there_is_no_wide_layer():
    names = [layer.name for layer in wide_network(classification(), None).layers]
    assert "logits" in names and "wide" not in names


@pytest.mark.slow
def test_a_wide_network_survives_its_artefact(tmp_path):
    task = classification()
    network = wide_network(task, task.log_ratios(SINGLE))
    texts = ["a dull film", "", "great"]
    expected = task.answer(network, {"text": tf.constant(texts)})["probabilities"]
    predictor = load(export(task, network, "wide", output=tmp_path))
    served = predictor.answer({"text": texts})["probabilities"]
    assert served == pytest.approx(expected.numpy(), rel=1e-5)


@pytest.mark.parametrize("text", ["a cat sat", "rain", "qwxyzzy"])
def test_the_cosine_of_a_text_with_itself_is_one(text):
    assert compared(text, text)[COSINE] == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("second", ["", "rain"])
def test_an_empty_text_is_compared_in_finite_numbers(second):
    seen = compared("", second)
    assert np.isfinite(seen).all()
    assert abs(seen[COSINE]) <= 1.0 + 1e-4


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("symmetric", [True, False])
def test_only_a_symmetric_network_answers_swapped_texts_alike(encoder, symmetric):
    task = classification("pairs")
    network = builder(task, encoder, symmetric=symmetric)(None)
    texts = "a fine film", "dull and much too long"

    straight = network(task.encode(pair(*texts)))
    swapped = network(task.encode(pair(*reversed(texts))))

    assert np.allclose(straight, swapped, atol=1e-5) == symmetric


@pytest.mark.parametrize("size", [0.0, 1e-20])
def test_vectors_of_no_length_have_a_finite_cosine_and_gradient(size):
    vector = tf.Variable(tf.fill([1, 4], size))
    with tf.GradientTape() as tape:
        seen = _compared(vector, vector)
    assert np.isfinite(seen.numpy()).all()
    assert np.isfinite(tape.gradient(seen, vector).numpy()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss must be cross_entropy or focal. Received: 'hinge'"),
        ({"label_smoothing": 1.0}, "label_smoothing is a share .* Received: 1.0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        classification(**options)
