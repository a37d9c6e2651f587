"""Sampling: each logits filter by its definition, each distribution by chi-square."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfnlp.decoding import GenerationConfig
from tfnlp.decoding.counter_rng import uniforms
from tfnlp.decoding.logits_filters import filter_logits
from tfnlp.decoding.sampling import inverse_transform, sample_tokens

DRAWS = 8_000


def relative(probabilities):
    logits = np.log(np.array(probabilities, np.float32))
    return tf.constant(logits - logits.max(axis=-1, keepdims=True))


def kept(probabilities, **config):
    found = filter_logits(relative([probabilities]), GenerationConfig(**config))
    return np.flatnonzero(np.isfinite(found[0])).tolist()


def by_definition(logits, *, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """The exact distribution, float64 [V], one token after the other."""
    masses = np.exp(np.float64(logits) / temperature)
    order = sorted(range(len(masses)), key=lambda token: (-masses[token], token))
    order = order[:top_k] if top_k else order
    if top_p < 1.0:
        shares = np.cumsum(masses[order]) / masses[order].sum()
        order = order[: int(np.argmax(shares >= top_p)) + 1]
    order = [token for token in order if masses[token] >= min_p * masses.max()]
    found = np.zeros_like(masses)
    found[order] = masses[order] / masses[order].sum()
    return found


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 2.0},
        {"top_k": 5},
        {"top_p": 0.7},
        {"min_p": 0.2},
        {"temperature": 1.5, "top_k": 12, "top_p": 0.9, "min_p": 0.05},
    ],
    ids=lambda config: "-".join(config) or "plain",
)
@pytest.mark.parametrize("size", [20, 300])
def test_tokens_are_sampled_from_the_exact_distribution(config, size):
    logits = np.random.default_rng(1).normal(0.0, 1.5, size).astype(np.float32)
    chance = uniforms(tf.range(DRAWS), 1)[:, 0]
    # One row in a thousand copies keeps the sort of the larger vocabulary quick.
    drawn = np.concatenate(
        [
            sample_tokens(
                tf.repeat(logits[None], 2000, axis=0), part, GenerationConfig(**config)
            )
            for part in tf.split(chance, DRAWS // 2000)
        ]
    )
    exact = by_definition(logits, **config)
    assert not set(drawn) - set(np.flatnonzero(exact))
    counts, expected = pooled(np.bincount(drawn, minlength=size), exact * DRAWS)
    assert stats.chisquare(counts, expected).pvalue > 0.01


def pooled(counts, expected):
    """Counts of tokens, the rare ones together."""
    often = expected >= 10
    rest = (counts[~often].sum(), expected[~often].sum())
    if rest[1] < 1e-9:
        return counts[often], expected[often]
    return np.append(counts[often], rest[0]), np.append(expected[often], rest[1])


@pytest.mark.parametrize("size", [50_257, 1000])
def test_a_tail_of_rare_tokens_keeps_its_share(size):
    masses = np.full(size, 1e-8, np.float32)
    masses[0] = 1.0
    tail = 1e-8 * (size - 1)
    chance = tf.constant([0.0, (1.0 - tail) * 0.999, 1.0 - tail / 2, 1.0 - 2.0**-24])
    drawn = inverse_transform(tf.repeat(masses[None], 4, axis=0), chance).numpy()
    assert drawn[:2].tolist() == [0, 0]
    if tail > 1e-4:  # more than float32 can tell apart near 1
        assert abs(drawn[2] / size - 0.5) < 0.05
        assert drawn[3] > 0.98 * size


def test_a_token_without_mass_is_never_sampled():
    masses = np.zeros([1000, 700], np.float32)
    masses[:, [3, 300]] = [0.1, 0.7]
    chance = np.append(np.linspace(0.0, 1.0, 999, endpoint=False), 1.0 - 2.0**-24)
    drawn = inverse_transform(tf.constant(masses), tf.constant(chance, tf.float32))
    assert set(drawn.numpy().tolist()) == {3, 300}


def test_top_k_keeps_exactly_k_and_of_equals_the_lower_ids():
    assert kept([0.2, 0.3, 0.2, 0.2, 0.1], top_k=3) == [0, 1, 2]
    assert kept([0.2, 0.3, 0.2, 0.2, 0.1], top_k=9) == [0, 1, 2, 3, 4]


def test_top_p_keeps_the_token_that_crosses():
    assert kept([0.125, 0.5, 0.25, 0.125], top_p=0.5) == [1]
    assert kept([0.125, 0.5, 0.25, 0.125], top_p=0.51) == [1, 2]
    assert kept([0.25, 0.25, 0.25, 0.25], top_p=0.3) == [0, 1]
    assert kept([0.125, 0.5, 0.25, 0.125], top_p=1e-9) == [1]


def test_top_p_applies_to_what_top_k_left():
    assert kept([0.4, 0.3, 0.2, 0.1], top_p=0.6) == [0, 1]
    assert kept([0.4, 0.3, 0.2, 0.1], top_p=0.5, top_k=2) == [0]


def test_min_p_keeps_a_share_of_the_highest():
    assert kept([0.5, 0.3, 0.15, 0.05], min_p=0.25) == [0, 1, 2]
    assert kept([0.5, 0.3, 0.15, 0.05], min_p=1.0) == [0]


def test_a_nucleus_may_hold_more_than_256_tokens():
    flat = np.full(2000, 1.0 / 2000)
    assert kept(flat, top_p=0.5) in ([*range(1000)], [*range(1001)])
    assert kept(flat, top_k=1500) == [*range(1500)]


@pytest.mark.parametrize(
    "config",
    [
        {"top_p": 0.9},
        {"top_p": 0.5, "temperature": 100.0},
        {"top_p": 1.0 - 1e-6},
        {"top_p": 0.9, "top_k": 1000},
        {"top_p": 0.9, "top_k": 200},
        {"top_k": 1999},
    ],
    ids=lambda config: "-".join(f"{key}-{value}" for key, value in config.items()),
)
def test_many_tokens_are_filtered_by_definition(config):
    logits = np.random.default_rng(5).normal(0.0, 2.0, 2000).astype(np.float32)
    scaled = (logits - logits.max()) / np.float32(config.get("temperature", 1.0))
    found = np.isfinite(
        filter_logits(tf.constant(scaled[None]), GenerationConfig(**config))[0]
    )
    assert abs(found.sum() - (by_definition(logits, **config) > 0).sum()) <= 1


def test_filters_of_a_row_do_not_depend_on_its_batch():
    random = np.random.default_rng(6)
    logits = relative(np.exp(random.normal(0.0, [[0.1], [1.0], [9.0]], [3, 3000])))
    config = GenerationConfig(
        top_p=tf.constant([0.9, 0.9, 0.8]), top_k=tf.constant([1000, 0, 0])
    )
    together = filter_logits(logits, config)
    for row, (p, k) in enumerate([(0.9, 1000), (0.9, 0), (0.8, 0)]):
        alone = filter_logits(logits[row : row + 1], GenerationConfig(top_p=p, top_k=k))
        assert np.array_equal(alone[0], together[row])


def test_each_row_is_filtered_by_its_own_config():
    logits = relative([[0.4, 0.3, 0.2, 0.1]] * 4)
    found = filter_logits(
        logits,
        GenerationConfig(
            top_k=tf.constant([0, 1, 0, 0]),
            top_p=tf.constant([1.0, 1.0, 0.6, 1.0]),
            min_p=tf.constant([0.0, 0.0, 0.0, 0.4]),
        ),
    )
    assert np.isfinite(found).sum(axis=1).tolist() == [4, 1, 2, 3]


def test_temperature_0_is_argmax_and_a_tiny_one_nearly_always():
    logits = relative([[0.2, 0.5, 0.3]] * 3)
    config = GenerationConfig(temperature=tf.constant([0.0, 1e-30, 1e-4]))
    assert (
        sample_tokens(logits, tf.constant([0.99] * 3), config).numpy().tolist()
        == [1] * 3
    )
