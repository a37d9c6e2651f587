"""Penalties, bans and forced tokens, against plain Python."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import Options
from tfnlp.decoding.generation_state import Rules, right_aligned
from tfnlp.decoding.logits_processors import processed

SIZE = 6


def processed_row(tokens, options, *, prompt=None, count=None, **rules):
    """Logits before and after, for one row that has said some tokens."""
    logits = np.random.default_rng(3).normal(size=[1, SIZE]).astype(np.float32)
    prompt = None if prompt is None else right_aligned(tf.constant([prompt]))
    made = Rules(options, size=len(tokens) + 3, end=2, prompt=prompt, **rules)
    history = made.history(1).numpy()
    start = history.shape[1] - made.size
    history[0, start : start + len(tokens)] = tokens
    count = tf.constant(len(tokens))
    return logits[0], processed(tf.constant(logits), history, count, made)[0].numpy()


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
    _, after = processed_row(tokens, Options(no_repeat_ngram_size=n))
    assert banned(after) == followed_before(tokens, n) | {0}


def test_ngrams_reach_back_into_the_prompt_across_its_padding():
    _, after = processed_row(
        [4], Options(no_repeat_ngram_size=3), prompt=[3, 4, 5, 3, 0, 0]
    )
    assert banned(after) == {0, 5}


def test_where_every_token_would_repeat_none_is_banned():
    options = Options(no_repeat_ngram_size=1, min_tokens=9)
    _, after = processed_row([1, 3, 4, 5], options)
    assert banned(after) == {0, 2}


def test_ngrams_of_each_row_have_its_own_length():
    tokens = [3, 4, 3, 4, 3]
    options = Options(no_repeat_ngram_size=tf.constant([0, 1, 2, 6]))
    rules = Rules(options, size=6)
    history = tf.constant([[*tokens, 0]] * 4)
    after = processed(tf.zeros([4, SIZE]), history, tf.constant(5), rules)
    assert [banned(row) for row in after.numpy()] == [{0}, {0, 3, 4}, {0, 4}, {0}]


@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_repetition_is_penalised_once_for_each_token(factor):
    options = Options(repetition_penalty=factor)
    before, after = processed_row([3, 3, 1], options, prompt=[5, 0])
    expected = before.copy()
    for token in (1, 3, 5):
        rises = before[token] > 0
        expected[token] = before[token] / factor if rises else before[token] * factor
    expected[0] = -np.inf
    np.testing.assert_allclose(after, expected, rtol=1e-6)


def test_the_end_waits_for_the_minimum():
    assert 2 in banned(processed_row([3], Options(min_tokens=2))[1])
    assert 2 not in banned(processed_row([3, 3], Options(min_tokens=2))[1])


def test_padding_and_banned_tokens_never_come():
    assert banned(processed_row([], Options(), banned=(0, 4))[1]) == {0, 4}


def test_forced_tokens_win_over_bans():
    forced = tf.constant([[4, 0, 5]])
    rules = {"forced": forced, "banned": (0, 4)}
    assert banned(processed_row([], Options(), **rules)[1]) == {0, 1, 2, 3, 5}
    assert banned(processed_row([4], Options(), **rules)[1]) == {0, 4}
    assert banned(processed_row([4, 1], Options(), **rules)[1]) == {0, 1, 2, 3, 4}
    assert banned(processed_row([4, 1, 5], Options(), **rules)[1]) == {0, 4}
