"""The support matrix promises what tests show."""

import re
from pathlib import Path

import pytest

from tfnlp.training.strategy import NAMES
from tfnlp.training.support import MATRIX

ROOT = Path(__file__).parents[2]
CELLS = {
    f"{feature}, {strategy}": test
    for feature, tests in MATRIX.items()
    for strategy, test in tests.items()
}


@pytest.mark.parametrize("cell", CELLS)
def test_the_test_of_a_cell_exists(cell):
    assert cell.rpartition(", ")[2] in NAMES
    file, _, name = CELLS[cell].partition("::")
    assert re.search(rf"^def {name or 'test_'}", (ROOT / file).read_text(), re.M)
