import unicodedata

import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.text.normalize import DEFAULT, NORMALIZERS, standardizer


def apply(name: str, text: str | bytes) -> str:
    return NORMALIZERS[name](tf.constant([text])).numpy()[0].decode()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lower", "Яя ÉCOLE İ", "яя école i̇"),
        ("strip_accents", "École naïve ỹ й Ώ", "Ecole naive y и Ω"),
        ("strip_accents", "हिन्दी ไทย 한국", "हिन्दी ไทย 한국"),
        ("html_breaks", "a<br />b<BR>c<br/>d", "a b c d"),
        ("typography", "\u2018a\u2019 \u201cb\u201d \u2014", "'a' \"b\" -"),
        ("invisible", "\ufeffa\u00adb\u200fc\u202a", "abc"),
        ("invisible", "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("whitespace", " a\u00a0\u2028\t\nb\u3000", "a b"),
        ("urls", "at http://a.b/c?d and www.e.f", "at  url  and  url "),
        ("users", "@anna wrote to a@b.c", " user  wrote to a@b.c"),
    ],
)
def test_normalizer(name: str, text: str, expected: str) -> None:
    assert apply(name, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop!", ["Don't", "stop"]),
        ("\u201cquoted\u201d na\u00efve\u2014dash", ["quoted", "naïve", "dash"]),
        ("'tis the dogs' 'bone' ' x", ["tis", "the", "dogs", "bone", "x"]),
        ("a' ' 'b''", ["a", "b"]),
        ("l\u2019\u00e9t\u00e9\uff01 \u00bfqu\u00e9?", ["l\u2019été", "qué"]),
        ("$5 #tag 我爱你。👍🏽", ["5", "tag", "我爱你"]),
    ],
)
def test_punctuation_is_dropped_outside_words(text: str, expected: list) -> None:
    assert apply("punctuation", text).split() == expected


@pytest.mark.parametrize("code", range(0, 0x30000, 0x10000))
def test_nfkc_maps_every_single_character_like_unicode(code: int) -> None:
    characters = [chr(c) for c in range(max(code, 1), code + 0x10000) if _encodes(c)]
    if characters:
        folded = NORMALIZERS["nfkc"](tf.constant(characters)).numpy().tolist()
        expected = [unicodedata.normalize("NFKC", text) for text in characters]
        assert [text.decode() for text in folded] == expected


@pytest.mark.parametrize("text", ["Việt Nam École Å ṩ", "한국어 조선", "がぎぐパピ"])
def test_nfkc_composes_decomposed_text(text: str) -> None:
    assert apply("nfkc", unicodedata.normalize("NFD", text)) == text


def test_composition_does_not_cross_rows() -> None:
    folded = NORMALIZERS["nfkc"](tf.constant(["e", "\u0301", "", "x"])).numpy()

    assert [text.decode() for text in folded] == ["e", "\u0301", "", "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (b"a\x00b", "a b"),
        (b"\xed\xa0\x80x", "\ufffd\ufffd\ufffdx"),
        (b"\xf0\x9f\x91", "\ufffd"),
        ("né\n👍".encode(), "né\n👍"),
    ],
)
def test_valid_repairs_bytes(text: bytes, expected: str) -> None:
    assert apply("valid", text) == expected


def test_default_keeps_what_follows_a_nul() -> None:
    assert standardizer(DEFAULT)(tf.constant([b"A\x00B"])).numpy()[0] == b"a b"


def test_default_works_on_no_rows() -> None:
    assert standardizer(DEFAULT)(tf.constant([], tf.string)).shape == [0]


@pytest.mark.parametrize("name", NORMALIZERS)
def test_normalizer_is_the_same_in_graph(name: str) -> None:
    texts = tf.constant(["Ｆ é e\u0301 <br/> “x” http://a @b 我", "", "\u3000!"])
    traced = tf.function(NORMALIZERS[name])

    assert traced(texts).numpy().tolist() == NORMALIZERS[name](texts).numpy().tolist()


@pytest.mark.parametrize("name", NORMALIZERS)
def test_texts_of_ascii_become_what_they_would_among_others(name: str) -> None:
    ascii = ["A <BR/> 'b'  http://a @b\r\n\x0b\x1f~\x7f", "", "\x01`^ \x1c"]
    found = standardizer((name, "lower"))(tf.constant([*ascii, "é", "\x00"]))
    alone = tf.strings.lower(NORMALIZERS[name](tf.constant(ascii)))
    assert found.numpy().tolist()[:3] == alone.numpy().tolist()


def test_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'lowre'\. Did you mean 'lower'"):
        standardizer(("lowre",))


def _encodes(code: int) -> bool:
    return not 0xD800 <= code < 0xE000
