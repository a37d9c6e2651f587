"""The CRF against a brute-force enumeration of all tag sequences."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers import (
    CRF,
    Chain,
    log_likelihood,
    log_partition,
    marginals,
    n_best,
    viterbi,
)

SPREADS = (1.0, 40.0)  # of the scores; at 40, one sequence is nearly certain
LENGTHS = (4, 1, 3, 2)


def made(spread=1.0, *, lengths=LENGTHS, classes=3, seed=0):
    """A chain of random scores, and random tags for it."""
    rng = np.random.default_rng(seed)
    size = (len(lengths), max(lengths))
    shapes = {
        "emissions": (*size, classes),
        "transitions": (classes, classes),
        "start": (classes,),
        "end": (classes,),
    }
    scores = {
        name: tf.constant(rng.normal(0.0, spread, shape), tf.float32)
        for name, shape in shapes.items()
    }
    mask = np.arange(size[1]) < np.array(lengths)[:, None]
    chain = Chain(padding_mask=tf.constant(mask, tf.int32), **scores)
    return chain, tf.constant(rng.integers(0, classes, size), tf.int32)


def written_out(chain, row):
    """Every tag sequence [N, t] of a row, and its score: float64 [N]."""
    length = int(np.sum(chain.padding_mask[row]))
    classes = len(chain.start)
    paths = np.array(list(itertools.product(range(classes), repeat=length)))
    tokens = tf.cast(chain.emissions[row, :length], tf.float64)
    single = tf.gather(tf.reshape(tokens, [-1]), np.arange(length) * classes + paths)
    flat = tf.reshape(tf.cast(chain.transitions, tf.float64), [-1])
    pairs = tf.gather(flat, paths[:, :-1] * classes + paths[:, 1:])
    start, end = tf.cast(chain.start, tf.float64), tf.cast(chain.end, tf.float64)
    ends = tf.gather(start, paths[:, 0]) + tf.gather(end, paths[:, -1])
    inner = tf.reduce_sum(single, axis=1) + tf.reduce_sum(pairs, axis=1)
    return paths, inner + ends


def written_out_likelihood(chain, tags):
    """Float64 [B], by all sequences of each row."""
    found = []
    for row in range(len(tags)):
        paths, scores = written_out(chain, row)
        same = paths == np.asarray(tags)[row, : paths.shape[1]]
        (number,) = np.flatnonzero(same.all(axis=1))
        found.append(scores[number] - tf.reduce_logsumexp(scores))
    return tf.stack(found)


def gradients(likelihood, chain, tags):
    variables = [chain.emissions, chain.transitions, chain.start, chain.end]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        total = tf.reduce_sum(likelihood(chain, tags) * [1.0, 2.0, 3.0, 4.0])
    return [tf.convert_to_tensor(each) for each in tape.gradient(total, variables)]


def ladder(classes):
    """Arrays by which each tag is followed by itself or the next, from 0 to last."""
    allowed = np.eye(classes, dtype=bool) | np.eye(classes, k=1, dtype=bool)
    ends = np.eye(classes, dtype=bool)
    return {"allowed": allowed, "start": ends[0], "end": ends[-1]}


@pytest.mark.parametrize("spread", SPREADS)
def test_likelihood_agrees_with_all_sequences(spread):
    chain, tags = made(spread)

    found = log_likelihood(chain, tags)

    expected = written_out_likelihood(chain, tags)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("spread", SPREADS)
def test_partition_agrees_with_all_sequences(spread):
    chain, _ = made(spread)

    found = log_partition(chain)

    expected = [tf.reduce_logsumexp(written_out(chain, row)[1]) for row in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("spread", SPREADS)
def test_marginals_agree_with_all_sequences(spread):
    chain, _ = made(spread)
    expected = np.zeros([4, 4, 3])
    for row in range(4):
        paths, scores = written_out(chain, row)
        shares = tf.nn.softmax(scores).numpy()
        for token, tag in itertools.product(range(paths.shape[1]), range(3)):
            expected[row, token, tag] = shares[paths[:, token] == tag].sum()

    np.testing.assert_allclose(marginals(chain), expected, atol=1e-6)


@pytest.mark.parametrize("spread", SPREADS)
def test_gradients_agree_with_all_sequences(spread):
    chain, tags = made(spread)

    found = gradients(log_likelihood, chain, tags)

    def expected(chain, tags):
        return tf.cast(written_out_likelihood(chain, tags), tf.float32)

    for one, other in zip(found, gradients(expected, chain, tags), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", SPREADS)
def test_best_paths_agree_with_all_sequences(spread, seed):
    chain, _ = made(spread, seed=seed)
    best, _ = viterbi(chain)
    tags, scores = n_best(chain, 5)

    for row, length in enumerate(LENGTHS):
        paths, every = written_out(chain, row)
        order = np.argsort(-every.numpy())[:5]
        padded = np.pad(paths[order], [(0, 0), (0, 4 - length)])
        np.testing.assert_array_equal(best[row], padded[0])
        np.testing.assert_array_equal(tags[row, : len(order)], padded)
        known = every.numpy()[order]
        np.testing.assert_allclose(scores[row, : len(order)], known, rtol=1e-5)


def test_sequences_that_do_not_exist_have_the_lowest_score():
    chain, _ = made(lengths=(1,))

    _, scores = n_best(chain, 4)

    assert (scores.numpy() == tf.float32.min).tolist() == [[False] * 3 + [True]]


def test_viterbi_returns_the_score_of_its_tags():
    chain, _ = made()

    tags, scores = viterbi(chain)

    expected = log_likelihood(chain, tags) + log_partition(chain)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


@pytest.mark.parametrize("padding", [7.0, 1e30, math.nan])
def test_viterbi_of_a_row_does_not_depend_on_its_batch(padding):
    chain, tags = made(lengths=(9, 4, 2, 7), classes=5)
    real = tf.cast(chain.padding_mask, tf.bool)[..., None]
    chain = chain._replace(emissions=tf.where(real, chain.emissions, padding))
    short = chain._replace(
        emissions=chain.emissions[1:2, :4], padding_mask=chain.padding_mask[1:2, :4]
    )

    def all_of(chain, tags):
        by_token = marginals(chain)[:, :4], viterbi(chain)[0][:, :4]
        return log_likelihood(chain, tags), *by_token, n_best(chain, 3)[1]

    pairs = zip(all_of(short, tags[1:2, :4]), all_of(chain, tags), strict=True)
    for alone, together in pairs:
        np.testing.assert_array_equal(alone[0], together[1])


def test_nan_at_padding_does_not_reach_gradients():
    chain, tags = made()
    real = tf.cast(chain.padding_mask, tf.bool)[..., None]

    spoilt = chain._replace(emissions=tf.where(real, chain.emissions, math.nan))

    pairs = zip(
        gradients(log_likelihood, spoilt, tags),
        gradients(log_likelihood, chain, tags),
        strict=True,
    )
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.slow
def test_xla_computes_the_same():
    chain, tags = made(lengths=(6, 3, 1, 5), classes=4)

    def everything(chain, tags):
        found = gradients(log_likelihood, chain, tags)
        return *found, marginals(chain), *viterbi(chain), *n_best(chain, 3)

    plain = tf.function(everything)(chain, tags)
    compiled = tf.function(everything, jit_compile=True)(chain, tags)

    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_no_tensor_of_a_training_step_holds_pairs_at_every_token():
    chain, tags = made(lengths=(7, 5, 3, 1), classes=150)
    step = tf.function(lambda *data: gradients(log_likelihood, *data))

    concrete = step.get_concrete_function(chain, tags)

    graph = concrete.graph.as_graph_def(add_shapes=True)
    inner = [node for each in graph.library.function for node in each.node_def]
    sizes = {
        math.prod(dim.size for dim in shape.dim)
        for node in [*graph.node, *inner]
        for shape in node.attr["_output_shapes"].list.shape
    }
    assert 2 * 150 * 150 in sizes  # two directions of transitions were seen
    assert max(sizes) < 4 * 150 * 150  # B pairs; at every token 7 times as many


def test_chain_of_many_tags_learns():
    chain, tags = made(0.1, lengths=(40,) * 4, classes=150)

    found = gradients(log_likelihood, chain, tags)

    moved = chain._replace(
        emissions=chain.emissions + 0.1 * found[0],
        transitions=chain.transitions + 0.1 * found[1],
    )
    assert (log_likelihood(moved, tags) > log_likelihood(chain, tags)).numpy().all()


def test_untrained_transitions_leave_a_softmax_however_long_the_row():
    chain, tags = made(5.0, lengths=(3000,))
    chain = Chain.of(CRF()(chain.emissions, chain.padding_mask))

    found = log_likelihood(chain, tags)

    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tags, chain.emissions)
    np.testing.assert_allclose(-found, tf.reduce_sum(losses, axis=1), rtol=1e-5)


@pytest.mark.parametrize("spread", [1e3, 1e6])
def test_scores_out_of_range_stay_finite(spread):
    chain, tags = made(spread)

    found = [log_likelihood(chain, tags), *gradients(log_likelihood, chain, tags)]

    assert all(np.isfinite(each).all() for each in found)


@pytest.mark.parametrize("seed", range(5))
def test_no_decoded_sequence_breaks_a_constraint(seed):
    chain, _ = made(1e4, lengths=(8, 5, 6, 4), classes=4, seed=seed)
    rules = ladder(4)
    chain = chain.constrained(**rules)

    tags = [*viterbi(chain)[0], *n_best(chain, 2)[0][:2, 1]]
    for row, length in zip(tags, (8, 5, 6, 4, 8, 5), strict=True):
        row = row.numpy()[:length]
        assert (row[0], row[-1]) == (0, 3)
        assert rules["allowed"][row[:-1], row[1:]].all()


def test_constrained_likelihood_is_shared_among_allowed_sequences():
    chain, _ = made(lengths=(4,), classes=3)
    chain = chain.constrained(**ladder(3))
    allowed = np.array([[0, 0, 1, 2], [0, 1, 1, 2], [0, 1, 2, 2]], "int32")

    found = [float(log_likelihood(chain, tags[None])[0]) for tags in allowed]

    assert sum(map(math.exp, found)) == pytest.approx(1.0, abs=1e-6)


def test_forbidden_tags_cost_much_and_leave_gradients_finite():
    chain, _ = made(lengths=(4, 4, 4, 4))
    chain = chain.constrained(**ladder(3))
    broken = tf.constant([[0, 2, 1, 2]] * 4)  # breaks two rules

    found = gradients(log_likelihood, chain, broken)

    np.testing.assert_allclose(log_likelihood(chain, broken), -600.0, atol=20.0)
    assert all(np.isfinite(each).all() for each in found)


def test_best_sequences_number_at_least_one():
    with pytest.raises(UsageError, match=r"n must be .* at least 1\. Received: 0"):
        n_best(made()[0], 0)


def network(policy="float32"):
    inputs = {
        "vectors": keras.Input([None, 4], name="vectors"),
        "padding_mask": keras.Input([None], dtype="int32", name="padding_mask"),
    }
    logits = keras.layers.Dense(3, dtype=policy)(inputs["vectors"])
    return keras.Model(inputs, CRF(dtype=policy)(logits, inputs["padding_mask"]))


FEATURES = {
    "vectors": np.random.default_rng(0).normal(size=[2, 5, 4]).astype("float32"),
    "padding_mask": np.array([[1, 1, 1, 0, 0], [1] * 5], "int32"),
}


def test_a_saved_network_keeps_its_crf_weights(tmp_path):
    before = network()
    before.layers[-1].transitions.assign(np.arange(9.0).reshape(3, 3))
    before.save(tmp_path / "model.keras")

    after = keras.models.load_model(tmp_path / "model.keras")

    expected, found = before(FEATURES), after(FEATURES)
    assert all(np.array_equal(expected[name], found[name]) for name in Chain._fields)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_crf_stays_in_float32_under_half_precision(policy):
    model = network(policy)

    chain = Chain.of(model(FEATURES))
    found = log_likelihood(chain, FEATURES["padding_mask"])

    assert {t.dtype for t in chain} == {tf.float32, tf.int32}
    assert np.isfinite(found).all()


def test_predicted_outputs_of_several_batches_still_make_a_chain():
    model = network()

    outputs = model.predict(FEATURES, batch_size=1, verbose=0)

    expected = viterbi(Chain.of(model(FEATURES)))
    for one, other in zip(viterbi(Chain.of(outputs)), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_decoding_and_likelihood_are_served_for_any_size(tmp_path):
    served = tf.Module()
    served.model = network()
    served.decode = tf.function(
        lambda features: viterbi(Chain.of(served.model(features))),
        input_signature=[
            {
                "vectors": tf.TensorSpec([None, None, 4], tf.float32),
                "padding_mask": tf.TensorSpec([None, None], tf.int32),
            }
        ],
    )
    tf.saved_model.save(served, str(tmp_path / "served"))

    loaded = tf.saved_model.load(str(tmp_path / "served"))

    features = {name: tf.constant(value) for name, value in FEATURES.items()}
    expected = viterbi(Chain.of(served.model(FEATURES)))
    for one, other in zip(loaded.decode(features), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
