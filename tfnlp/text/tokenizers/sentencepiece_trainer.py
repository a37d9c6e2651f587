"""Training of SentencePiece models: the same model from the same texts, always.

Everything that makes a model reversible is in the model itself: bytes stand in for
rare characters, nothing is normalised, and the one character that sentencepiece
keeps for itself, U+2581, is escaped inside. Nothing here runs at request time.
"""

import importlib
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfnlp.errors import DataError, UsageError, nearest
from tfnlp.text.optional_packages import sentencepiece
from tfnlp.text.tokenizers.tokenizer import SPECIAL_TOKENS

MODEL_TYPES = ("bpe", "unigram")
BLANK = "\u2581"
"""How sentencepiece writes the blank in front of a word."""

SAMPLE = 10_000_000
"""Characters that are learnt from at most: 2 s (bpe) or 20 s (unigram)."""

_PART = re.compile(
    r"[^\n\t\x00\u2581\u2585]{1,4000}(?![^ \n\t\x00\u2581\u2585])"
    r"|[^\n\t\x00\u2581\u2585]{1,4000}"
)
"""A line, or as much of a long one as ends before a blank. Left out is what
sentencepiece takes no sentence with: NUL, tabs and characters of its own."""

# Code points of a character → those that stand for it; U+10FFFD begins an escape.
_ESCAPES = {"2581": "10FFFD 31", "10FFFD": "10FFFD 30"}


def sample(texts: Iterable[str], *, characters: int = SAMPLE) -> list[str]:
    """Cuts texts into lines and keeps evenly spread ones, in bounded memory.

    Every line is kept until there are too many characters; then every second one
    stays, then every fourth, and so on: between a half and all of what fits.

    Args:
        texts: any number of texts of any length.
        characters: how many are kept at most.

    Example:
    >>> sample(["a\\nb\\nc\\nd", "e\\nf"], characters=3)
    ['a', 'c', 'e']
    """
    kept: list[str] = []
    stride, total = 1, 0
    for place, part in enumerate(_parts(texts)):
        if place % stride:
            continue
        kept.append(part)
        total += len(part)
        while total > characters and len(kept) > 1:
            kept, stride = kept[::2], stride * 2
            total = sum(map(len, kept))
    return kept


def strings(texts: tf.data.Dataset) -> Iterator[str]:
    """The texts of batches of string [B], one by one."""
    for batch in texts.as_numpy_iterator():
        for text in batch.tolist():
            yield text.decode("utf-8", "replace")


def learn(
    parts: Sequence[str],
    *,
    model_type: str,
    vocabulary_size: int,
    exact: bool = True,
    byte_fallback: bool = True,
    character_coverage: float = 0.9995,
) -> Any:
    """Learns a model from lines; the first four ids are `SPECIAL_TOKENS`.

    Args:
        parts: lines out of `sample`.
        model_type: ``bpe`` (Sennrich et al. 2016) or ``unigram`` (Kudo 2018).
        vocabulary_size: ids, the special tokens included, and 256 bytes with
            `byte_fallback`.
        exact: whether fewer ids than `vocabulary_size` are an error.
        byte_fallback: whether rare characters are spelt in bytes, and line breaks
            and tabs are tokens of their own.
        character_coverage: share of the characters of the texts that must be tokens.

    Returns:
        The `ModelProto` of sentencepiece.

    Raises:
        DataError: there is no text, or too little or too much of it for that size.
        UsageError: the model type is unknown, or sentencepiece is not installed.
    """
    check_model_type(model_type)
    if not any(part.strip() for part in parts):
        raise DataError(
            "A tokenizer is trained on texts. "
            "Received: no text, or only empty ones. "
            "Check that the text column is the right one."
        )
    options = {
        "model_type": model_type,
        "vocab_size": vocabulary_size,
        "hard_vocab_limit": exact,
        "byte_fallback": byte_fallback,
        "character_coverage": character_coverage,
        "user_defined_symbols": ["\n", "\t"] if byte_fallback else [],
    }
    with tempfile.TemporaryDirectory() as folder:
        written = _trained(parts, options | _escapes(Path(folder)))
    return _portable(written)


def check_model_type(model_type: str) -> None:
    """Raises if sentencepiece is not used with this model type.

    Raises:
        UsageError: names the nearest model type.
    """
    if model_type not in MODEL_TYPES:
        raise UsageError(
            f"model_type must be bpe or unigram. Received: {model_type!r}."
            f"{nearest(str(model_type), MODEL_TYPES)}"
        )


def _parts(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _PART.findall(text)


def _trained(parts: Sequence[str], options: dict[str, Any]) -> bytes:
    model = io.BytesIO()
    names = dict(
        zip(("pad", "unk", "bos", "eos"), ("[PAD]", *SPECIAL_TOKENS[1:]), strict=True)
    )
    try:
        sentencepiece().SentencePieceTrainer.Train(
            sentence_iterator=iter(parts),
            model_writer=model,
            **{f"{mark}_id": place for place, mark in enumerate(names)},
            **{f"{mark}_piece": name for mark, name in names.items()},
            unk_surface="\ufffd",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            max_sentence_length=1 << 20,
            num_threads=1,  # several threads give several models
            minloglevel=2,
            **options,
        )
    except RuntimeError as error:
        raise _rejected(str(error), options) from error
    return model.getvalue()


def _escapes(folder: Path) -> dict[str, str]:
    """Rules of sentencepiece that make U+2581 an ordinary character of a text."""
    to, back = folder / "to.tsv", folder / "back.tsv"
    to.write_text("".join(f"{one}\t{two}\n" for one, two in _ESCAPES.items()))
    back.write_text("".join(f"{two}\t{one}\n" for one, two in _ESCAPES.items()))
    return {"normalization_rule_tsv": str(to), "denormalization_rule_tsv": str(back)}


def _portable(written: bytes) -> Any:
    """The model without the names of temporary files."""
    protos = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    model = protos.ModelProto.FromString(written)
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    model.denormalizer_spec.ClearField("normalization_rule_tsv")
    return model


def _rejected(reason: str, options: dict[str, Any]) -> Exception:
    size = options["vocab_size"]
    if most := re.search(r"value <= (\d+)", reason):
        return DataError(
            f"These texts give {most[1]} subwords at most. "
            f"Received: vocabulary_size={size}. "
            f"Use {most[1]} or fewer, or learn from more text."
        )
    if least := re.search(r"(\d+) vs (\d+)", reason):
        return DataError(
            "Special tokens, bytes and characters of these texts are "
            f"{least[2]} tokens, so vocabulary_size must be larger. "
            f"Received: vocabulary_size={size}. "
            f"Use more than {least[2]}."
        )
    return DataError(
        "sentencepiece could not learn from these texts. "
        f"Received: {reason.strip()[-200:]}. Check the text column."
    )
