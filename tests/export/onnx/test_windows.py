"""Rows longer than a window have the same windows in ONNX."""

import numpy as np
import onnx
import pytest

from tfnlp.export.onnx import conversion
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.networks import transformer


@pytest.mark.slow
def test_rows_that_do_not_fill_their_last_window_keep_it(tmp_path, drawn):
    network = drawn(
        transformer.encoder(
            9, hidden_dim=4, num_heads=2, positions="learned", sequence_length=8
        )
    )
    onnx.save(conversion.network(network), str(tmp_path / "network.onnx"))
    converted = OnnxNetwork(tmp_path / "network.onnx")
    for length in (5, 8, 9, 12, 13, 17):
        ids = (np.arange(2 * length).reshape(2, length) % 7 + 1).astype(np.int32)
        ids[1, length // 2 :] = 0
        features = {"token_ids": ids, "padding_mask": (ids > 0).astype(np.int32)}
        expected = network(features)
        np.testing.assert_allclose(converted(features), expected, atol=1e-5)
