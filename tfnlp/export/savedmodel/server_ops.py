"""Operations that TF Serving 2.19 and 2.20 support, as differences to TensorFlow.

A server has the operations of the TensorFlow and the tensorflow-text that it is built
with: 2.19.1 with tensorflow-text 2.12.1, 2.20.0 with 2.20.0 (workspace.bzl of both).
The operations of these wheels were listed (TF_GetAllOpList, TF_GetOpList) and compared
with TensorFlow 2.21.0 and tensorflow-text 2.21.1. The differences are below, except
the operations of XLA and TPUs, which `tfnlp.export.savedmodel.portable` rejects anyway.
Later versions of TensorFlow may have more: compare again before they are allowed.
"""

import tensorflow as tf

NEWER_OPS = {
    "AudioMicrofrontend",
    "DecodeJxl",
    "DecodeWebP",
    "TFText>RoundRobinGenerateMasks",
    "TFText>RoundRobinTrim",
    "TFText>Utf8Binarize",
}
"""Operations that one of the servers lacks."""

NEWER_ATTRIBUTES = {"TensorListGetItem": {"Tshape"}}
"""Operation → attributes that a server lacks; default values are not written."""

NEWER_TYPES = {
    ("Range", "Tidx"): tf.uint64.as_datatype_enum,
    ("UniformDequantize", "Tin"): tf.quint8.as_datatype_enum,
    ("UniformQuantize", "Tout"): tf.quint8.as_datatype_enum,
}
"""Operation and attribute → type that a server does not accept there."""

TEXT_OPS = {
    "CaseFoldUTF8",
    "ConstrainedSequence",
    "FastBertNormalize",
    "FastWordpieceTokenizeWithOffsets",
    "FindSourceOffsets",
    "MaxSpanningTree",
    "NormalizeUTF8",
    "NormalizeUTF8WithOffsetsMap",
    "PhraseTokenize",
    "RegexSplitWithOffsets",
    "RougeL",
    "SentenceFragments",
    "SentenceFragmentsV2",
    "SentencepieceDetokenizeOp",
    "SentencepieceIdToStringOp",
    "SentencepieceOp",
    "SentencepieceStringToIdOp",
    "SentencepieceTokenizeOp",
    "SentencepieceTokenizeWithOffsetsOp",
    "SentencepieceVocabSizeOp",
    "SplitMergeTokenizeWithOffsets",
    "TFText>BoiseTagsToOffsets",
    "TFText>ByteSplitByOffsets",
    "TFText>ByteSplitWithOffsets",
    "TFText>FastSentencepieceDetokenize",
    "TFText>FastSentencepieceTokenize",
    "TFText>FastWordpieceDetokenize",
    "TFText>NgramsStringJoin",
    "TFText>OffsetsToBoiseTags",
    "TFText>PhraseDetokenize",
    "TFText>WhitespaceTokenizeWithOffsetsV2",
    "TokenizerFromLogits",
    "UnicodeScriptTokenizeWithOffsets",
    "WhitespaceTokenizeWithOffsets",
    "WordpieceTokenizeWithOffsets",
}
"""Operations of tensorflow-text that both servers have."""


def is_known(op: str) -> bool:
    """Whether both servers have an operation of this name.

    Example:
    >>> [is_known(op) for op in ("While", "WordpieceTokenizeWithOffsets", "DecodeJxl")]
    [True, True, False]
    """
    own = hasattr(tf.raw_ops, op) or op.startswith(
        "_"
    )  # internal operations begin with _
    return (own or op in TEXT_OPS) and op not in NEWER_OPS
