"""Files that cannot be read: what the error says, and that its exit code is 3."""

import gzip
import json

import numpy as np
import pytest

from tfnlp.data.audit.texts import audit
from tfnlp.data.files import encoding
from tfnlp.data.readers import read
from tfnlp.errors import DataError, SchemaError, UsageError

COLUMNS = {"text": "text", "label": "label"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def refused(source, columns=COLUMNS, **options):
    with pytest.raises(DataError) as caught:
        read(source, columns, **options)
    assert caught.value.exit_code == 3
    assert "Received: " in str(caught.value) or "Received columns: " in str(
        caught.value
    )
    return str(caught.value)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_missing_file_names_the_nearest(tmp_path):
    write(tmp_path / "reviews.csv", "a")
    assert "Did you mean 'reviews.csv'?" in refused(tmp_path / "review.csv")


def test_missing_folder_is_named(tmp_path):
    assert "there is no folder" in refused(tmp_path / "no" / "rows.csv")


def test_misspelt_set_names_the_nearest():
    assert "Did you mean 'rotten_tomatoes'?" in refused("roten_tomatoes")


def test_empty_file(tmp_path):
    assert "which is empty (0 bytes)" in refused(write(tmp_path / "a.csv", ""))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_header_only(tmp_path, name):
    content = b"text,label\n"
    path = write(tmp_path / name, gzip.compress(content) if "gz" in name else content)
    assert "only a header" in refused(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "a PNG picture"),
        (b"PK\x03\x04" + PNG, "a ZIP archive"),
        (np.random.default_rng(0).bytes(5000), "binary data"),
        (gzip.compress(PNG, mtime=0), "a PNG picture"),
    ],
    ids=["png", "zip", "random", "gzip"],
)
def test_file_that_is_no_text(tmp_path, content, kind):
    assert f"looks like {kind}" in refused(write(tmp_path / "a.csv", content))


def test_wrong_column_names_the_nearest(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\na,b\n")
    with pytest.raises(SchemaError) as caught:
        read(path, {"text": "text", "label": "lable"})
    message = str(caught.value)
    assert "has no column 'lable', which field 'label' needs" in message
    assert "Received columns: 'text', 'label'. Did you mean 'label'?" in message


@pytest.mark.parametrize("number", [0, 3, "1+3"])
def test_column_number_out_of_range(tmp_path, number):
    path = write(tmp_path / "a.csv", "text,label\na,b\n")
    assert "between 1 and 2" in refused(path, {"text": number})


def test_name_without_header(tmp_path):
    path = write(tmp_path / "a.csv", "a,b\n")
    assert "has no header line" in refused(path, COLUMNS, header=False)


def test_missing_key_of_json(tmp_path):
    path = write(tmp_path / "a.jsonl", json.dumps({"txt": "a", "label": 1}))
    assert "Did you mean 'txt'?" in refused(path)


def test_uneven_record_names_its_line(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"a\nb",1\nc, d,0\n')
    message = refused(path)
    assert "has 2 fields" in message
    assert "Received: line 4 with 3: 'c, d,0'" in message


def test_bad_line_of_json_is_named(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "a", "label": 1}\n{"text": \n')
    assert "line 2: '{\"text\":'" in refused(path)


def test_line_of_json_that_is_no_object_is_named(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "a", "label": 1}\n7\n')
    assert "line 2: '7'" in refused(path)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl", "a.parquet"])
def test_cut_gzip(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 10, 5000)
    content = gzip.compress(b"".join(b"%d,label\n" % digit for digit in noise))
    path = write(tmp_path / f"{name}.gz", content[: len(content) // 2])
    assert "cut or damaged" in refused(path, {"text": 1, "label": 2})


def test_parquet_that_is_none(tmp_path):
    assert "is a Parquet file" in refused(write(tmp_path / "a.parquet", "text\na\n"))


def test_folder_without_classes(tmp_path):
    write(tmp_path / "train.csv", "a")
    message = refused(tmp_path)
    assert "one sub-folder a class" in message
    assert "Give a file instead, for example" in message


def test_folder_one_level_too_high(tmp_path):
    (tmp_path / "train" / "pos").mkdir(parents=True)
    write(tmp_path / "train" / "pos" / "1.txt", "good")
    assert "Give one level deeper" in refused(tmp_path)


def test_unclosed_quote_of_a_stream_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    path = write(tmp_path / "a.csv", 'text,label\na,1\n"b,0\n' + "c,1\n" * 1000)
    rows = read(path, COLUMNS, quoting=True)
    monkeypatch.setattr("tfnlp.data.files.dialect._LONGEST_FIELD", 1000)
    with pytest.raises(DataError, match="line 3: field larger than field limit"):
        audit(rows)


def test_error_of_a_stream_is_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    content = "text,label\n" + "a,1\n" * 3000 + "b,2,3\n"
    rows = read(write(tmp_path / "a.csv", content), COLUMNS)
    with pytest.raises(DataError, match="line 3002 with 3"):
        audit(rows)


def test_split_of_a_file(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\na,b\n")
    assert "Only a named data set has splits" in refused(path, split="train")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "utf8x"}, "An encoding is a name that Python knows"),
        ({"ragged": "drop"}, "Received: ragged='drop'"),
        ({"format": "jsnl"}, "Did you mean 'jsonl'?"),
    ],
)
def test_unknown_option(tmp_path, options, message):
    path = write(tmp_path / "a.csv", "text,label\na,b\n")
    with pytest.raises(UsageError) as caught:
        read(path, COLUMNS, **options)
    assert message in str(caught.value)
