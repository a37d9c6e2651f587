"""Generation config: the range of every option, and the error outside of it."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import SPECS, GenerationConfig, check
from tfnlp.decoding.generation_config import checked
from tfnlp.errors import UsageError

WRONG = [
    ("max_tokens", 0, "a whole number from 1 to 64"),
    ("max_tokens", 65, "a whole number from 1 to 64"),
    ("min_tokens", -1, "a whole number of at least 0"),
    ("temperature", -0.1, "a number of at least 0"),
    ("temperature", float("nan"), "a number of at least 0"),
    ("temperature", float("inf"), "a number of at least 0"),
    ("top_k", -1, "a whole number of at least 0"),
    ("top_p", 0.0, "above 0 and at most 1"),
    ("top_p", 1.1, "above 0 and at most 1"),
    ("min_p", -0.5, "from 0 to 1"),
    ("num_beams", 0, "a whole number from 1 to 4"),
    ("num_beams", 5, "a whole number from 1 to 4"),
    ("length_penalty", float("nan"), "a finite number"),
    ("coverage_penalty", -1.0, "a number of at least 0"),
    ("repetition_penalty", 0.0, "a number above 0"),
    ("no_repeat_ngram_size", -1, "a whole number of at least 0"),
]
IDS = [f"{name}-{value}" for name, value, _ in WRONG]


@pytest.mark.parametrize(("name", "value", "rule"), WRONG, ids=IDS)
def test_a_value_out_of_range_is_a_usage_error(name, value, rule):
    with pytest.raises(UsageError, match=f"Option {name} must be {rule}. Received: "):
        check(GenerationConfig(**{name: value}), max_tokens_limit=64, num_beams_limit=4)


def test_a_fraction_of_a_token_is_a_usage_error():
    with pytest.raises(UsageError, match="max_tokens must be a whole number"):
        check(GenerationConfig(max_tokens=1.5), max_tokens_limit=64, num_beams_limit=4)


def test_one_wrong_row_is_enough():
    config = GenerationConfig(top_p=tf.constant([0.5, 0.0]))
    with pytest.raises(UsageError, match=r"Received: \[0.5, 0.0\]. Pass top_p=1"):
        check(config, max_tokens_limit=64, num_beams_limit=4)


@pytest.mark.parametrize(("name", "value", "rule"), WRONG, ids=IDS)
def test_a_graph_refuses_a_value_out_of_range_with_the_same_message(name, value, rule):
    @tf.function(input_signature=[SPECS[name]], autograph=False)
    def served(option):
        config = GenerationConfig(**{name: option})
        return getattr(checked(config, max_tokens_limit=64, num_beams_limit=4), name)

    words = f"(?s)Option {name} must be {rule}. Received:.*Pass {name}="
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        served(
            tf.constant([getattr(GenerationConfig(), name), value], SPECS[name].dtype)
        )


def test_every_option_has_a_spec():
    assert set(SPECS) == set(vars(GenerationConfig()))


def test_numbers_are_known_when_the_graph_is_built():
    assert GenerationConfig(top_k=5).any("top_k", lambda k: k > 5) is False
    assert bool(
        GenerationConfig(top_k=tf.constant([5, 6])).any("top_k", lambda k: k > 5)
    )


@pytest.mark.parametrize("seed", [0, -3, 2**40])
def test_numpy_arrays_and_lists_are_accepted(table, seed):
    as_number = table().continued(GenerationConfig(4, seed=seed))
    as_array = table().continued(GenerationConfig(4, seed=np.array([seed])))
    as_list = table().continued(GenerationConfig([4], seed=[seed]))
    assert np.array_equal(as_number.ids, as_array.ids)
    assert np.array_equal(as_number.ids, as_list.ids)
