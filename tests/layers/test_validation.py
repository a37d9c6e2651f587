"""Argument validation."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.validation import check_choice, check_rate, check_size, penalty


def test_a_choice_outside_the_list_shows_the_list():
    with pytest.raises(UsageError, match=r"must be one of a, b\. Received: 'zzz'\. Pa"):
        check_choice("letter", "zzz", ["a", "b"])


@pytest.mark.parametrize("size", [0, 2.5, None])
def test_a_size_is_a_positive_whole_number(size):
    with pytest.raises(UsageError, match=r"at least 1\. Received: "):
        check_size("width", size)


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan"), "half"])
def test_a_rate_is_a_number_below_one(rate):
    with pytest.raises(UsageError, match="Option dropout must be at least 0 and below"):
        check_rate("dropout", rate)


@pytest.mark.parametrize("factor", [-1.0, float("nan"), "much"])
def test_a_regularization_factor_is_a_number(factor):
    with pytest.raises(UsageError, match="Option l1 must be a number, 0 or more"):
        penalty(factor, 0.0)


def test_a_penalty_adds_both_factors():
    assert float(penalty(0.5, 0.25)(np.array([-2.0]))) == pytest.approx(2.0)
