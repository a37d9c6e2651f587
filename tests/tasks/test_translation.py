"""Sequence to sequence: what is written for a source, how sure, and where it looked."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.rows import from_list
from tfnlp.errors import UsageError
from tfnlp.networks import incremental_decoding, rnn, transformer
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.specs import REFERENCES
from tfnlp.tasks.translation import Translation
from tfnlp.testing import check_onnx, check_task
from tfnlp.training.defaults import Defaults

PAIRS = [
    ("a dog", "ein Hund"),
    ("cats sleep", "Katzen schlafen"),
    ("no", "nein"),
    ("two birds", "zwei Vögel"),
    ("good", "gut"),
    ("dogs bark", "Hunde bellen"),
    ("so what", "na und"),
    ("rain", "Regen"),
]
ROWS = from_list([{"source": a, "target": b} for a, b in PAIRS])


def attention(task, hp):
    return task.network(
        transformer.encoder(
            task.source_tokenizer.vocabulary_size,
            hidden_dim=16,
            num_heads=2,
            dropout=0.0,
        ),
        TransformerDecoder(
            task.target_tokenizer.vocabulary_size,
            hidden_dim=16,
            num_heads=2,
            num_layers=hp.Int("num_layers", 1, 2, default=1),
            dropout=0.0,
            cross_attention=True,
        ),
    )


def recurrent(task, hp, kind="luong"):
    return task.network(
        rnn.encoder(
            task.source_tokenizer.vocabulary_size,
            hidden_dim=32,
            cell="gru",
            dropout=0.0,
        ),
        RecurrentDecoder(
            task.target_tokenizer.vocabulary_size,
            hidden_dim=hp.Int("hidden_dim", 8, 32, default=32),
            cell="gru",
            attention=kind,
            dropout=0.0,
        ),
    )


FORMS = {
    "attention": attention,
    "luong": recurrent,
    "bahdanau": lambda task, hp: recurrent(task, hp, "bahdanau"),
}


def words(**options):
    defaults = {"source_length": 8, "target_length": 6, "label_smoothing": 0.0}
    return Translation.from_rows(
        ROWS,
        tokenizer_options={"tokenizer": "words"},
        **defaults | {"num_beams": 2} | options,
    )


@pytest.fixture(scope="module")
def task():
    return words()


@pytest.fixture(scope="module")
def model(task):
    keras.utils.set_random_seed(0)
    return attention(task, Defaults())


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", ["attention", pytest.param("luong", marks=pytest.mark.long)]
)
def test_conforms(form, task, tmp_path):
    check_task(task, lambda hp: FORMS[form](task, hp), ROWS, tmp_path)


@pytest.mark.slow
def test_a_recurrent_network_conforms(task, tmp_path, check_form):
    check_form(task, lambda hp: FORMS["luong"](task, hp), ROWS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_onnx_computes_the_same(form, task):
    check_onnx(task, FORMS[form](task, Defaults()), ROWS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    ["attention", "bahdanau", pytest.param("luong", marks=pytest.mark.long)],
)
def test_pairs_are_learnt_and_written(form, task):
    from tfnlp.training.config import TrainConfig
    from tfnlp.training.fit import fit

    config = TrainConfig(epochs=60, batch_size=8, learning_rate=0.02, patience=60)
    trained = fit(task, lambda hp: FORMS[form](task, hp), ROWS, ROWS, config)
    sources = from_list([{"source": source} for source, _ in PAIRS])
    assert trained.predict(sources)["text"].tolist() == [target for _, target in PAIRS]


def test_what_is_read_before_each_token(task):
    row = {"source": tf.constant(["a dog"]), "target": tf.constant(["ein Hund"])}
    features, y, weight = task.example(row)
    spelt = task.target_tokenizer.strings(features["target_ids"]).numpy()[0].tolist()
    assert spelt == [b"[START]", b"ein", b"Hund"]
    assert task.target_tokenizer.strings(y).numpy()[0].tolist() == [
        b"ein",
        b"Hund",
        b"[END]",
    ]
    assert weight.numpy().tolist() == [[1.0, 1.0, 1.0]]


def test_of_several_references_the_first_is_learnt(task):
    several = REFERENCES.join(["gut", "ein Hund"])
    row = {"source": tf.constant(["good"]), "target": tf.constant([several])}
    assert task.target_tokenizer.strings(task.example(row)[1]).numpy()[0, 0] == b"gut"


def test_long_texts_are_cut(task):
    row = {"source": tf.constant(["a " * 99]), "target": tf.constant(["gut " * 99])}
    features, y, _ = task.example(row)
    assert features["token_ids"].shape == (1, 9)  # and the end mark
    assert y.shape == (1, 7)


def test_smoothing_spreads_the_target_evenly():
    task, logits = words(label_smoothing=0.2), tf.constant([[[1.0, 2.0, 0.5, -1.0]]])
    target = np.full(4, 0.05)
    target[1] += 0.8
    expected = -np.sum(target * tf.nn.log_softmax(logits[0, 0]).numpy())
    assert float(task.loss(tf.constant([[1]]), logits)[0, 0]) == pytest.approx(
        expected, rel=1e-5
    )


def test_the_best_texts_fall_in_score_and_the_first_is_the_answer(task, model):
    inputs = {"source": tf.constant(["a dog", "no"])}
    best, answer = task.several(model, inputs), task.answer(model, inputs)
    request = {"num_beams": tf.constant([4])}
    several = task.several(model, {**inputs, **request})
    assert several["texts"].shape == (2, task.n_best)
    scores = several["scores"].numpy()
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    assert best["texts"][:, 0].numpy().tolist() == answer["text"].numpy().tolist()


def test_a_request_says_how_long_and_how(task, model):
    inputs = {"source": tf.constant(["a dog"]), "num_beams": tf.constant([1])}
    one = task.answer(model, {**inputs, "max_tokens": tf.constant([1])})
    assert len(one["text"].numpy()[0].split()) <= 1


def test_without_a_decoder_the_answer_is_the_same(task, model):
    inputs = {"source": tf.constant(["a dog", "two birds", ""])}
    expected = task.answer(model, inputs)
    found = task.answer(lambda features: model(features), inputs)
    assert expected["text"].numpy().tolist() == found["text"].numpy().tolist()
    np.testing.assert_allclose(expected["score"], found["score"], rtol=1e-4)


def test_where_given_targets_look(task, model):
    inputs = {
        "source": tf.constant(["a dog", "no"]),
        "target": tf.constant(["ein Hund", "nein"]),
    }
    found = task.align(model, inputs)
    assert found["target_tokens"].numpy()[1].tolist() == [b"nein", b"[END]", b""]
    assert found["source_tokens"].numpy()[1].tolist() == [b"no", b"[END]", b""]
    sums = tf.reduce_sum(found["weights"], axis=2).numpy()
    np.testing.assert_allclose(sums, [[1, 1, 1], [1, 1, 0]], atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_decoder_trains_on_its_own_tokens_and_answers_alike(form, task):
    def both(scheduled_sampling):
        keras.utils.set_random_seed(0)
        plain = FORMS[form](task, Defaults())
        encoder, decoder = (
            next(each for each in plain.layers if isinstance(each, keras.Model)),
            incremental_decoding.find_decoder(plain),
        )
        return plain, task.network(
            encoder, decoder, scheduled_sampling=scheduled_sampling
        )

    plain, sampled = both(0.5)
    features, _, _ = task.example(next(iter(ROWS.batch(8))))
    np.testing.assert_array_equal(sampled(features), plain(features))
    layer = next(each for each in sampled.layers if "scheduled" in each.name)
    layer.updates.assign(layer.ramp_steps)
    mixed, forced = sampled(features, training=True), plain(features, training=True)
    np.testing.assert_array_equal(mixed[:, 0], forced[:, 0])
    assert np.abs(mixed - forced).max() > 1e-4


def test_one_beam_takes_the_likeliest_token(task, model):
    inputs = {"source": tf.constant(["a dog"]), "num_beams": tf.constant([1])}
    texts = {
        task.answer(model, {**inputs, "seed": tf.constant([n], tf.int64)})["text"][
            0
        ].numpy()
        for n in range(4)
    }
    assert len(texts) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_coverage_penalty_counts_what_was_looked_at(form, task):
    keras.utils.set_random_seed(1)
    network = FORMS[form](task, Defaults())
    inputs = {"source": tf.constant(["two birds", "dogs bark"])}

    def score(penalty):
        request = {"coverage_penalty": tf.constant([penalty]), **inputs}
        request["max_tokens"] = tf.constant([1])  # one look covers no source whole
        return task.answer(network, request)["score"].numpy()

    assert np.all(score(5.0) < score(0.0))


def test_a_report_shows_where_answers_looked(task, model):
    heats = task.attention(model, ROWS, shown=2)
    assert len(heats) == 2
    for (source, _), heat in zip(PAIRS, heats, strict=False):
        read = task.encode({"source": tf.constant([source])})["token_ids"]
        assert len(heat.columns) == read.shape[1]
        np.testing.assert_allclose(np.sum(heat.weights, axis=1), 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("metrics", "listed"), [(("bleu", "chrf"), True), (("exact_match",), False)]
)
def test_a_report_tells_how_scores_with_a_signature_were_counted(metrics, listed):
    task = words(metrics=metrics)
    column = np.array(["ein Hund"])
    rows = {"source": np.array(["a dog"]), "target": column}
    titles = [figure.title for figure in task.figures(rows, {"text": column})]
    assert ("Signatures of scores" in titles) == listed


def test_only_a_decoder_tells_where_it_looks(task):
    inputs = {"source": tf.constant(["no"]), "target": tf.constant(["nein"])}
    with pytest.raises(UsageError, match="Only a network with a decoder"):
        task.align(lambda features: features, inputs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "num_beams is a whole number from 1 to 16"),
        ({"num_beams": 17}, "num_beams is a whole number from 1 to 16"),
        ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1"),
        ({"metrics": ("blue",)}, "Did you mean 'bleu'"),
        ({"source_length": 0}, "source_length must be a whole number"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        words(**options)
