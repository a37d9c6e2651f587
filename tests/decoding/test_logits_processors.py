"""Logits processors against plain Python."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import GenerationConfig
from tfnlp.decoding.generation_request import GenerationRequest, right_aligned
from tfnlp.decoding.logits_processors import process_logits

SIZE = 6


def processed_row(tokens, config, *, prompt=None, count=None, **request):
    """Logits before and after processing, for one row with some tokens."""
    logits = np.random.default_rng(3).normal(size=[1, SIZE]).astype(np.float32)
    prompt = None if prompt is None else right_aligned(tf.constant([prompt]))
    made = GenerationRequest(
        config, size=len(tokens) + 3, end_token_id=2, prompt=prompt, **request
    )
    history = made.history(1).numpy()
    start = history.shape[1] - made.size
    history[0, start : start + len(tokens)] = tokens
    count = tf.constant(len(tokens))
    return logits[0], process_logits(tf.constant(logits), history, count, made)[
        0
    ].numpy()


def followed_before(tokens, n):
    """Tokens that would repeat an n-gram."""
    last = tokens[len(tokens) - n + 1 :] if n > 1 else []
    return {
        tokens[i + n - 1]
        for i in range(len(tokens) - n + 1)
        if tokens[i : i + n - 1] == last and len(last) == n - 1
    }


def banned(logits):
    return set(np.flatnonzero(np.isneginf(logits)).tolist())


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_no_ngram_comes_twice(n, seed):
    tokens = np.random.default_rng(seed).integers(3, 5, size=9).tolist()
    _, after = processed_row(tokens, GenerationConfig(no_repeat_ngram_size=n))
    assert banned(after) == followed_before(tokens, n) | {0}


def test_ngrams_reach_back_into_the_prompt_across_its_padding():
    _, after = processed_row(
        [4], GenerationConfig(no_repeat_ngram_size=3), prompt=[3, 4, 5, 3, 0, 0]
    )
    assert banned(after) == {0, 5}


def test_where_every_token_would_repeat_none_is_banned():
    config = GenerationConfig(no_repeat_ngram_size=1, min_tokens=9)
    _, after = processed_row([1, 3, 4, 5], config)
    assert banned(after) == {0, 2}


def test_each_row_has_its_own_no_repeat_ngram_size():
    tokens = [3, 4, 3, 4, 3]
    config = GenerationConfig(no_repeat_ngram_size=tf.constant([0, 1, 2, 6]))
    request = GenerationRequest(config, size=6)
    history = tf.constant([[*tokens, 0]] * 4)
    after = process_logits(tf.zeros([4, SIZE]), history, tf.constant(5), request)
    assert [banned(row) for row in after.numpy()] == [
        {0},
        {0, 3, 4},
        {0, 4},
        {0},
    ]


@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_repetition_penalty_counts_each_token_once(factor):
    config = GenerationConfig(repetition_penalty=factor)
    before, after = processed_row([3, 3, 1], config, prompt=[5, 0])
    expected = before.copy()
    for token in (1, 3, 5):
        rises = before[token] > 0
        expected[token] = before[token] / factor if rises else before[token] * factor
    expected[0] = -np.inf
    np.testing.assert_allclose(after, expected, rtol=1e-6)


def test_min_tokens_suppresses_the_end_token():
    assert 2 in banned(processed_row([3], GenerationConfig(min_tokens=2))[1])
    assert 2 not in banned(processed_row([3, 3], GenerationConfig(min_tokens=2))[1])


def test_padding_and_suppressed_tokens_are_never_generated():
    assert banned(processed_row([], GenerationConfig(), suppress_tokens=(0, 4))[1]) == {
        0,
        4,
    }


def test_forced_tokens_override_suppressed_ones():
    forced_tokens = tf.constant([[4, 0, 5]])
    request = {"forced_tokens": forced_tokens, "suppress_tokens": (0, 4)}
    assert banned(processed_row([], GenerationConfig(), **request)[1]) == {
        0,
        1,
        2,
        3,
        5,
    }
    assert banned(processed_row([4], GenerationConfig(), **request)[1]) == {
        0,
        4,
    }
    assert banned(processed_row([4, 1], GenerationConfig(), **request)[1]) == {
        0,
        1,
        2,
        3,
        4,
    }
    assert banned(processed_row([4, 1, 5], GenerationConfig(), **request)[1]) == {0, 4}
