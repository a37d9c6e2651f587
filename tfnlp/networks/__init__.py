"""Encoders: one file an architecture, one function each, a Keras model returned.

Every encoder takes ``{"token_ids", "padding_mask"}``, int32 ``[B, T]`` of any T,
and returns float32 ``[B, T, D]`` in which padding is zero, so any encoder fits any
task. What an encoder makes of a row does not depend on the rows beside it. Each
file also names the pooling that suits it, `POOLING`.

Decoders are layers, which a network holds whole: `step` reads one token at a time.
Importing this package registers them with Keras.
"""

import lazy_loader

from tfnlp.networks.recurrent_decoder import RecurrentDecoder as RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder as TransformerDecoder
from tfnlp.networks.truncated_bptt import TruncatedBPTT as TruncatedBPTT

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
