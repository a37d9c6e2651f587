"""A bigram model: the next token depends on the last one alone."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import GenerationConfig, generate


class Table:
    """Random logits [V, V]; 0 is padding, 1 starts texts, 2 ends them.

    Its cache counts tokens, so a beam that goes on from another one's cache shows.
    """

    end = 2

    def __init__(self, size=5, *, seed=0, spread=1.0, logits=None):
        random = np.random.default_rng(seed)
        found = random.normal(0.0, spread, [size, size]) if logits is None else logits
        self.logits = np.array(found, np.float32)
        self.calls = 0

    def step(self, ids, cache):
        self.calls += 1  # once for each step where TensorFlow runs eagerly
        return tf.gather(self.logits, ids), {"read": cache["read"] + 1}

    def first(self, rows):
        return tf.repeat(self.logits[1:2], rows, axis=0)

    def continued(self, config=None, *, rows=1, **arguments):
        """Generates for a few rows that all start alike."""
        cache = {"read": tf.zeros([rows], tf.int32)}
        given = {"end_token_id": self.end} | arguments
        return generate(
            self.step, self.first(rows), cache, config or GenerationConfig(), **given
        )

    def log_probabilities(self, *, suppress_tokens=(0,)):
        """Float64 [V, V], without what is banned."""
        logits = self.logits.astype(np.float64)
        logits[:, list(suppress_tokens)] = -np.inf
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.fixture
def table():
    """Makes tables."""
    return Table
