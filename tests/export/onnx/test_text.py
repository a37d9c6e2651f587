"""Texts become the same ids in ONNX Runtime as in TensorFlow."""

import unicodedata

import numpy as np
import onnx
import pytest
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.golden_rows import ODD
from tfnlp.export.onnx import conversion, string_ops, text
from tfnlp.export.onnx.backend import OnnxBackend
from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.export.onnx.subprocess_runner import ask
from tfnlp.text import ops, unicode_tables
from tfnlp.text.normalize import NORMALIZERS
from tfnlp.text.vectorizer.vectorizer import Vectorizer

TEXTS = (
    *ODD,
    "\x00",
    "x\x00 y\x00",
    "ΟΔΟΣ ΟΔΟΣ. ΣΑΣ Α'Σ' ΑΣΣ Σ ΑΣ.ΑΣ",
    "ὈΔΥΣΣΕΎΣ ΐ İ I ı ẞ ǅ",
    "q\u0302\u0301 ợ o\u031b\u0323 \u1100\u1161\u11a8",
    "ｶﾞ ㌔ ½ ﷺ Ⅳ",
    "'quoted' l'été 'tis rock'n'roll''",
    "1,000.50 12:30 ?! ... :-( ;)",
    "tab\tv\x0bf\x0cx\x1cy\x85z\xa0q\u3000r\u200bs",
    "#️⃣ 👍🏽 🏳️‍🌈 ©",
    "WWW.A.org https://b.c/d?e=f. @anna a@b",
    "".join(map(chr, range(128))),  # plain texts go another way
    " ".join(f"a{chr(code)}b {chr(code)}{chr(code)}" for code in range(128)),
)
EVERY = tuple(
    "".join(chr(code) + " " * (code % 3 == 0) for code in range(first, first + 256))
    for first in (*range(1, 0x3200, 256), *range(0xA600, 0xAC00, 256), 0xFB00, 0x1F300)
)


def converted(vectorizer, file):
    placeholders = Placeholders()
    spec = tf.TensorSpec([None], tf.string, name="text")
    with ops.using(OnnxBackend(placeholders)):
        model = conversion.converted(
            lambda texts: vectorizer(texts),
            [spec],
            placeholders,
            [text.expand],
            conversion.STRING_OPSETS,
        )
    onnx.save(model, str(file))
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"sequence_length": 40},
        {"ngrams": 3, "stop_words": "english", "sequence_length": 9},
        {
            "standardize": ("urls", "users", "strip_accents", "punctuation"),
            "tokenizer": "whitespace",
        },
        {
            "standardize": ("nfkc", "whitespace", "lower", "valid"),
            "sequence_length": 300,
        },
    ],
)
def test_ids_are_equal(options, tmp_path):
    texts = [*TEXTS, *EVERY]
    vectorizer = Vectorizer.from_texts(texts, vocabulary_size=100_000, **options)
    file = converted(vectorizer, tmp_path / "text.onnx")
    together, *single = ask(file, [{"text": texts}, *({"text": [t]} for t in TEXTS)])
    for name, expected in vectorizer(texts).items():
        np.testing.assert_array_equal(together[name], expected)
    for text_, found in zip(TEXTS, single, strict=True):
        np.testing.assert_array_equal(
            found["token_ids"], vectorizer([text_])["token_ids"]
        )


def test_every_function_of_texts_has_a_step():
    assert set(string_ops.STEPS) == set(string_ops.PLAIN_STEPS) == set(NORMALIZERS)


def test_no_mark_of_a_pair_is_the_letter_of_another():
    """Else replacing pairs from left to right would not be exact."""
    keys = unicode_tables.canonical_pairs().keys
    assert not set((keys >> 21).tolist()) & set((keys & 0x1FFFFF).tolist())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tokenizer": "characters"}, "tokenizer='characters'"),
        ({"tokenizer": "bytes"}, "tokenizer='bytes'"),
        ({"character_ngrams": (2, 3)}, r"character_ngrams=\(2, 3\)"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(options, named):
    with pytest.raises(ExportError, match=f"does exactly what.*Received: {named}"):
        text.check(Vectorizer(("a",), **options))


def test_a_sigma_is_final_where_tensorflow_says_so():
    before, between = string_ops._context()
    assert "\\x{41}-\\x{5A}" in before and "\\x{27}-\\x{27}" in between
    assert unicodedata.name(string_ops._FINAL_SIGMA) == "GREEK SMALL LETTER FINAL SIGMA"
