"""Rows on standard input in every form, and answers as JSON lines."""

import io
import json

import pytest

from tfnlp.cli.io import row_streams
from tfnlp.cli.io.input_formats import Form
from tfnlp.cli.io.stdin import Lines, arriving
from tfnlp.errors import DataError, SchemaError, UsageError


def read(text, columns=("text",), *, numbers=row_streams.NO_NUMBERS, **form):
    if not isinstance(columns, dict):
        columns = {name: name for name in columns}
    lines = arriving(io.BytesIO(text.encode()))
    return list(row_streams.rows(lines, columns, form=Form(**form), numbers=numbers))


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "a"}\n{"text": "b", "id": 1}\n',
        '\n\n{"id": 1, "text": "a"}\n\n{"text": "b"}',
        '"a"\n"b"\n',
        "text\na\nb\n",
        "text\r\na\r\nb\r\n",
        "text\ra\rb\r",
        '"text"\n"a"\n"b"\n',
        "id,text\n1,a\n2,b\n",
        "\n\nid;text\n1;a\n2;b\n",
        "text\tid\na\t1\nb\t2\n",
        "id|text\n1|a\n2|b",
        "a\nb\n",
    ],
)
def test_rows_are_read_in_every_form(text):
    assert read(text) == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("id;review\n1;a\n2;b\n", "review"),
        ("id;review\n1;a\n2;b\n", "2"),
        ("1;a\n2;b\n", "2"),
        ("review\na\nb\n", "review"),
        ('{"review": "a"}\n{"review": "b"}\n', "review"),
        ("id,title,body\n1,,a\n2,b,\n", "title+body"),
    ],
)
def test_a_column_may_be_chosen(text, column):
    rows = read(text, {"text": column}, chosen=True)
    assert rows == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize(
    "text",
    [
        "Good, I say\nBad\nSo, so, la la\n",
        "Good, I say\nBad, you say\n",
        "Long ago, in a land\n",
        "a single line; really\n",
        "it's {odd}\n[sic] a film\n",
        'He said "no".\n"Yes", said she.\n',
    ],
)
def test_lines_of_prose_are_texts(text):
    assert [row["text"] for row in read(text)] == text.splitlines()


def test_a_table_of_one_column_may_hold_commas():
    assert read("text\na, b\nc, d\n") == [{"text": "a, b"}, {"text": "c, d"}]


def test_a_quoted_field_may_hold_newlines_and_delimiters():
    assert read('text,id\n"a\nb, c",1\n') == [{"text": "a\nb, c"}]


def test_a_field_may_be_longer_than_the_csv_module_likes():
    assert len(read("text,id\n" + "a" * 1_000_000 + ",1\n")[0]["text"]) == 1_000_000


def test_lines_are_texts_even_if_they_look_otherwise():
    rows = read('{"text": 1}\n', format="lines")
    assert rows == [{"text": '{"text": 1}'}]


def test_an_empty_line_is_an_empty_text():
    assert read("\na\n\nb\n") == [{"text": t} for t in ("", "a", "", "b")]


def test_nothing_is_no_row():
    assert read("") == read("\n\n") == []


def test_pairs_are_read_by_name():
    rows = read("first,second\na,b\n", ("first", "second"))
    assert rows == [{"first": "a", "second": "b"}]


def test_numbers_are_read_from_tables_and_json():
    columns = ("age", "text")
    for text in ("text,age\na,36\n", '{"text": "a", "age": 36}\n'):
        assert read(text, columns, numbers={"age": float}) == [
            {"age": 36.0, "text": "a"}
        ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id;review\n1;a\n2;b\n", "columns 'id', 'review' (delimiter ';')"),
        ("id;review\n", "by number counted from 1, as in --column text=id."),
        ("a\tpos\nb\tneg\n", "2 columns without names, as in 'a\\tpos'"),
        ("a\tpos\nb\tneg\n", "as in --column text=1."),
        ("review\ngood\n", "columns 'review'"),
        ('id,"review"\n1,"a, b"\n', "If every line is one text: --format lines."),
        ('{"txt": "a"}\n', "on line 1: txt. Did you mean 'txt'?"),
    ],
)
def test_a_table_without_the_field_says_how_to_choose(text, message):
    with pytest.raises(SchemaError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "columns", "error", "message"),
    [
        ('{"text": "a"}\nb\n', ["text"], DataError, "on line 2: 'b'"),
        ('\n{"text": null}\n', ["text"], DataError, "on line 2: null"),
        ('{"text": 7}\n', ["text"], DataError, "'text' holds text. Received on line"),
        ('{"text": ["a"]}\n', ["text"], DataError, 'on line 1: ["a"]'),
        ('{"text": "a"\n', ["text"], DataError, 'on line 1: \'{"text": "a"\''),
        ('{\n"text": "a"\n}\n', ["text"], DataError, "on line 1: '{'"),
        ('[{"text": "a"}]\n', ["text"], DataError, "--data FILE reads a JSON list"),
        (
            "a,b\n",
            ["first", "second"],
            SchemaError,
            "has the columns 'first', 'second'",
        ),
        ("first,second\na\n", ["first", "second"], DataError, "line 2 with 1: 'a'"),
        ("text,id\na,1\nb,c,2\n", ["text"], DataError, "line 3 with 3: 'b,c,2'"),
        ("text,id\na,1\n", {"text": "x"}, SchemaError, "no column 'x'"),
    ],
)
def test_a_row_that_does_not_fit_names_its_line(text, columns, error, message):
    with pytest.raises(error) as caught:
        read(text, columns, chosen=isinstance(columns, dict))
    assert message in str(caught.value)


def test_a_number_that_is_none_names_its_line():
    with pytest.raises(DataError, match=r"'age' holds numbers. Received on line 2"):
        read("text,age\na,old\n", ("age", "text"), numbers={"age": float})


@pytest.mark.parametrize(("ragged", "texts"), [("skip", ["a"]), ("keep", ["a", "b"])])
def test_uneven_records_may_be_skipped_or_kept(ragged, texts):
    rows = read("id,text\n1,a\n2,b,c\n", ragged=ragged)
    assert [row["text"] for row in rows] == texts


def test_a_form_that_cannot_be_streamed_is_refused():
    with pytest.raises(UsageError, match=r"--format parquet. Give the file with --da"):
        Form(format="parquet")


def test_lines_hold_no_pairs():
    with pytest.raises(SchemaError, match="Received: --format lines"):
        read("a\n", ("first", "second"), format="lines")


def test_rows_are_not_read_ahead():
    def texts():
        yield ""
        raise AssertionError("read ahead")

    start = '{"text": "a"}\n'
    lines = Lines(texts(), start=start, whole=False, ready=lambda: True)
    assert next(row_streams.rows(lines, {"text": "text"})) == {"text": "a"}


def test_a_batch_ends_where_the_next_row_has_not_arrived():
    assert list(row_streams.batches("abc", 8, lambda: True)) == [["a"], ["b"], ["c"]]


def test_rows_before_a_bad_one_come_first():
    def rows():
        yield "a"
        raise DataError("bad")

    batches = row_streams.batches(rows(), 8, lambda: False)
    assert next(batches) == ["a"]
    with pytest.raises(DataError, match="bad"):
        next(batches)


def test_answers_are_json_lines_in_the_script_of_the_text(capsys):
    row_streams.write([{"label": "école", "odd": "\ud800"}])
    assert json.loads(capsys.readouterr().out) == {"label": "école", "odd": "?"}
