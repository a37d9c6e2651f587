"""Words of a request: their offsets slice it exactly, whatever stands in it."""

import random

import pytest
import tensorflow as tf

from tfnlp.text.words.word_offsets import of_texts, of_tokens

ODD = "\x00\x1f\x85\xa0\u1680\u200b\u200d\u2028\u3000\ufeff\ufe0f\u0301"
RANGES = ((0x20, 0x7F), (0xA0, 0x250), (0x370, 0x600), (0x900, 0x980), (0x4E00, 0x4F00))
RANGES += (
    (0x1F1E6, 0x1F200),
    (0x1F300, 0x1F680),
    (0xE000, 0xE010),
    (0x10FFF0, 0x110000),
)


def random_text(generator):
    pieces = []
    for _ in range(generator.randrange(30)):
        low, high = generator.choice(RANGES)
        code = generator.choice((low, generator.randrange(low, high)))
        pieces.append(generator.choice((chr(code), generator.choice(ODD), " ", "a")))
    return "".join(pieces)


def check(count):
    generator = random.Random(count)
    texts = [random_text(generator) for _ in range(count)]
    found = of_texts(tf.constant([text.encode() for text in texts]))
    columns = (found.tokens.to_list(), found.starts.to_list(), found.ends.to_list())
    for text, *words in zip(texts, *columns, strict=True):
        for token, start, end in zip(*words, strict=True):
            assert text[start:end].encode() == token and end > start


def test_offsets_slice_a_text_exactly():
    check(200)


@pytest.mark.slow
def test_offsets_slice_ten_thousand_texts_exactly():
    check(10_000)


@pytest.mark.parametrize("tokenizer", ["words", "whitespace", "characters"])
def test_a_text_keeps_what_stands_between_its_words(tokenizer):
    found = of_texts(tf.constant([b"a\x00b caf\xe9"]), tokenizer)
    text = found.texts.numpy()[0].decode()
    assert text == "a\x00b caf\ufffd"
    columns = (found.tokens, found.starts, found.ends)
    for token, start, end in zip(*(c.to_list()[0] for c in columns), strict=True):
        assert text[start:end].encode() == token


@pytest.mark.parametrize(
    "joined", ["", "a", " ", "a  b", " né 電影 ", "\U0001f600 e\u0301"]
)
def test_offsets_slice_joined_words_exactly(joined):
    found = of_tokens(tf.constant(["", joined, "x", joined]))
    spans = zip(found.starts.to_list()[3], found.ends.to_list()[3], strict=True)
    words = joined.split(" ") if joined else []
    assert [token.decode() for token in found.tokens.to_list()[3]] == words
    assert [joined[start:end] for start, end in spans] == words


def test_bytes_that_are_no_text_are_replaced_and_no_word_is_lost():
    found = of_tokens(tf.constant([b"caf\xe9 a\x00b"]))
    assert found.tokens.to_list() == [["caf\ufffd".encode(), b"a\x00b"]]
