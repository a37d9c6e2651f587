"""Signatures are read from saved_model.pb without loading the model."""

import pytest

from tfnlp.errors import ArtefactError
from tfnlp.export.savedmodel.signatures import read


def test_fields_and_answers_have_types_and_shapes(original):
    found = read(original / "1")
    assert list(found) == ["serving_default", "scaled"]
    assert found["serving_default"].inputs == {"text": "string [B]"}
    assert found["scaled"].types() == {"text": "string", "times": "float32"}
    outputs = {"label": "string [B]", "score": "float32 [B]"}
    assert found["scaled"].outputs == outputs


def test_optional_fields_have_the_default_of_the_task(optional):
    """0.9 is 0.8999999761581421 in a SavedModel."""
    found = read(optional / "1")
    assert found["serving_default"].defaults == {}
    assert found["scaled"].defaults == {"times": 0.9}


@pytest.mark.parametrize("content", [None, b"no proto", b""])
def test_a_damaged_version_is_reported(content, tmp_path):
    if content is not None:
        (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(
        ArtefactError, match=r"with the file saved_model\.pb\. Received"
    ):
        read(tmp_path)
