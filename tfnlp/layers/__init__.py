"""Keras layers for NLP: attention, RNNs, CRF, pooling, embeddings, masking.

They know vectors and masks, but no text, no vocabulary and no task.

Importing this package registers every layer, so that a saved network loads
without ``custom_objects``. Masks are int32 ``[B, T]`` inputs, 1 for a real token
and 0 for padding, which only ever follows the real tokens; Keras' implicit masks
are not used. Every row has at least one real token.
"""

from tfnlp.layers.activation import activation as activation
from tfnlp.layers.attention import TransformerBlock as TransformerBlock
from tfnlp.layers.bias import Bias as Bias
from tfnlp.layers.character_rnn import CharacterRNN as CharacterRNN
from tfnlp.layers.convolution import Convolution as Convolution
from tfnlp.layers.crf import CRF as CRF
from tfnlp.layers.crf import Chain as Chain
from tfnlp.layers.crf_paths import n_best as n_best
from tfnlp.layers.crf_paths import viterbi as viterbi
from tfnlp.layers.crf_sums import log_likelihood as log_likelihood
from tfnlp.layers.crf_sums import log_partition as log_partition
from tfnlp.layers.crf_sums import marginals as marginals
from tfnlp.layers.cross_attention import CrossAttention as CrossAttention
from tfnlp.layers.decoder_block import DecoderBlock as DecoderBlock
from tfnlp.layers.decoder_block import Memory as Memory
from tfnlp.layers.dropout import WordDropout as WordDropout
from tfnlp.layers.embedding import Embedding as Embedding
from tfnlp.layers.embedding import TokenWeights as TokenWeights
from tfnlp.layers.embedding import embed as embed
from tfnlp.layers.masking import ReverseTokens as ReverseTokens
from tfnlp.layers.masking import ZeroPadding as ZeroPadding
from tfnlp.layers.normalization import normalization as normalization
from tfnlp.layers.pooling import Pooling as Pooling
from tfnlp.layers.positions import LearnedPositions as LearnedPositions
from tfnlp.layers.positions import SinusoidalPositions as SinusoidalPositions
from tfnlp.layers.recurrent import GRU as GRU
from tfnlp.layers.recurrent import LSTM as LSTM
from tfnlp.layers.reversible_embedding import ReversibleEmbedding as ReversibleEmbedding
from tfnlp.layers.scheduled_sampling import ScheduledSampling as ScheduledSampling
from tfnlp.layers.sparse_linear import SparseLinear as SparseLinear
from tfnlp.layers.token_alignment import TokenAlignment as TokenAlignment
from tfnlp.layers.windows import in_windows as in_windows

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "Bias",
    "Chain",
    "CharacterRNN",
    "Convolution",
    "CrossAttention",
    "DecoderBlock",
    "Embedding",
    "LearnedPositions",
    "Memory",
    "Pooling",
    "ReverseTokens",
    "ReversibleEmbedding",
    "ScheduledSampling",
    "SinusoidalPositions",
    "SparseLinear",
    "TokenAlignment",
    "TokenWeights",
    "TransformerBlock",
    "WordDropout",
    "ZeroPadding",
    "activation",
    "embed",
    "in_windows",
    "log_likelihood",
    "log_partition",
    "marginals",
    "n_best",
    "normalization",
    "viterbi",
]
