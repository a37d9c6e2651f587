"""Position embeddings, by hand."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.positions import LearnedPositions, SinusoidalPositions


def test_sinusoidal_positions_are_sines_then_cosines():
    added = SinusoidalPositions()(np.zeros([1, 6, 4], "float32"))[0, 5]

    expected = [np.sin(5.0), np.sin(0.05), np.cos(5.0), np.cos(0.05)]
    np.testing.assert_allclose(added, expected, atol=1e-6)


@pytest.mark.parametrize("width", [1, 3])
def test_sinusoidal_positions_take_odd_sizes(width):
    assert SinusoidalPositions()(np.zeros([2, 700, width])).shape == (2, 700, width)


def test_learned_positions_are_added_and_the_last_is_shared():
    layer = LearnedPositions(2)
    layer.build((None, None, 1))
    layer.positions.assign([[1.0], [2.0]])

    added = layer(np.full([1, 4, 1], 10.0, "float32"))

    np.testing.assert_allclose(added[0, :, 0], [11, 12, 12, 12])


def test_learned_positions_return_from_their_config():
    assert (
        LearnedPositions.from_config(LearnedPositions(7).get_config()).sequence_length
        == 7
    )


def test_learned_positions_need_a_sequence_length():
    with pytest.raises(UsageError, match=r"length must be .* at least 1\. Received: 0"):
        LearnedPositions(0)
