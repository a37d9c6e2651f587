"""Options: what a client may ask, and what it is told otherwise."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import SPECS, Options, check
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
def test_a_wrong_number_is_a_usage_error_that_names_the_rule(name, value, rule):
    with pytest.raises(UsageError, match=f"Option {name} must be {rule}. Received: "):
        check(Options(**{name: value}), most_tokens=64, most_beams=4)


def test_half_a_token_is_a_usage_error():
    with pytest.raises(UsageError, match="max_tokens must be a whole number"):
        check(Options(max_tokens=1.5), most_tokens=64, most_beams=4)


def test_one_wrong_row_is_enough():
    options = Options(top_p=tf.constant([0.5, 0.0]))
    with pytest.raises(UsageError, match=r"Received: \[0.5, 0.0\]. Pass top_p=1"):
        check(options, most_tokens=64, most_beams=4)


@pytest.mark.parametrize(("name", "value", "rule"), WRONG, ids=IDS)
def test_a_graph_refuses_a_wrong_row_with_the_same_words(name, value, rule):
    @tf.function(input_signature=[SPECS[name]], autograph=False)
    def served(option):
        options = Options(**{name: option})
        return getattr(checked(options, most_tokens=64, most_beams=4), name)

    words = f"(?s)Option {name} must be {rule}. Received:.*Pass {name}="
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        served(tf.constant([getattr(Options(), name), value], SPECS[name].dtype))


def test_every_option_has_a_spec():
    assert set(SPECS) == set(vars(Options()))


def test_numbers_are_known_when_the_graph_is_built():
    assert Options(top_k=5).any("top_k", lambda k: k > 5) is False
    assert bool(Options(top_k=tf.constant([5, 6])).any("top_k", lambda k: k > 5))


@pytest.mark.parametrize("seed", [0, -3, 2**40])
def test_options_of_numpy_and_of_lists_are_understood(table, seed):
    as_number = table().continued(Options(4, seed=seed))
    as_array = table().continued(Options(4, seed=np.array([seed])))
    as_list = table().continued(Options([4], seed=[seed]))
    assert np.array_equal(as_number.ids, as_array.ids)
    assert np.array_equal(as_number.ids, as_list.ids)
