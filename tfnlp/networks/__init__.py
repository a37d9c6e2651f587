"""Encoders and decoders: bag of words, CNN, RNN and Transformer, as Keras models.

Every encoder takes ``{"token_ids", "padding_mask"}``, int32 ``[B, T]`` of any T,
and returns float32 ``[B, T, D]`` in which padding is zero, so any encoder fits any
task. The output of a row does not depend on the other rows of its batch. Each file
has one function, `encoder`, and names the pooling that suits it, `POOLING`.

Decoders are layers: `prefill` reads prompts, and `step` reads one token at a time.
Importing this package registers them with Keras.
"""

import lazy_loader

from tfnlp.networks.recurrent_decoder import RecurrentDecoder as RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder as TransformerDecoder
from tfnlp.networks.truncated_bptt import TruncatedBPTT as TruncatedBPTT

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
