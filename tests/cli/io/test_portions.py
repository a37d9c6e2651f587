"""Byte ranges of batch files: format detection, cuts between rows, rows."""

import gzip
import json

import pytest

from tfnlp.cli.io.batch_formats import Hints, look
from tfnlp.cli.io.portions import Rejected, Row, cut, read_portion, share_out
from tfnlp.errors import DataError, SchemaError


def opened(path):
    return open(path, "rb")


def detected(path, columns=("text",), **hints):
    if not isinstance(columns, dict):
        columns = {name: name for name in columns}
    return look(str(path), columns, Hints(**hints), opened)


def read(path, columns=("text",), *, target=10**9, numbers=None, **hints):
    """What a file has, read in portions of about that many bytes."""
    written = detected(path, columns, **hints)
    portions = cut(written, path.stat().st_size, target, opened)
    return [
        row
        for portion in portions
        for row in read_portion(portion, opened, numbers or {})
    ]


def file(folder, content, name="rows.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"id": "1", "text": "so"}\n\n{"id": "2", "text": "good"}\n'),
        ("a.csv", "id,text\n1,so\n2,good\n"),
        ("a.tsv", "id\ttext\n1\tso\n2\tgood"),
        ("a.data", "id;text\r\n1;so\r\n\r\n2;good\r\n"),
        ("a", '{"id": "1", "text": "so"}\n{"id": "2", "text": "good"}'),
    ],
)
def test_rows_have_the_request_and_all_their_columns(name, content, tmp_path):
    hints = {"format": "csv"} if name == "a.data" else {}
    rows = read(file(tmp_path, content, name), **hints)
    assert [row.request for row in rows] == [{"text": "so"}, {"text": "good"}]
    assert [row.columns["id"] for row in rows] == ["1", "2"]


def test_a_line_is_a_text(tmp_path):
    rows = read(file(tmp_path, "so, good\n\nbad\n", "a.txt"))
    assert [row.request["text"] for row in rows] == ["so, good", "", "bad"]
    assert [row.offset for row in rows] == [0, 9, 10]


def test_columns_are_chosen_joined_and_counted(tmp_path):
    path = file(tmp_path, "1;so;good\n2;;bad\n")
    rows = read(path, {"text": "2+3"})
    assert [row.request["text"] for row in rows] == ["so good", "bad"]
    assert rows[0].columns == {"1": "1", "2": "so", "3": "good"}


def test_json_keeps_values_of_any_kind_and_a_string_is_a_row(tmp_path):
    path = file(tmp_path, '{"text": "so", "id": [1, null]}\n"good"\n', "a.jsonl")
    assert [row.columns for row in read(path)] == [
        {"text": "so", "id": [1, None]},
        {"text": "good"},
    ]


def test_numbers_and_lists_of_words_are_taken_as_an_artefact_wants_them(tmp_path):
    path = file(tmp_path, '{"tokens": ["so", "good"], "place": 1}\n', "a.jsonl")
    (row,) = read(path, ("tokens", "place"), numbers={"place": int})
    assert row.request == {"tokens": "so good", "place": 1}


@pytest.mark.parametrize("target", [1, 30, 100, 1000])
@pytest.mark.parametrize("ending", ["jsonl", "csv", "txt"])
def test_a_file_that_is_cut_has_the_same_rows(ending, target, tmp_path):
    texts = [f"row, {n}\nof é {'x' * (n % 40)}" for n in range(60)]
    lines = {
        "jsonl": [json.dumps({"text": text}) for text in texts],
        "csv": ["id,text", *(f'{n},"{text}"' for n, text in enumerate(texts))],
        "txt": [text.replace("\n", " ") for text in texts],
    }[ending]
    path = file(tmp_path, "\n".join(lines) + "\n", f"a.{ending}")
    parts = cut(detected(path), path.stat().st_size, target, opened)
    assert len(parts) > 1 or target == 1000
    assert read(path, target=target) == read(path)
    assert sum(part.size for part in parts) == path.stat().st_size
    assert len(read(path)) == 60


def test_an_offset_leads_back_to_the_row(tmp_path):
    path = file(tmp_path, 'id,text\n1,"é\nso"\n2,good\n')
    assert [row.offset for row in read(path)] == [8, 18]
    assert path.read_bytes()[18:].startswith(b"2,good")


