"""Words of the command line as options of a function."""

import pytest

from tfnlp.cli import assignments
from tfnlp.errors import UsageError


def encoder(
    size, *, cell="lstm", num_layers=1, l2=0.0, kernel_sizes=(3,), tune=True
): ...


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cell=gru", {"cell": "gru"}),
        ("num_layers=2", {"num_layers": 2}),
        ("l2=1e-5", {"l2": 1e-5}),
        ("kernel_sizes=2,3", {"kernel_sizes": (2, 3)}),
        ("tune=false", {"tune": False}),
        ("cell=none", {"cell": None}),
        ("cell=a=b", {"cell": "a=b"}),
    ],
)
def test_a_value_has_the_type_that_it_looks_like(word, expected):
    assert assignments([word], encoder) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("cel=gru", "Received: 'cel=gru'. Did you mean 'cell'?"),
        ("cell", "An option is written name=value"),
        ("size=3", "with one of cell, num_layers, l2, kernel_sizes, tune"),
    ],
)
def test_a_word_that_names_no_option_is_refused(word, message):
    with pytest.raises(UsageError) as error:
        assignments([word], encoder)
    assert message in str(error.value)
