"""Files of every format as rows, and what is detected about them."""

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

from tfnlp.data import readers
from tfnlp.data.files import encoding
from tfnlp.data.readers import from_list, read
from tfnlp.data.rows import column_batches

COLUMNS = {"text": "text", "label": "label"}
ROWS = [("so good", "pos"), ("très bad", "neg")]


def pairs(rows):
    return [
        (text.decode(), label.decode())
        for batch in column_batches(rows)
        for text, label in zip(batch["text"], batch["label"], strict=True)
    ]


def texts(rows):
    return [text.decode() for batch in column_batches(rows) for text in batch["text"]]


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


def delimited(sign, end="\n"):
    return end.join([f"text{sign}label", *(sign.join(row) for row in ROWS), ""])


def as_json(row):
    return json.dumps({"text": row[0], "label": row[1]})


FILES = {
    "rows.csv": delimited(","),
    "rows.tsv": delimited("\t"),
    "rows.txt": delimited(";"),
    "rows.data": delimited("|"),
    "crlf.csv": delimited(",", "\r\n"),
    "old.csv": delimited(",", "\r"),
    "rows.jsonl": "\n".join(map(as_json, ROWS)),
    "rows.json": json.dumps([json.loads(as_json(row)) for row in ROWS]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("zipped", [False, True])
def test_format_is_told_by_name_and_content(tmp_path, name, zipped):
    content = FILES[name].encode()
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert pairs(read(path, COLUMNS)) == ROWS


@pytest.mark.parametrize("zipped", [False, True])
def test_parquet_is_read(tmp_path, zipped):
    path = tmp_path / "rows.parquet"
    table = pyarrow.table({"text": ["a", None], "label": [1, 0]})
    pyarrow.parquet.write_table(table, path)
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert pairs(read(path, COLUMNS)) == [("a", "1"), ("", "0")]


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_are_texts_and_empty_ones_count(tmp_path, zipped):
    content = b"so good\r\n\nso, bad\n"
    path = tmp_path / "texts.txt"
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert texts(readers.lines(path)) == ["so good", "", "so, bad"]


def test_folder_has_one_class_a_sub_folder(tmp_path):
    for label, text in (("neg", "bad"), ("pos", "good\nfilm")):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text(text)
    (tmp_path / "pos" / "2.txt.gz").write_bytes(gzip.compress("été".encode()))
    (tmp_path / "pos" / "3.txt").write_text("")
    found = [("bad", "neg"), ("good\nfilm", "pos"), ("été", "pos"), ("", "pos")]
    assert pairs(readers.folder(tmp_path)) == found


@pytest.mark.parametrize(
    "name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_encoding_is_detected(tmp_path, name):
    path = write(tmp_path / "rows.csv", delimited(","), name)
    assert pairs(read(path, COLUMNS)) == ROWS


def test_latin_1_is_taken_where_cp1252_has_no_character(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes(b"\x81 caf\xe9\n")
    assert texts(readers.lines(path)) == ["\x81 café"]


def test_encoding_can_be_given(tmp_path):
    path = write(tmp_path / "texts.txt", "影片\n", "gb18030")
    assert texts(readers.lines(path, encoding="gb18030")) == ["影片"]


def test_undecodable_bytes_are_replaced(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("très, très beau été\n".encode() + b"\xff\xfe\n")
    assert texts(readers.lines(path))[1] == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        "nul \0 inside and at the end\0",
        "emoji 🎬👍🏽 and flags 🇪🇺",
        "עברית and العربية",
        "x" * 2**20,
        "line\nbreak and \u2028 and \x85",
    ],
    ids=["nul", "emoji", "right-to-left", "1 MB", "newlines"],
)
def test_odd_texts_arrive_unchanged(tmp_path, text):
    path = write(tmp_path / "rows.csv", f'text,label\n"{text}",pos\n')
    assert pairs(read(path, COLUMNS)) == [(text, "pos")]


def test_lone_surrogates_become_the_replacement_character(tmp_path):
    path = write(tmp_path / "rows.jsonl", '{"text": "a \\ud83d b"}\n')
    assert texts(read(path, {"text": "text"})) == ["a \ufffd b"]


def test_ten_thousand_classes_are_read(tmp_path):
    lines = "".join(f"text {row}\tclass {row}\n" for row in range(10_000))
    rows = read(write(tmp_path / "rows.tsv", lines), {"text": 1, "label": 2})
    assert len({label for _, label in pairs(rows)}) == 10_000


def test_quotes_are_ordinary_where_they_do_not_balance(tmp_path):
    content = '\ufefflabel\ttext\r\n1\t"Fine" - he said\r\n0\t"never closed\r\n'
    path = write(tmp_path / "rows.tsv", content)
    assert texts(read(path, COLUMNS)) == ['"Fine" - he said', '"never closed']


def test_fields_may_hold_newlines_and_delimiters(tmp_path):
    path = write(tmp_path / "rows.csv", 'label,text\n1,"a, ""b""\nc"\n0,d\n')
    assert texts(read(path, COLUMNS)) == ['a, "b"\nc', "d"]


@pytest.mark.parametrize("column", [1, "1", "text"])
def test_columns_go_by_name_or_number(tmp_path, column):
    path = write(tmp_path / "rows.csv", delimited(","))
    assert texts(read(path, {"text": column})) == ["so good", "très bad"]


def test_columns_can_be_joined(tmp_path):
    path = write(tmp_path / "rows.csv", '"1","A title","and more"\n"2","B",""\n')
    rows = read(path, {"label": 1, "text": "2+3"})
    assert pairs(rows) == [("A title and more", "1"), ("B", "2")]


def test_optional_field_is_left_out_where_its_column_is_missing(tmp_path):
    path = write(tmp_path / "rows.csv", "text\nso good\nbad\n")
    rows = read(path, COLUMNS, optional=["label"])
    assert list(rows.element_spec) == ["text"]


def test_values_of_json_become_strings(tmp_path):
    values = [1, 1.5, True, None, ["joy", "fear"], {"a": 1}]
    lines = [json.dumps({"text": "t", "label": value}) for value in values]
    rows = read(write(tmp_path / "rows.jsonl", "\n".join(lines)), COLUMNS)
    labels = [label for _, label in pairs(rows)]
    assert labels == ["1", "1.5", "true", "", "joy,fear", '{"a": 1}']


def test_separator_joins_lists(tmp_path):
    path = write(tmp_path / "rows.jsonl", '{"text": "t", "label": ["a", "b"]}')
    assert pairs(readers.jsonl(path, COLUMNS, label_separator="|")) == [("t", "a|b")]


def test_several_labels_of_a_table_stay_one_string(tmp_path):
    path = write(tmp_path / "rows.tsv", "so glad\t3,10\tid1\nsad\t25\tid2\n")
    assert pairs(read(path, {"text": 1, "label": 2})) == [
        ("so glad", "3,10"),
        ("sad", "25"),
    ]


@pytest.mark.parametrize(("ragged", "count"), [("skip", 2), ("keep", 4)])
def test_uneven_records_can_be_left_out_or_filled(tmp_path, ragged, count):
    content = "text,label\na,1\nb\nc,2,3\nd,0\n"
    rows = read(write(tmp_path / "rows.csv", content), COLUMNS, ragged=ragged)
    assert len(pairs(rows)) == count


def test_large_file_is_streamed_in_order_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    lines = "".join(f"text {row}\t{row % 2}\n" for row in range(3000))
    rows = read(write(tmp_path / "rows.tsv", lines), {"text": 1, "label": 2})
    assert rows.cardinality() == tf.data.UNKNOWN_CARDINALITY
    assert texts(rows) == texts(rows) == [f"text {row}" for row in range(3000)]


def test_rows_carry_no_autotuning(tmp_path):
    rows = read(write(tmp_path / "rows.csv", delimited(",")), COLUMNS)
    assert rows.options().autotune.enabled is False


def test_from_list_keeps_numbers():
    rows = from_list([{"text": "a", "similarity": 0.5}, {"text": "", "similarity": 1}])
    assert rows.element_spec["similarity"].dtype == tf.float32