def test_gzip_is_one_portion_whatever_its_name(tmp_path):
    path = file(tmp_path, gzip.compress(b'{"text": "so"}\n' * 99), "a.jsonl")
    assert len(cut(detected(path), path.stat().st_size, 10, opened)) == 1
    assert len(read(path)) == 99


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = file(tmp_path, "\ufefftext,id\nso,1\n".encode())
    assert read(path)[0].columns == {"text": "so", "id": "1"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", '{"text": "so"\n', "This is no JSON: "),
        ("a.jsonl", "[1]\n", "A line is one JSON object, or one JSON string."),
        ("a.jsonl", '{"txt": "so"}\n', "no 'text'. Received: txt. Did you mean 'txt'?"),
        ("a.jsonl", '{"text": 7}\n', "'text' holds text. Received: 7."),
        ("a.jsonl", '{"text": null}\n', "'text' holds text. Received: null."),
        ("a.csv", "so\n", "A record has 2 fields, not 1."),
        ("a.csv", "so,1,2\n", "A record has 2 fields, not 3."),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_and_others_are_not(
    name, content, reason, tmp_path
):
    good = {"a.csv": "good,1\n"}.get(name, '{"text": "good"}\n')
    start = {"a.csv": "text,id\n"}.get(name, "") + good
    path = file(tmp_path, start + content + good, name)
    first, odd, last = read(path)
    assert isinstance(first, Row) and isinstance(last, Row)
    assert isinstance(odd, Rejected) and reason in odd.reason
    assert (odd.offset, odd.text) == (len(start), content.strip())


def test_a_number_that_is_none_is_rejected(tmp_path):
    path = file(tmp_path, "age,text\nold,so\n")
    (odd,) = read(path, ("age", "text"), numbers={"age": float})
    assert odd.reason.startswith("The field 'age' holds numbers. Received: \"old\"")


def test_gzip_that_is_cut_gives_its_rows_and_says_where_it_ends(tmp_path):
    lines = b"".join(b'{"text": "%d"}\n' % n for n in range(90_000))
    path = file(tmp_path, gzip.compress(lines)[:-40], "a.jsonl.gz")
    *rows, last = read(path)
    assert len(rows) > 1000 and all(isinstance(row, Row) for row in rows)
    assert "cut or damaged" in last.reason


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,reviw\n1,so\n", "'review', which field 'text' needs. Received"),
        ("a.csv", "id,reviw\n1,so\n", "Did you mean 'reviw'?"),
        ("a.jsonl", '{"reviw": "so"}\n', "has 'review', which field 'text' needs."),
        ("a.jsonl", '{"reviw": "so"}\n', "Received: reviw. Did you mean 'reviw'?"),
    ],
)
def test_a_missing_column_names_the_nearest(name, content, message, tmp_path):
    with pytest.raises(SchemaError) as caught:
        detected(file(tmp_path, content, name), {"text": "review"})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\nso good\n".encode("utf-16"), "in utf-16. Convert it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "looks like a PNG picture"),
        (gzip.compress(b"a\n" * 99, mtime=0)[:12], "cut or damaged"),
    ],
)
def test_what_cannot_be_cut_is_rejected_data(content, message, tmp_path):
    with pytest.raises(DataError) as caught:
        detected(file(tmp_path, content))
    assert message in str(caught.value)


def test_lines_have_one_field(tmp_path):
    with pytest.raises(SchemaError, match=r"Received: .*a\.txt as lines"):
        detected(file(tmp_path, "so\n", "a.txt"), ("first", "second"))


def test_portions_are_shared_out_in_order_and_about_evenly(tmp_path):
    path = file(tmp_path, "so good\n" * 100, "a.txt")
    portions = cut(detected(path), 800, 50, opened)
    shards = share_out(portions, 4)
    assert [each for shard in shards for each in shard] == portions
    assert all(150 <= sum(p.size for p in shard) <= 250 for shard in shards)
    assert share_out(portions[:1], 3) in (
        [portions[:1], [], []],
        [[], portions[:1], []],
    )
