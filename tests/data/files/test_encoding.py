"""Character encoding detection: byte-order marks, UTF-8, and everything else."""

import codecs
import io
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfnlp.cli.io.stdin import arriving
from tfnlp.data.files.encoding import (
    Sample,
    beginning,
    detect,
    open_text,
    text_encoding,
)
from tfnlp.errors import DataError

TEXTS = {
    "english": "The soup was cold; we waited “an hour” for it.|It’s a fine café.",
    "french": "Le garçon a oublié l’entrée, puis le café.|Très déçu par le menu.",
    "german": "Die Suppe war kalt, das Gemüse weich.|Schöner Garten, müde Kellner.",
    "spanish": "¿Dónde está el camarero? ¡Qué lástima!|La sopa llegó fría.",
    "russian": "Суп был холодным, и мы долго ждали.|Официант забыл наш заказ.",
    "chinese": "汤是凉的，我们等了很久才上菜。|服务员忘记了我们点的东西。",
    "traditional": "湯是涼的，我們等了很久才上菜。|服務員忘記了我們點的東西。",
    "japanese": "スープは冷たくて、料理が来るまで長く待ちました。|店員は親切でした。",
    "korean": "수프가 식어서 나왔고 오래 기다려야 했습니다.|직원은 친절했습니다.",
}
WESTERN = ["english", "french", "german", "spanish"]
CASES = [
    *[(language, encoding) for language in TEXTS for encoding in ("utf-8", "utf-16")],
    *[(language, "cp1252") for language in WESTERN],
    *[("russian", encoding) for encoding in ("cp1251", "koi8-r")],
    ("chinese", "gb18030"),
    ("traditional", "big5"),
    ("japanese", "shift_jis"),
    ("korean", "euc-kr"),
    *[
        (language, encoding)
        for language in ("french", "russian", "chinese", "japanese")
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    ],
]


def document(language: str, lines: int) -> str:
    """A table of as many lines; the first alone holds both sentences."""
    first, second = TEXTS[language].split("|")
    rows = [f"{first} {second}\tgood\n", f"{second}\tbad\n", f"{first}\tgood\n"]
    return "".join(rows[number % 3] for number in range(lines))


def from_file(path, content: bytes) -> str:
    path.write_bytes(content)
    with open_text(path, text_encoding(path, beginning(path)), newline="") as file:
        return file.read().removeprefix("\ufeff")


@pytest.mark.parametrize("lines", [1, 5, 100])
@pytest.mark.parametrize(("language", "encoding"), CASES, ids="-".join)
def test_text_is_decoded_alike_from_a_file_and_standard_input(
    tmp_path, language, encoding, lines
):
    text = document(language, lines)
    content = text.encode(encoding)
    assert from_file(tmp_path / "rows.tsv", content) == text
    assert "".join(arriving(io.BytesIO(content))) == text


@pytest.mark.parametrize("language", ["french", "german", "spanish"])
def test_utf_8_with_a_few_broken_lines_stays_utf_8(language):
    text = document(language, 80)
    lines = text.splitlines(keepends=True)
    mixed = [
        line.encode("utf-8" if number % 8 else "cp1252")
        for number, line in enumerate(lines)
    ]
    assert detect(Sample(b"".join(mixed), True)) == "utf-8"


@pytest.mark.parametrize("text", ["wait …” he said", "one éé", "a “…” b"])
def test_a_few_characters_beyond_ascii_are_cp1252(text):
    assert detect(Sample(text.encode("cp1252"), True)) == "cp1252"


def test_a_character_cut_at_the_end_of_the_sample_does_not_matter():
    content = document("chinese", 200).encode("gb18030")
    for end in range(3000, 3010):
        assert detect(Sample(content[:end], False)) == "gb18030"


@pytest.mark.parametrize("text", ["a\0b\n", "so\0, so\n" * 9, "caf\0é\n" * 9])
def test_a_stray_nul_makes_no_utf_16(text):
    assert detect(Sample(text.encode(), True)) == "utf-8"


def test_a_large_file_is_detected_by_its_beginning():
    content = document("russian", 9000).encode("koi8-r")
    assert len(content) > 2**18
    assert detect(Sample(content, True)) == "koi8-r"


@pytest.mark.parametrize("size", [64, 1000, 100_000])
def test_random_bytes_are_no_text(tmp_path, size):
    path = tmp_path / "rows.csv"
    for _ in range(20):
        content = b"\x01\x02\x03\x04\x00\x05\x06\x07\x08\x0b" + os.urandom(size)
        with pytest.raises(DataError, match="looks like binary data"):
            text_encoding(path, Sample(content, True))


@given(st.text(min_size=1).filter(lambda text: not text.startswith("\ufeff")))
def test_utf_8_is_never_taken_for_anything_else(text):
    content = text.encode()
    found = detect(Sample(content, True))
    assert "\0" in text or found == "utf-8"


@given(st.binary(max_size=400), st.booleans())
def test_every_answer_is_an_encoding_that_python_knows(content, whole):
    assert codecs.lookup(detect(Sample(content, whole)))


def test_a_detected_encoding_is_logged_once_for_each_file(tmp_path, caplog):
    path = tmp_path / "rows.tsv"
    with caplog.at_level(logging.INFO, logger="tfnlp"):
        for _ in range(2):
            from_file(path, document("russian", 5).encode("cp1251"))
        from_file(tmp_path / "other.tsv", document("russian", 5).encode())
    (message,) = caplog.messages
    assert message == f"{path} is not UTF-8; detected encoding: cp1251"
