"""Bytes that arrive, as lines: no waiting, any encoding, gzip, and what is no text."""

import gzip
import io
import os
import sys

import pytest

from tfnlp.cli.io.stdin import arriving, open_stdin
from tfnlp.errors import DataError, UsageError


def lines(content, **options):
    return list(arriving(io.BytesIO(content), **options))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"]
)
def test_the_encoding_is_detected_from_the_beginning(encoding):
    text = "café\nnaïve, said all\n"
    assert "".join(lines(text.encode(encoding))) == text


def test_a_given_encoding_is_taken():
    assert lines("прокат\n".encode("cp1251"), encoding="cp1251") == ["прокат\n"]


def test_the_encoding_stays_open_while_all_is_ascii():
    read, write = os.pipe()
    with open(read, "rb", buffering=0) as file, open(write, "wb", buffering=0) as out:
        out.write(b"good\n")
        found = arriving(file)
        assert next(found) == "good\n"
        out.write("café\n".encode("cp1252"))
        assert next(found) == "café\n"


def test_only_the_first_line_is_awaited():
    read, write = os.pipe()
    with open(read, "rb", buffering=0) as file, open(write, "wb", buffering=0) as out:
        out.write(b"a\nb\nhalf")
        found = arriving(file)
        assert (next(found), found.waits()) == ("a\n", False)
        assert (next(found), found.waits()) == ("b\n", True)
        out.write(b" a line\n")
        assert next(found) == "half a line\n"


def test_line_ends_are_kept_and_may_be_cut_in_two():
    content = b"a\r\nb\rc\n" + b"x" * (2**16 - 8) + b"\r\nlast"
    found = lines(content)
    assert found[:3] == ["a\r\n", "b\r", "c\n"]
    assert found[3:] == ["x" * (2**16 - 8) + "\r\n", "last"]


def test_a_line_may_be_longer_than_the_beginning():
    content = b"a" * 3_000_000 + b"\nb"
    assert list(map(len, lines(content))) == [3_000_001, 1]


def test_gzip_is_decompressed_even_in_several_members():
    packed = gzip.compress(b"a\n") + gzip.compress("é\n".encode())
    assert lines(packed) == ["a\n", "é\n"]


CUT = gzip.compress(b"a\n" * 99, mtime=0)[:-9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "standard input, which looks like a PNG"),
        (b"a\0b\n", "Received: bytes 0, as utf-8 has none."),
        (b"PAR1\x15\x04\n", "looks like a Parquet file"),
        (
            gzip.compress(b"a\n" * 99, mtime=0)[:-9],
            "standard input, which is cut or damaged",
        ),
        (b"\x1f\x8bno gzip\n", "standard input, which is cut or damaged"),
    ],
)
def test_what_is_no_text_is_rejected_data(content, message):
    with pytest.raises(DataError) as caught:
        lines(content)
    assert message in str(caught.value)


def test_an_unknown_encoding_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'cp1252'"):
        lines(b"a\n", encoding="cp125")


def test_a_terminal_is_not_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="Pass --text"):
        open_stdin()
