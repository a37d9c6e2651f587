"""An artefact says its format beside the weights, before anything of it is loaded."""

import pytest

from tfnlp.errors import ArtefactError
from tfnlp.export import format_number
from tfnlp.saving import FORMAT


def test_the_number_that_is_written_is_read(tmp_path):
    format_number.write(tmp_path)
    assert (tmp_path / "format.json").read_text() == f'{{"format": {FORMAT}}}\n'
    assert format_number.read(tmp_path) == FORMAT


def test_a_folder_without_a_number_has_format_1(tmp_path):
    assert format_number.read(tmp_path) == 1


@pytest.mark.parametrize("number", ["3", '"2"', "null", "[]"])
def test_a_newer_or_unknown_format_is_refused(number, tmp_path):
    (tmp_path / "format.json").write_text(f'{{"format": {number}}}')
    with pytest.raises(ArtefactError, match="reads artefacts of format 2 and older"):
        format_number.read(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "7"])
def test_a_damaged_file_is_reported(content, tmp_path):
    (tmp_path / "format.json").write_text(content)
    with pytest.raises(ArtefactError, match=r"format\.json holds the format number"):
        format_number.read(tmp_path)
