"""What is detected about delimited text from its beginning."""

import pytest

from tfnlp.data.files import dialect
from tfnlp.errors import UsageError

PROSE = "so good, so very, very good"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_delimiter_is_detected(delimiter):
    text = "".join(f'"{PROSE} {row}"{delimiter}pos\n' for row in range(5))
    assert dialect.detect_delimiter(text) == delimiter


def test_delimiter_is_the_one_that_cuts_all_lines_alike():
    text = "well, yes; perhaps\t1\nno\t0\nas, you, like; it\t1\n"
    assert dialect.detect_delimiter(text) == "\t"


def test_delimiter_follows_wanted_names():
    text = "text;label\na, b;1\n"
    assert dialect.detect_delimiter(text, ["label"]) == ";"


def test_one_quoted_column_is_not_cut():
    style = dialect.detect(f'text\n"{PROSE}"\n', whole=True, wanted=["text"])
    assert (style.delimiter, style.width) == (",", 1)


@pytest.mark.parametrize(
    ("text", "quoting"),
    [
        ('1,"a, b"\n2,"c ""d"" e"\n', True),
        ('1,"two\nlines"\n2,"a, b"\n', True),
        ('1\the called him "a man"\n2\tyes\n', True),  # no field opens with a quote
        ('1\t"Fine" - he said\n2\tyes\n', False),
        ('1\t"never closed\n2\tyes\n', False),
        ('1\t"opened here\n2\tand closed there"\n3\tyes\n', False),
        ('1\t"opened here\n2\t"\n3\tyes\n', False),
    ],
)
def test_quoting_is_detected(text, quoting):
    delimiter = "," if "," in text else "\t"
    assert dialect.detect_quoting(text, delimiter) is quoting


def test_sloppy_quotes_stay_quotes_where_commas_need_them():
    text = '1,"a, b"\n2,"c" d\n3,"e, f, g"\n4,"h, i"\n'
    assert dialect.detect_quoting(text, ",") is True


def test_sample_cut_inside_a_field_stays_quoted():
    text = "".join(f'{row},"a, b"\n' for row in range(100)) + '101,"cut\nhere'
    style = dialect.detect(text, whole=False, header=False)
    assert style.quoting is True


@pytest.mark.parametrize(
    ("head", "header"),
    [
        ([["text", "label"], ["a good film", "1"], ["bad", "0"]], True),
        ([["review", "verdict"], ["a good long film", "pos"], ["poor", "neg"]], True),
        ([["a good film", "1"], ["bad", "0"]], False),
        ([["good", "pos"], ["bad", "neg"], ["fine", "pos"]], False),
        ([["", "class", "tweet"], ["0", "2", "!!! as a woman"]], True),
        ([["4", "so good"], ["3", "so bad"]], False),
        ([["A film, good and long.", "good"], ["Bad.", "bad"]], False),
    ],
)
def test_header_is_detected(head, header):
    assert dialect.detect_header(head) is header


def test_delimiter_can_be_given_by_name():
    style = dialect.detect("a\tb\n", whole=True, delimiter="tab", header=False)
    assert style.delimiter == "\t"


def test_delimiter_of_two_characters_is_refused():
    with pytest.raises(UsageError, match=r"is one character\. Received: '::'"):
        dialect.detect("a::b\n", whole=True, delimiter="::")
