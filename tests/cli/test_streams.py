"""Rows on standard input in every form, and answers as JSON lines."""

import io
import json
import sys

import pytest

from tfnlp.cli import streams
from tfnlp.errors import DataError, SchemaError, UsageError


def read(text, fields=("text",), **options):
    return list(streams.rows(io.StringIO(text, newline=""), fields, **options))


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "a"}\n{"text": "b", "id": 1}\n',
        '\n\n{"id": 1, "text": "a"}\n\n{"text": "b"}',
        '"a"\n"b"\n',
        "text\na\nb\n",
        "text\r\na\r\nb\r\n",
        "id,text\n1,a\n2,b\n",
        "text\tid\na\t1\nb\t2\n",
        "a\nb\n",
    ],
)
def test_rows_are_read_in_every_form(text):
    assert read(text) == [{"text": "a"}, {"text": "b"}]


def test_a_quoted_field_may_hold_newlines_and_delimiters():
    assert read('text,id\n"a,\nb",1\n') == [{"text": "a,\nb"}]


def test_a_field_may_be_longer_than_the_csv_module_likes():
    assert len(read("text,id\n" + "a" * 1_000_000 + ",1\n")[0]["text"]) == 1_000_000


def test_lines_are_texts_even_if_they_look_otherwise():
    assert read('{"text": 1}\n', form="lines") == [{"text": '{"text": 1}'}]


def test_nothing_is_no_row():
    assert read("") == read("\n\n") == []


def test_pairs_are_read_by_name():
    rows = read("first,second\na,b\n", ("first", "second"))
    assert rows == [{"first": "a", "second": "b"}]


@pytest.mark.parametrize(
    ("text", "fields", "error", "message"),
    [
        ('{"txt": "a"}\n', ["text"], SchemaError, "line 1: txt. Did you mean 'txt'?"),
        ('{"text": "a"}\nb\n', ["text"], DataError, "on line 2: 'b'"),
        ("a,b\n", ["first", "second"], SchemaError, "Received as first line: 'a,b'"),
        ("first,second\na\n", ["first", "second"], SchemaError, "on line 2: first"),
    ],
)
def test_a_row_that_does_not_fit_names_its_line(text, fields, error, message):
    with pytest.raises(error) as caught:
        read(text, fields)
    assert message in str(caught.value)


def test_rows_are_not_read_ahead():
    def lines():
        yield '{"text": "a"}\n'
        raise AssertionError("read ahead")

    assert next(streams.rows(lines(), ["text"])) == {"text": "a"}


def test_answers_are_json_lines_in_the_script_of_the_text(capsys):
    streams.write([{"label": "école", "odd": "\ud800"}])
    assert json.loads(capsys.readouterr().out) == {"label": "école", "odd": "?"}


def test_a_byte_order_mark_is_dropped(monkeypatch):
    raw = io.BytesIO("\ufefftext\né\n".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="latin-1"))
    rows = list(streams.rows(streams.open_stdin(), ["text"]))
    assert rows == [{"text": "é"}]


def test_a_terminal_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="Pass --text"):
        streams.open_stdin()
