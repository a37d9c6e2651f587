import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.text.splitters import SPLITTERS, offsets, splitter

ODD = (
    "Don't stop, 10/10!!! :-) well...",
    "",
    " \u3000\u2028\n\u200b\x0b",
    "né 我爱你 カタカナー ทดสอบ",
    "👩\u200d👩\u200d👧🇩🇪👍🏽❤\ufe0f שלום עליכם",
    "a\x00b\x1fc\x1dd",
    "e\u0301 \u0301",
    "\U000e0041\ufffd",
)


def tokens(name: str, text: str) -> list[str]:
    return [token.decode() for token in splitter(name)(tf.constant([text]))[0].numpy()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Яя don't rock'n'roll l\u2019été",
            ["Яя", "don't", "rock'n'roll", "l\u2019été"],
        ),
        ("dogs' 'x'", ["dogs", "'", "'", "x", "'"]),
        ("3.5, 1,000 10/10.", ["3.5", ",", "1,000", "10/10", "."]),
        (
            "hi!!! what?! so... :-) =(",
            ["hi", "!!!", "what", "?!", "so", "...", ":-)", "=("],
        ),
        (
            'a "b" c—d_e @f #g',
            ["a", '"', "b", '"', "c", "—", "d", "_", "e", "@", "f", "#", "g"],
        ),
        ("我爱 NLP，カー", ["我", "爱", "NLP", "，", "カ", "ー"]),
        ("👩\u200d👧🇩🇪👍🏽❤\ufe0f", ["👩\u200d👧", "🇩🇪", "👍🏽", "❤\ufe0f"]),
        ("e\u0301te\u0301 مرحبا", ["e\u0301te\u0301", "مرحبا"]),
        ("a\u00a0b\u3000c\u2028d\x85e\x0bf\x00g", list("abcdefg")),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert tokens("words", text) == expected


def test_whitespace_keeps_punctuation() -> None:
    assert tokens("whitespace", " don't\u3000stop!\n") == ["don't", "stop!"]


def test_characters_keep_line_breaks() -> None:
    assert tokens("characters", "a\r\n\u2028é") == ["a", "\r", "\n", "\u2028", "é"]


def test_bytes_are_valid_text() -> None:
    assert tokens("bytes", "a<é\n") == ["a", "<", "<0xC3>", "<0xA9>", "<0x0A>"]


@pytest.mark.parametrize("name", SPLITTERS)
def test_offsets_are_of_the_same_tokens(name: str) -> None:
    found, starts, ends = offsets(tf.constant(ODD), name)

    assert found.to_list() == splitter(name)(tf.constant(ODD)).to_list()
    assert starts.row_lengths().numpy().tolist() == found.row_lengths().numpy().tolist()
    assert ends.row_lengths().numpy().tolist() == found.row_lengths().numpy().tolist()


@pytest.mark.parametrize("name", ["words", "whitespace", "characters"])
@pytest.mark.parametrize("text", ODD)
def test_offsets_cut_the_token_out_of_its_text(name: str, text: str) -> None:
    found, starts, ends = (part[0].numpy().tolist() for part in offsets([text], name))

    cut = [text[start:end].encode() for start, end in zip(starts, ends, strict=True)]
    assert cut == found


def test_offsets_of_bytes_name_their_character() -> None:
    assert offsets(["né!"], "bytes")[1].to_list() == [[0, 1, 1, 2]]


@pytest.mark.parametrize("name", SPLITTERS)
def test_no_rows_give_no_tokens(name: str) -> None:
    found, starts, _ = offsets(tf.constant([], tf.string), name)

    assert found.nrows() == starts.nrows() == 0


def test_unknown_split_is_an_error_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'word'\. Did you mean 'words'"):
        splitter("word")
