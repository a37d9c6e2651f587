"""Activations by name."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.activation import NAMES, activation


@pytest.mark.parametrize(
    ("name", "at_minus_one", "at_two"),
    [
        ("linear", -1.0, 2.0),
        ("relu", 0.0, 2.0),
        ("leaky_relu", -0.2, 2.0),
        ("elu", np.expm1(-1.0), 2.0),
        ("sigmoid", 1 / (1 + np.e), 1 / (1 + np.exp(-2))),
        ("tanh", np.tanh(-1.0), np.tanh(2.0)),
        ("swish", -1 / (1 + np.e), 2 / (1 + np.exp(-2))),
        ("silu", -1 / (1 + np.e), 2 / (1 + np.exp(-2))),
        ("softsign", -0.5, 2 / 3),
        ("prelu", 0.0, 2.0),
        ("gelu", -0.158655, 1.954500),
    ],
)
def test_activation_agrees_with_its_formula(name, at_minus_one, at_two):
    bent = activation(name)(np.array([[-1.0, 2.0]]))

    np.testing.assert_allclose(bent, [[at_minus_one, at_two]], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_an_activation(name):
    assert activation(name, per_token=True)(np.zeros([1, 2, 3])).shape == (1, 2, 3)


def test_prelu_shares_its_slopes_between_tokens():
    layer = activation("prelu", per_token=True)
    layer(np.zeros([1, 2, 3]))

    assert layer.alpha.shape == (1, 3)


def test_unknown_activation_names_the_nearest():
    with pytest.raises(UsageError, match=r"'rellu'\. Did you mean 'relu'\?"):
        activation("rellu")
